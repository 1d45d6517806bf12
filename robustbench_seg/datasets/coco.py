"""COCO-style annotations: one JSON file with polygons or run-length codes for all images, drawn into label maps.

Source: Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014; its `instances` files have this format,
and pycocotools draws the masks. Annotations of an image are drawn in the file's order, so a later one hides an earlier
one where they overlap.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, missing_extra
from ..files import canonical_json
from ..wording import counted, listed, quote
from .base import IGNORE, LabelMap
from .folders import Listing
from .json_labels import reading

__all__ = ["Annotations"]

EXAMPLES = 3


@dataclass(frozen=True, eq=False)
class Annotations:
    """path: of the JSON file. by_id: for each image id its annotations, as (trainId, segmentation). background: the
    trainId of pixels without annotation, IGNORE unless they have a class.
    """

    path: Path
    by_id: dict[str, list[tuple[int, Any]]]
    background: int
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path, class_names: Sequence[str], background: str, images: Listing) -> "Annotations":
        """Read what annotates these images. Categories are found by their names.

        Raises DataError for a file that is not as described, for a category without a class, and for a background that
        is none of the classes.
        """
        if background and background not in class_names:
            raise DataError(f"{quote(path)}: the background {background!r} is none of the classes")
        with reading(path, "COCO's instances are"):
            content = json.loads(path.read_text("utf-8"))
            trainids = {one["id"]: trainid_of(one["name"], class_names, path) for one in content["categories"]}
            names = {one["id"]: str(one["file_name"]) for one in content["images"]}
            triples = [
                (names[one["image_id"]], one["category_id"], one["segmentation"]) for one in content["annotations"]
            ]
        listed_names = {file.relative_to(images.folder).as_posix(): key for key, file in images.files.items()}
        listed_names |= {file.name: key for key, file in images.files.items()}
        by_id: dict[str, list[tuple[int, Any]]] = {listed_names[n]: [] for n in names.values() if n in listed_names}
        for name, category, segmentation in triples:
            if category not in trainids:
                raise DataError(f"{quote(path)}: {quote(name)} has the category {category}, which has no name there")
            if name in listed_names:
                by_id[listed_names[name]].append((trainids[category], segmentation))
        missing = [name for name in names.values() if name not in listed_names]
        note = f"{quote(path)}: {counted(len(missing), 'image')} of it not in {quote(images.folder)}: "
        return cls(
            path=path,
            by_id=by_id,
            background=class_names.index(background) if background else IGNORE,
            notes=images.notes + ((note + listed(list(map(quote, missing)), EXAMPLES),) if missing else ()),
        )

    @property
    def identity(self) -> list[Any]:
        """What decides which class a label is, in addition to the annotations."""
        return ["coco", self.background]

    def pairs(self, images: Listing) -> dict[str, tuple[Path, Path]]:
        """Pair each image with the file. Raises DataError for an image that the file does not name."""
        if lacking := [name for name in images.files if name not in self.by_id]:
            raise DataError(f"{quote(images.files[lacking[0]])}: {quote(self.path)} does not name it")
        return {name: (file, self.path) for name, file in images.files.items()}

    def content(self, image_id: str) -> bytes:
        """What an image's labels are made of."""
        return canonical_json(self.by_id[image_id]).encode()

    def trainids(self, content: bytes, size: tuple[int, int]) -> LabelMap:
        """Draw what `content` returned. Raises ValueError for a mask of another size or that can't be drawn."""
        label = np.full(size, self.background, np.uint8)
        for trainid, segmentation in json.loads(content):
            label[drawn(segmentation, size)] = trainid
        return label


def trainid_of(name: Any, class_names: Sequence[str], path: Path) -> int:
    if name not in class_names:
        raise DataError(f"{quote(path)}: its category {name!r} is none of the classes {', '.join(class_names)}")
    return class_names.index(name)


def drawn(segmentation: Any, size: tuple[int, int]) -> Any:
    """Draw polygons, or a run-length code, whether compressed or not, as a mask (H, W) of bool."""
    try:
        from pycocotools import mask
    except ImportError:
        raise missing_extra("COCO-style annotations need pycocotools", "coco") from None
    try:
        if isinstance(segmentation, list):
            codes = mask.merge(mask.frPyObjects(segmentation, *size))
        elif isinstance(segmentation["counts"], list):
            codes = mask.frPyObjects(segmentation, *segmentation["size"])
        else:
            codes = {**segmentation, "counts": segmentation["counts"].encode()}
        drawing = mask.decode(codes).astype(bool)
    except Exception as error:  # pycocotools raises bare ones
        raise ValueError(f"an annotation can't be drawn ({type(error).__name__}: {error})") from None
    if drawing.shape != size:
        raise ValueError(f"an annotation's size {drawing.shape[1]}x{drawing.shape[0]} differs from its image's")
    return drawing
