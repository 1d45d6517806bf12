"""The family of data sets. To add one, add a file with a Dataset and a line to DATASETS."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..family import Family
from .base import IGNORE, Dataset, Sample, spaced
from .entry import DatasetEntry
from .file_dataset import FileDataset

__all__ = ["DATASETS", "IGNORE", "Dataset", "DatasetEntry", "Sample", "blocks_of", "open_dataset", "spaced"]

SHIPPED = (
    DatasetEntry(
        name="streets",
        description="19 classes; SYNTHETIC street scenes, drawn on the fly; embedded",
        module=f"{__name__}.streets",
        class_name="Streets",
        needs_folder=False,
    ),
    DatasetEntry(
        name="cityscapes",
        description="19 classes; leftImg8bit and gtFine in the official layout",
        module=f"{__name__}.cityscapes",
        class_name="Cityscapes",
    ),
    DatasetEntry(
        name="camvid",
        description="11 classes; the SegNet split, 367 training and 233 test frames",
        module=f"{__name__}.camvid",
        class_name="CamVid",
    ),
    DatasetEntry(
        name="ade20k",
        description="150 classes; ADEChallengeData2016, 20,210 training and 2,000 validation images",
        module=f"{__name__}.ade20k",
        class_name="ADE20K",
    ),
    DatasetEntry(
        name="cocostuff",
        description="171 classes; COCO-Stuff 164k, 118,287 training and 5,000 validation images",
        module=f"{__name__}.cocostuff",
        class_name="COCOStuff",
    ),
)
DATASETS = Family("dataset", DatasetEntry, {entry.name: entry for entry in SHIPPED})


def open_dataset(name: str, root: Path | None = None, /, **options: Any) -> Dataset:
    """Open a split of a data set.

    root: its folder, for those that need one. options: of that data set, such as split.
    Raises UsageError for an unknown name, an unknown option or a missing root, DataError for what is in the folder.
    """
    if name not in DATASETS:
        raise UsageError(f"unknown dataset {name!r}; known: {', '.join(DATASETS)}")
    dataset = DATASETS[name].open(root, options)
    if isinstance(dataset, FileDataset):
        dataset.options = options
    return dataset


def blocks_of(name: str, ids: Sequence[str]) -> tuple[str, ...]:
    """Name the block of each id of a data set, without its folder; see `Dataset.blocks`.

    A name that is not registered here, as of a store made elsewhere, has its images as blocks.
    """
    return (DATASETS[name].load() if name in DATASETS else Dataset).blocks(ids)
