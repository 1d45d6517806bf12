"""Images and labels anywhere in a folder, as its dataset.yaml or a suite describes them; see docs/datasets.md."""

import re
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, UsageError
from ..files import expanded
from ..images import HEADER, decode_image, has_16_bits
from ..wording import counted, quote
from .base import LabelMap, spaced
from .block_pattern import found_by
from .coding import Coding
from .file_dataset import FileDataset, label_table, reading
from .folder_spec import FolderSpec, classes_of, palette_of, read_spec
from .folders import without_labels_of
from .lookup import Lookup
from .patterns import list_pattern, pair_patterns
from .voc import read_list

__all__ = ["Folder"]

IMAGES = (".png", ".jpg", ".jpeg", ".webp")
TRIED = 5  # images whose range of values is looked at
QUARTER = 64  # of the 8 bits that are read of 16
EVALUATED = ("val", "test", "validation")  # of splits with these names, the first is evaluated where none is named


class Folder(FileDataset):
    """Pairs of image and label of a folder.

    options: of `FolderSpec`; they replace what is in dataset.yaml. split: by default val or test, where there is one,
    or the only one.
    """

    name = "folder"

    def __init__(self, root: Path, split: str | None = None, **options: Any) -> None:
        spec = read_spec(root, options)
        self.name, self.shows_images, self.synthetic = spec.name, spec.shows_images, spec.synthetic
        self.splits = splits_of(root, spec)
        self.choose(split if split is not None else default_split(self.name, self.splits))
        self.class_names, values = classes_of(root, spec)
        self.palette = palette_of(spec, self.class_names)
        self.block_pattern = spec.blocks
        images = list_pattern(root, expanded(spec.images.replace("{split}", self.split)), IMAGES)
        lookup = Lookup(images, root, *((self.split, self.splits) if "{split}" in spec.images else ()))
        if self.split in spec.splits:
            images = images.only(chosen_of(root, spec, self.split, lookup))
        for image_id in images.files if spec.blocks else ():
            finding(spec, "blocks", image_id)  # an image that is a block by mistake makes intervals too narrow
        labels = expanded(spec.labels.replace("{split}", self.split))
        if labels.lower().endswith(".json"):
            from .coco import Annotations

            self.labels: Any = Annotations.read(root / labels, self.class_names, spec.background, images, lookup)
            pairs, notes = {one: (file, root / labels) for one, file in images.files.items()}, images.notes
            notes += self.labels.notes
        else:
            files_of_labels = list_pattern(root, labels, (".png",))
            images = without_labels_of(images, files_of_labels)
            matches = pair_patterns(images, files_of_labels, labels)
            # Where images are chosen by a list or a share, the labels of the others lie there, too.
            pairs, notes = matches.files, images.notes if self.split in spec.splits else matches.notes
            self.labels = Coding(values, bool(spec.colours), spec.ignore == "others")
        super().__init__({with_condition(spec, key): files for key, files in pairs.items()}, label_table({}), notes)
        cautions = cautions_on_range(root, list(images.files.values()))
        self.cautions = tuple(f"{self.name} {self.split}: {caution}" for caution in cautions)

    def read_label(self, image_id: str) -> bytes:
        if isinstance(self.labels, Coding):
            return super().read_label(image_id)
        content: bytes = self.labels.content(image_id.rpartition("/")[2])
        return content

    def trainids(self, content: bytes, size: tuple[int, int]) -> LabelMap:
        label: LabelMap = self.labels.trainids(content, size)
        return label

    def meaning(self) -> list[Any]:
        pattern = [self.block_pattern] if self.block_pattern else []  # so that stored cells are never of another one
        return [*self.labels.identity, *pattern]


def cautions_on_range(root: Path, paths: Sequence[Path]) -> tuple[str, ...]:
    """A line on 16-bit images without a value in the upper three quarters of the range, as of samples of 14 bits.

    A few images are tried. Raises DataError for one that `decode_image` refuses.
    """
    tried = spaced(paths, TRIED)
    dark = [path for path in tried if is_of_16_bits(path) and largest_value(path) < QUARTER]
    if not dark:
        return ()
    share = f"{len(dark)} of {counted(len(tried), 'image')} in a trial"
    return (
        f"{quote(path_below(root, dark[0]))}: 16 bit, but no value of it reaches {256 * QUARTER} of 65535, so that it "
        f"is nearly black to a network ({share}); if its samples have fewer bits, scale them to 0 .. 65535",
    )


def path_below(root: Path, path: Path) -> Path:
    """Name a file without the place of its data set, which differs between machines."""
    return path.relative_to(root) if path.is_relative_to(root) else Path(path.name)


def is_of_16_bits(path: Path) -> bool:
    """Whether a file is a PNG of 16 bits; the first pass reports one that can't be read."""
    with suppress(OSError), path.open("rb") as file:
        return has_16_bits(file.read(HEADER))
    return False


def largest_value(path: Path) -> int:
    with reading(path):
        return int(decode_image(path.read_bytes()).max())


def finding(spec: FolderSpec, field: str, image_id: str) -> str:
    """What the pattern in a field of the description finds in an id. Raises UsageError where it finds nothing."""
    pattern = getattr(spec, field)
    match = re.search(pattern, image_id)
    if not (text := match and found_by(match)):
        raise UsageError(f"{spec.name}: {field}: {pattern!r} finds nothing in the id {image_id!r}; it must fit each id")
    return text


def with_condition(spec: FolderSpec, image_id: str) -> str:
    """Put an image's condition before its id."""
    return f"{finding(spec, 'conditions', image_id)}/{image_id}" if spec.conditions else image_id


def splits_of(root: Path, spec: FolderSpec) -> tuple[str, ...]:
    """Name the splits: as in the description, or the folders that stand where {split} does; else "all"."""
    if spec.splits:
        return tuple(spec.splits)
    before, mark, _ = spec.images.partition("{split}")
    if not mark:
        return ("all",)
    folder = root / before if before.endswith("/") or not before else (root / before).parent
    if not folder.is_dir():
        raise DataError(f"{quote(folder)}: no such folder; it should hold a folder per split")
    return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")))


def default_split(name: str, splits: Sequence[str]) -> str:
    """Choose the split that is evaluated where none is named."""
    if len(splits) == 1:
        return splits[0]
    if (split := next((split for split in EVALUATED if split in splits), None)) is None:
        raise UsageError(f"{name} needs a split: one of {', '.join(splits)}")
    return split


def chosen_of(root: Path, spec: FolderSpec, split: str, lookup: Lookup) -> list[str]:
    """Choose the images of a split by its list, or by its share of the blocks."""
    how = spec.splits[split]
    if isinstance(how, str):
        return read_list(root / how, lookup)
    blocks = {one: finding(spec, "blocks", one) if spec.blocks else one for one in lookup.files}
    order = sorted(set(blocks.values()), key=lambda block: blake2b(block.encode(), digest_size=8).digest())
    cuts = np.rint(np.cumsum([0, *(float(share) for share in spec.splits.values())]) * len(order)).astype(int)
    place = list(spec.splits).index(split)
    blocks_of_split = set(order[cuts[place] : cuts[place + 1]])
    if not blocks_of_split:
        raise DataError(f"{spec.name} {split}: a share of {how:g} of {counted(len(order), 'block')} is none")
    return [image_id for image_id, block in blocks.items() if block in blocks_of_split]
