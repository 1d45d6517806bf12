"""The family of data sets. To add one, add a file with a Dataset and a line to SHIPPED."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..family import Family
from ..files import expanded
from ..wording import listed
from .base import IGNORE, Dataset, Sample, blocks_from, spaced
from .block_pattern import block_of
from .entry import DatasetEntry
from .file_dataset import FileDataset
from .several import JOIN, Several

__all__ = [
    "DATASETS",
    "IGNORE",
    "Dataset",
    "DatasetEntry",
    "Sample",
    "blocks_of",
    "groups_of",
    "open_dataset",
    "open_split",
    "own_blocks",
    "spaced",
]


def ours(name: str, place: str, description: str, *, needs_folder: bool = True) -> DatasetEntry:
    """Make an entry of a class of this package. place: its module and its name, with a colon between."""
    module, _, class_name = place.partition(":")
    return DatasetEntry(
        name=name,
        description=description,
        module=f"{__name__}.{module}",
        class_name=class_name,
        needs_folder=needs_folder,
    )


SHIPPED = (
    ours(
        "streets",
        "streets:Streets",
        "19 classes; SYNTHETIC street scenes, drawn on the fly; embedded",
        needs_folder=False,
    ),
    ours("cityscapes", "cityscapes:Cityscapes", "19 classes; leftImg8bit and gtFine in the official layout"),
    ours("camvid", "camvid:CamVid", "11 classes; the SegNet split, 367 training and 233 test frames"),
    ours("ade20k", "ade20k:ADE20K", "150 classes; ADEChallengeData2016, 20,210 training and 2,000 validation images"),
    ours(
        "cocostuff",
        "cocostuff:COCOStuff",
        "171 classes; COCO-Stuff 164k, 118,287 training and 5,000 validation images",
    ),
    ours("voc", "voc:VOC", "21 classes; PASCAL VOC 2012, 1,464 training and 1,449 validation images"),
    ours("acdc", "acdc:ACDC", "19 classes of Cityscapes; fog, night, rain, snow, and the same places in clear weather"),
    ours("dark_zurich", "acdc:DarkZurich", "19 classes of Cityscapes; 50 images by night"),
    ours("nighttime_driving", "foggy_cityscapes:NighttimeDriving", "19 classes of Cityscapes; 50 images by night"),
    ours("foggy_cityscapes", "foggy_cityscapes:FoggyCityscapes", "19 classes; Cityscapes with SYNTHETIC fog"),
    ours("bdd100k", "bdd100k:BDD100K", "19 classes of Cityscapes; 10K images with weather or hour"),
    ours("idd", "idd:IDD", "19 classes of Cityscapes; Indian roads"),
    ours("wilddash2", "wilddash2:WildDash2", "19 classes of Cityscapes; hard scenes from all over the world"),
    ours("mapillary", "mapillary:Mapillary", "19 classes of Cityscapes, or its own 65; Vistas 1.2"),
    ours("gta5", "gta5:GTA5", "19 classes of Cityscapes; SYNTHETIC, frames of a game"),
    ours("folder", "folder:Folder", "classes, images and labels as in its dataset.yaml; any other NAME is one, too"),
)
DATASETS = Family("dataset", DatasetEntry, {entry.name: entry for entry in SHIPPED})


def open_dataset(name: str | Path, root: str | Path | None = None, /, **options: Any) -> Dataset:
    """Open a split of a data set.

    name: of DATASETS; any other names a folder with a dataset.yaml. root: its folder, for those that need one. Without
    it, name may also be NAME=FOLDER, or the folder with a dataset.yaml itself. options: of the data set, such as split.
    Raises UsageError for an unknown name, an unknown option or a missing root, DataError for what is in the folder.
    """
    if root is not None and not str(root).strip():
        raise UsageError(f"dataset {name}: its folder must not be empty")
    called, folder = split_place(name) if root is None else (str(name), root)
    return open_named(called, folder, options)


def split_place(place: str | Path) -> tuple[str, str | None]:
    """Split NAME=FOLDER, or name the folder of a user's own; any other name has no folder."""
    text = str(place)
    name, equals, folder = text.partition("=")
    if text in DATASETS or not text.strip():
        return text, None
    if Path(expanded(text)).is_dir():
        return "folder", text
    if isinstance(place, str) and equals and name and folder.strip():
        return name, folder
    return text, None


def open_named(name: str, root: str | Path | None, options: dict[str, Any]) -> Dataset:
    """Open a split of a data set by its name and its folder; see `open_dataset`."""
    is_member = name in DATASETS
    if not is_member and root is None and not options.get("images"):
        if "/" in name:
            raise UsageError(f"{name}: no such folder")
        raise UsageError(
            f"unknown dataset {name!r}; known: {', '.join(DATASETS)}; or a folder of yours: {name or 'NAME'}=PATH"
        )
    folder = None if root is None else Path(expanded(str(root)))
    dataset = DATASETS[name if is_member else "folder"].open(
        folder, options if is_member else {**options, "name": name}
    )
    if isinstance(dataset, FileDataset):
        dataset.options = options
    return dataset


def open_split(name: str, split: str | None, folders: Mapping[str, Path], **options: Any) -> Dataset:
    """Open a split of a data set, or of several as one: "cityscapes+acdc".

    split: None for the one that is evaluated by default; of several "val", or one for each, "val+val-fog". folders: of
    data sets, by name. options: of the data set. Raises UsageError as `open_dataset` does, and for options of several.
    """
    names = name.split(JOIN)
    if len(names) == 1:
        return open_named(name, folders.get(name), ({} if split is None else {"split": split}) | options)
    splits = [split] * len(names) if split is None or JOIN not in split else split.split(JOIN)
    if len(set(names)) < len(names) or len(splits) != len(names):
        raise UsageError(f"dataset {name}: needs names that differ, and one split or {len(names)}, got {split!r}")
    if options:
        raise UsageError(f"dataset {name}: several as one have no options, got {listed(sorted(options), 3)}")
    return Several([open_split(one, part, folders) for one, part in zip(names, splits, strict=True)])


def blocks_of(
    name: str,
    ids: Sequence[str],
    pattern: str = "",
    own: Sequence[str] = (),
    kinds: Mapping[str, DatasetEntry] = DATASETS,
) -> tuple[str, ...]:
    """Name the block of each id of a data set, without its folder; see `Dataset.blocks`.

    pattern: in the data set's own description; own: of `own_blocks`. Either then decides. kinds: the data sets that are
    known. A name that is not among them, as of a store made elsewhere, has its images as blocks.
    """
    if own:
        return tuple(own)
    if pattern:
        return tuple(block_of(pattern, image_id) for image_id in ids)
    if JOIN in name:
        parts = [image_id.partition("/") for image_id in ids]
        return tuple(f"{member}/{blocks_of(member, [rest], kinds=kinds)[0]}" for member, _, rest in parts)
    return (kinds[name].load() if name in kinds else Dataset).blocks(ids)


def own_blocks(dataset: Dataset, ids: Sequence[str]) -> tuple[str, ...]:
    """Name the block of each id where a reader can't, since the class of the data set may not be there; else ()."""
    shipped, blocks = {entry.name: entry for entry in SHIPPED}, blocks_from(dataset, ids)
    return () if dataset.block_pattern or blocks == blocks_of(dataset.name, ids, kinds=shipped) else blocks


def groups_of(name: str, ids: Sequence[str]) -> tuple[str, ...]:
    """Name the group of each id of a data set, without its folder; see `Dataset.groups`. Several as one have none."""
    return (DATASETS[name].load() if name in DATASETS else Dataset).groups(ids)
