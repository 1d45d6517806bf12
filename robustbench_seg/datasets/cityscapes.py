"""Cityscapes in its official layout, and a writer of that layout.

    <root>/leftImg8bit/<split>/<city>/<city>_<sequence>_<frame>_leftImg8bit.png     or ..._leftImg8bit.webp
    <root>/gtFine/<split>/<city>/<city>_<sequence>_<frame>_gtFine_labelIds.png      or ..._labelTrainIds.png
    <root>/manifest.json                                   only in what `robustbench-seg corrupt` wrote

The manifest names the data set that was corrupted, its split and its classes, and whether the images are drawn or may
be shown.

Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016; label ids as in
cityscapesScripts' helpers/labels.py. Where labelTrainIds are present they are used, else labelIds are mapped.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..files import write_bytes
from ..images import png
from ..wording import quote
from .base import IGNORE, Dataset
from .file_dataset import FileDataset, label_table
from .folders import list_images, pair
from .tree import contents

__all__ = [
    "CLASS_NAMES",
    "MADE_BY",
    "MANIFEST",
    "PALETTE",
    "Cityscapes",
    "read_manifest",
    "relative_paths",
    "write_cityscapes",
]

CLASS_NAMES = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain",
    "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
)  # fmt: skip
PALETTE = (
    (128, 64, 128), (244, 35, 232), (70, 70, 70), (102, 102, 156), (190, 153, 153), (153, 153, 153), (250, 170, 30),
    (220, 220, 0), (107, 142, 35), (152, 251, 152), (70, 130, 180), (220, 20, 60), (255, 0, 0), (0, 0, 142),
    (0, 0, 70), (0, 60, 100), (0, 80, 100), (0, 0, 230), (119, 11, 32),
)  # fmt: skip
# The labelId of each trainId. The other ids of 0 .. 33 are void.
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
FROM_LABEL_IDS = dict.fromkeys(range(34), IGNORE) | {value: k for k, value in enumerate(LABEL_IDS)}
IMAGES = ("_leftImg8bit.png", "_leftImg8bit.webp")
TRAIN_IDS, LABELS = "_gtFine_labelTrainIds.png", "_gtFine_labelIds.png"
MANIFEST, MADE_BY = "manifest.json", "robustbench-seg corrupt"


class Cityscapes(FileDataset):
    """19 classes, void ignored. Splits: train, val, and test where a user has labels for it.

    A manifest's classes replace the 19, and its split, which may be another data set's, is then the only one.
    """

    name = "cityscapes"
    splits: tuple[str, ...] = ("train", "val", "test")
    class_names: tuple[str, ...] = CLASS_NAMES
    palette: tuple[tuple[int, int, int], ...] = PALETTE
    shows_images = False  # its licence: no part of it may be passed on
    of: int | None = None

    def __init__(self, root: Path, split: str = "val") -> None:
        manifest = read_manifest(root)
        if manifest is not None and "corruption" not in manifest and not (root / "leftImg8bit").exists():
            raise DataError(
                f"{quote(root)}: holds one folder per condition, written by `corrupt`; give one of them, "
                f"{quote(root / 'CORRUPTION' / 'SEVERITY')}; it holds {contents(root)}"
            )
        if manifest is not None and split != manifest.get("split"):
            raise DataError(f"{quote(root)}: has no split {split!r}; its {MANIFEST} names {manifest.get('split')!r}")
        if manifest is not None:
            self.splits = (split,)
        self.choose(split)
        # What `corrupt` wrote may be of a data set whose ids have a condition before a slash.
        images = list_images(root / "leftImg8bit" / split, *IMAGES, depth=None if manifest is None else 1)
        if manifest is not None:
            self.describe_from(manifest, len(images.files), root)
        # One kind for the whole split, so that one table serves; labelTrainIds only where every image has them.
        tables = {TRAIN_IDS: train_ids(len(self.class_names)), LABELS: FROM_LABEL_IDS}
        pairs = pair(images, root / "gtFine" / split, *tables)
        super().__init__(pairs.files, label_table(tables[pairs.ending]), pairs.notes)

    @property
    def total(self) -> int:
        return super().total if self.of is None else self.of

    def describe_from(self, manifest: dict[str, Any], images: int, root: Path) -> None:
        """Take over what a manifest has on the data set that was corrupted, which need not be Cityscapes.

        Raises DataError where the tree is incomplete, and where the manifest is not as `corrupt` writes it.
        """
        try:
            expected, self.of = manifest["images"], manifest["of"]
            self.class_names = tuple(manifest["class_names"])
            self.palette = tuple((red, green, blue) for red, green, blue in manifest["palette"])
            self.shows_images, self.synthetic = manifest["shows_images"], manifest["synthetic"]
        except KeyError as error:
            raise DataError(f"{quote(root / MANIFEST)}: lacks {error}; it was edited") from None
        except (TypeError, ValueError) as error:
            raise DataError(f"{quote(root / MANIFEST)}: its classes can't be read ({error}); it was edited") from None
        if len(self.class_names) != len(self.palette):
            raise DataError(
                f"{quote(root / MANIFEST)}: {len(self.class_names)} class names and {len(self.palette)} colours; "
                "it was edited"
            )
        if images != expected:
            raise DataError(f"{quote(root)}: holds {images} of {expected} images; the same `corrupt` resumes there")


def read_manifest(root: Path) -> dict[str, Any] | None:
    """Read the manifest of what `corrupt` wrote; any other folder, and any other manifest.json, has none."""
    try:
        content = json.loads((root / MANIFEST).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and content.get("made_by") == MADE_BY else None


def train_ids(classes: int) -> dict[int, int]:
    """Stored values that are trainIds already."""
    return {value: value for value in range(classes)} | {IGNORE: IGNORE}


def relative_paths(split: str, city: str, name: str, image_format: str, labels: str) -> tuple[Path, Path]:
    """Where the image and the label of id `name` lie below a root. labels: "labelIds" or "labelTrainIds"."""
    place = Path(split, city)
    return (
        "leftImg8bit" / place / f"{name}_leftImg8bit.{image_format}",
        "gtFine" / place / f"{name}_gtFine_{labels}.png",
    )


def write_cityscapes(dataset: Dataset, root: Path, ids: Iterable[str] | None = None) -> None:
    """Write samples of a data set with Cityscapes' classes as images and labelIds in Cityscapes' own layout.

    Void becomes labelId 0 (unlabeled). The city of an id is what stands before its first underscore. Files that are
    there already are replaced, each atomically.
    """
    to_label_id = np.zeros(256, np.uint8)
    to_label_id[: len(LABEL_IDS)] = LABEL_IDS
    for name in dataset.ids if ids is None else ids:
        sample = dataset.load(name)
        image, label = relative_paths(dataset.split, name.partition("_")[0], name, "png", "labelIds")
        write_bytes(root / image, png(sample.image))
        write_bytes(root / label, png(to_label_id[sample.label]))
