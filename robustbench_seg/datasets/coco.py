"""COCO-style annotations: one JSON file with polygons or run-length codes for all images, drawn into label maps.

Source: Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014; its `instances` files have this format,
and pycocotools draws the masks. Annotations of an image are drawn in the file's order, so a later one hides an earlier
one where they overlap.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..files import canonical_json
from ..wording import counted, listed, quote
from .base import IGNORE, LabelMap
from .coco_masks import drawn
from .folders import Listing
from .json_labels import reading
from .lookup import Lookup

__all__ = ["Annotations"]

EXAMPLES = 3
PARTS = ("image_id", "category_id", "segmentation")  # of an annotation


@dataclass(frozen=True, eq=False)
class Entry:
    """An image in the file. name: for faults. size: height and width as stated, None where they are not.
    annotations: of each its own id, its trainId and its segmentation.
    """

    name: str
    size: tuple[Any, Any]
    annotations: list[tuple[Any, int, Any]] = field(default_factory=list)


class Content(bytes):
    """What decides an image's labels, as bytes to hash; with its entry, whose names and numbers decide no label."""

    entry: Entry


@dataclass(frozen=True, eq=False)
class Annotations:
    """path: of the JSON file. by_id: the entry of each image id. background: the trainId of pixels without annotation,
    IGNORE unless they have a class. notes: a line on its images that are not in the folder, if there are any.
    """

    path: Path
    by_id: dict[str, Entry]
    background: int
    notes: tuple[str, ...] = ()

    @classmethod
    def read(
        cls, path: Path, class_names: Sequence[str], background: str, images: Listing, lookup: Lookup
    ) -> "Annotations":
        """Read what annotates these images. Categories are found by their names.

        lookup: of all images in the folder, among which `images` may be chosen.
        Raises DataError for a file that is not as described, for a category without a class, for an id or an image that
        comes twice, for an image that the file does not name, and for a background that is none of the classes.
        """
        if background and background not in class_names:
            raise DataError(f"{quote(path)}: the background {background!r} is none of the classes")
        with reading(path, "COCO's instances are"):
            content = json.loads(path.read_text("utf-8-sig"))
            categories = by_number(content["categories"], "categories", path)
            trainids = {number: trainid_of(one["name"], class_names, path) for number, one in categories.items()}
            entries = {
                number: Entry(str(one["file_name"]), (one.get("height"), one.get("width")))
                for number, one in by_number(content["images"], "images", path).items()
            }
            for place, one in enumerate(content["annotations"]):
                where = f"{quote(path)}: annotation {one.get('id', f'at place {place}')}"
                if lacking := [part for part in PARTS if part not in one]:
                    raise DataError(f"{where}: lacks {lacking[0]}")
                if one["image_id"] not in entries:
                    raise DataError(f"{where}: no image has the id {one['image_id']}")
                entry = entries[one["image_id"]]
                if one["category_id"] not in trainids:
                    raise DataError(
                        f"{where} of {quote(entry.name)} has the category {one['category_id']}, which has no name there"
                    )
                entry.annotations.append((one.get("id", place), trainids[one["category_id"]], one["segmentation"]))
        by_id, missing = by_image(entries.values(), lookup, path)
        examples = listed(list(map(quote, missing)), EXAMPLES)
        if unnamed := [file for image_id, file in images.files.items() if image_id not in by_id]:
            others = f"; it names {examples}" if missing else ""
            raise DataError(f"{quote(unnamed[0])}: {quote(path)} does not name it{others}")
        note = f"{quote(path)}: {counted(len(missing), 'image')} of it not in {quote(images.folder)}: {examples}"
        return cls(
            path=path,
            by_id={image_id: by_id[image_id] for image_id in images.files},
            background=class_names.index(background) if background else IGNORE,
            notes=(note,) if missing else (),
        )

    @property
    def identity(self) -> list[Any]:
        """What decides which class a label is, in addition to the annotations."""
        return ["coco", self.background]

    def content(self, image_id: str) -> Content:
        """What an image's labels are made of. Raises ValueError for a number that is not finite."""
        entry = self.by_id[image_id]
        try:
            text = canonical_json([[trainid, segmentation] for _, trainid, segmentation in entry.annotations])
        except ValueError:
            raise ValueError(f"image {quote(entry.name)}: a number of its annotations is not finite") from None
        content = Content(text.encode())
        content.entry = entry
        return content

    def trainids(self, content: Content, size: tuple[int, int]) -> LabelMap:
        """Draw what `content` returned. Raises ValueError, which names image and annotation, for an image or a mask of
        another size, and for what can't be drawn.
        """
        entry = content.entry
        where = f"image {quote(entry.name)}"
        height, width = entry.size
        for side, stated in (("height", height), ("width", width)):
            if stated is not None and type(stated) not in (int, float):
                raise ValueError(f"{where}: its {side} {stated!r:.60} is no number")
        if any(stated not in (None, real) for stated, real in zip(entry.size, size, strict=True)):
            raise ValueError(f"{where} is {height}x{width} there, but its file is {size[0]}x{size[1]}")
        label = np.full(size, self.background, np.uint8)
        for number, trainid, segmentation in entry.annotations:
            try:
                label[drawn(segmentation, size)] = trainid
            except ValueError as error:
                raise ValueError(f"{where}, annotation {number}: {error}") from None
        return label


def by_number(content: Any, part: str, path: Path) -> dict[Any, Any]:
    """The members of a part of the file by their ids. Raises DataError for an id that comes twice."""
    members: dict[Any, Any] = {}
    for one in content:
        if members.setdefault(one["id"], one) is not one:
            raise DataError(f"{quote(path)}: the id {one['id']} comes twice in {part}; each must have its own")
    return members


def by_image(entries: Any, lookup: Lookup, path: Path) -> tuple[dict[str, Entry], list[str]]:
    """The entries of images that are found, by image id, and the names of the others."""
    by_id, missing = dict[str, Entry](), list[str]()
    for entry in entries:
        try:
            image_id = lookup.find(entry.name)
        except DataError as error:
            raise DataError(f"{quote(path)}: image {error}") from None
        if image_id is None:
            missing.append(entry.name)
        elif by_id.setdefault(image_id, entry) is not entry:
            raise DataError(f"{quote(path)}: two of its images are {quote(lookup.files[image_id])}")
    return by_id, missing


def trainid_of(name: Any, class_names: Sequence[str], path: Path) -> int:
    if name not in class_names:
        raise DataError(f"{quote(path)}: its category {name!r} is none of the classes {', '.join(class_names)}")
    return class_names.index(name)
