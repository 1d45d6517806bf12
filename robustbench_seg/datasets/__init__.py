"""The family of data sets. To add one, add a file with a Dataset and a line to DATASETS."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .base import IGNORE, Dataset, FileDataset, Sample, spaced

__all__ = ["DATASETS", "IGNORE", "Dataset", "Sample", "blocks_of", "open_dataset", "spaced"]

# name: (module, class, needs a folder, what `list` says of it)
DATASETS = {
    "streets": (
        "streets",
        "Streets",
        False,
        "19 classes; SYNTHETIC street scenes, drawn on the fly; embedded",
    ),
    "cityscapes": (
        "cityscapes",
        "Cityscapes",
        True,
        "19 classes; leftImg8bit and gtFine in the official layout",
    ),
    "camvid": ("camvid", "CamVid", True, "11 classes; the SegNet split, 367 training and 233 test frames"),
    "ade20k": (
        "ade20k",
        "ADE20K",
        True,
        "150 classes; ADEChallengeData2016, 20,210 training and 2,000 validation images",
    ),
    "cocostuff": (
        "cocostuff",
        "COCOStuff",
        True,
        "171 classes; COCO-Stuff 164k, 118,287 training and 5,000 validation images",
    ),
}


def open_dataset(name: str, root: Path | None = None, /, **options: Any) -> Dataset:
    """Open a split of a data set.

    root: its folder, for those that need one. options: of that data set, such as split.
    Raises UsageError for an unknown name, an unknown option or a missing root, DataError for what is in the folder.
    """
    if name not in DATASETS:
        raise UsageError(f"unknown dataset {name!r}; known: {', '.join(DATASETS)}")
    module, class_name, needs_root, _ = DATASETS[name]
    if needs_root and root is None:
        raise UsageError(f"dataset {name} needs its folder: --data {name}=PATH")
    if "root" in options:
        raise UsageError(f"dataset {name}: its folder is given as --data {name}=PATH, not as an option")
    if not needs_root and root is not None:
        raise UsageError(f"dataset {name} is embedded; it takes no folder, got {root}")
    make = getattr(import_module(f".{module}", __name__), class_name)
    try:
        dataset: Dataset = make(root, **options) if needs_root else make(**options)
    except TypeError as error:
        raise UsageError(f"dataset {name}: {str(error).rpartition('() ')[2]}") from None
    if isinstance(dataset, FileDataset):
        dataset.options = options
    return dataset


def blocks_of(name: str, ids: Sequence[str]) -> tuple[str, ...]:
    """Name the block of each id of a data set, without its folder; see `Dataset.blocks`.

    A name that is not registered here, as of a store made elsewhere, has its images as blocks.
    """
    if name not in DATASETS:
        return Dataset.blocks(ids)
    module, class_name, *_ = DATASETS[name]
    dataset: type[Dataset] = getattr(import_module(f".{module}", __name__), class_name)
    return dataset.blocks(ids)
