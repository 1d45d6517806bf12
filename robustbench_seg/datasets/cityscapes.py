"""Cityscapes in its official layout, and a writer of that layout.

    <root>/leftImg8bit/<split>/<city>/<city>_<sequence>_<frame>_leftImg8bit.png
    <root>/gtFine/<split>/<city>/<city>_<sequence>_<frame>_gtFine_labelIds.png      or ..._labelTrainIds.png

Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016; label ids as in
cityscapesScripts' helpers/labels.py. Where labelTrainIds are present they are used, else labelIds are mapped.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..files import write_bytes
from .base import IGNORE, Dataset, FileDataset, label_table, list_images, png

__all__ = ["CLASS_NAMES", "PALETTE", "Cityscapes", "write_cityscapes"]

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
FROM_TRAIN_IDS = {value: value for value in range(len(CLASS_NAMES))} | {IGNORE: IGNORE}
IMAGE_SUFFIX = "_leftImg8bit.png"
LABEL_SUFFIXES = {"_gtFine_labelTrainIds.png": FROM_TRAIN_IDS, "_gtFine_labelIds.png": FROM_LABEL_IDS}


class Cityscapes(FileDataset):
    """19 classes, void ignored. Splits: train, val, and test where a user has labels for it."""

    name = "cityscapes"
    class_names = CLASS_NAMES
    palette = PALETTE

    def __init__(self, root: Path, split: str = "val") -> None:
        if split not in ("train", "val", "test"):
            raise DataError(f"cityscapes has no split {split!r}; known: train, val, test")
        self.split = split
        images = list_images(root / "leftImg8bit" / split, IMAGE_SUFFIX)
        labels = root / "gtFine" / split
        # One kind for the whole split, so that one table serves; labelTrainIds only where every image has them.
        suffix = next(
            (s for s in LABEL_SUFFIXES if all(label_file(labels, image, s).is_file() for image in images)),
            None,
        )
        if suffix is None:
            wanting = next(i for i in images if not label_file(labels, i, "_gtFine_labelIds.png").is_file())
            expected = label_file(labels, wanting, "_gtFine_labelIds.png")
            raise DataError(f"{wanting}: has no label; expected {expected} or ..._labelTrainIds.png")
        pairs = {image.name.removesuffix(IMAGE_SUFFIX): (image, label_file(labels, image, suffix)) for image in images}
        super().__init__(pairs, label_table(LABEL_SUFFIXES[suffix]))


def label_file(labels: Path, image: Path, suffix: str) -> Path:
    return labels / image.parent.name / (image.name.removesuffix(IMAGE_SUFFIX) + suffix)


def write_cityscapes(dataset: Dataset, root: Path, ids: Iterable[str] | None = None) -> None:
    """Write samples of a data set with Cityscapes' classes as images and labelIds in Cityscapes' own layout.

    Void becomes labelId 0 (unlabeled). The city of an id is what stands before its first underscore. Files that are
    there already are replaced, each atomically.
    """
    to_label_id = np.zeros(256, np.uint8)
    to_label_id[: len(LABEL_IDS)] = LABEL_IDS
    for image_id in dataset.ids if ids is None else ids:
        sample = dataset.load(image_id)
        place = Path(dataset.split, image_id.partition("_")[0])
        contents = {
            root / "leftImg8bit" / place / f"{image_id}{IMAGE_SUFFIX}": sample.image,
            root / "gtFine" / place / f"{image_id}_gtFine_labelIds.png": to_label_id[sample.label],
        }
        for path, pixels in contents.items():
            write_bytes(path, png(pixels))
