"""A data set of pairs of files: an image, and a PNG of its labels."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..files import digest
from ..images import decode_image, decode_indices, is_turned, size_of
from ..own_code import source_in_use
from ..wording import listed, quote
from .base import Dataset, Inspection, LabelMap, Sample, Survey, count_labels
from .own_settings import SettingValues, hash_options, kept_by, snapshot

__all__ = ["FileDataset", "label_table"]

FAULTS_SHOWN, VALUES_SHOWN = 3, 8
# Of these the files alone are hashed: what is made of them is part of this program, and tests hold it to its source.
FIXED = tuple(f"{__package__}.{name}" for name in ("ade20k", "camvid", "cityscapes", "cocostuff"))
# Of these the classes and the table, too, which a user gives or which are not yet held to a real copy.
TABLED = tuple(
    f"{__package__}.{name}"
    for name in ("acdc", "bdd100k", "folder", "foggy_cityscapes", "gta5", "idd", "mapillary", "voc", "wilddash2")
)

# The attribute with hashes of the attributes that reading changes, as they were before the first reading.
FIRST = "_settings_before_reading"
# Attributes that are hashed as the files, as the options, or by a cell, and notes on files that do not count.
HASHED = ("pairs", "table", "class_names", "options", "version", "name", "split", "palette", "notes", "cautions", FIRST)


class FileDataset(Dataset):
    """Pairs of image and label files; a table of 256 entries turns stored label values into trainIds.

    options: what `open_dataset` was given. version: for a class without a source file, as in a notebook, or with an
    attribute that can't be hashed: another one with every edit.
    """

    options: Mapping[str, object] = MappingProxyType({})
    version: str = ""

    def __init__(
        self, pairs: Mapping[str, tuple[Path, Path]], table: NDArray[np.int16], notes: tuple[str, ...] = ()
    ) -> None:
        self.pairs = dict(sorted(pairs.items()))
        self.table = table
        self.notes = notes

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self.pairs)

    def load(self, image_id: str) -> Sample:
        image_file, label_file = self.pairs[image_id]
        with reading(image_file):
            image = decode_image(image_file.read_bytes())
        with reading(label_file):
            label = self.trainids(self.read_label(image_id), (image.shape[0], image.shape[1]))
        return Sample(image_id, image, label)

    def files(self, image_id: str) -> tuple[Path, ...] | None:
        ours = type(self).read_label.__module__.startswith(f"{__package__}.")  # another may read other files
        return self.pairs[image_id] if ours else None

    def read_label(self, image_id: str) -> bytes:
        """Read what the labels of an image are made of: by default the file."""
        return self.pairs[image_id][1].read_bytes()

    def trainids(self, content: bytes, size: tuple[int, int]) -> LabelMap:
        """Decode a label file. Raises ValueError or EOFError unless it is one for an image of that height and width."""
        stored = decode_indices(content)
        require_size(stored, size)
        values = np.flatnonzero(cv2.calcHist([stored], [0], None, [256], [0, 256]))
        unknown = values[self.table[values] < 0]
        if unknown.size:
            allowed = ", ".join(map(str, np.flatnonzero(self.table >= 0)))
            raise ValueError(f"label {named_values(list(unknown))}; allowed are {allowed}")
        return np.asarray(cv2.LUT(stored, self.table.astype(np.uint8)))

    def fingerprint(self, ids: Sequence[str]) -> str:
        return self.survey(ids).fingerprint

    def survey(self, ids: Sequence[str]) -> Survey:
        settings = self.settings()  # before anything is read, and maybe kept
        before = snapshot(self) if ids and is_own(self) and FIRST not in vars(self) else None
        inspections = list(self.inspections(ids))
        if before is not None:
            vars(self)[FIRST] = {name: settings.get(name) for name in kept_by(self, before, ids[0])}
        faults = [str(fault) for fault in inspections if isinstance(fault, DataError)]
        if faults:
            count = f"{len(faults)} of {len(ids)} images have faults: " if len(faults) > 1 else ""
            raise DataError(count + listed(faults, FAULTS_SHOWN, "; "))
        sound = [one for one in inspections if not isinstance(one, DataError)]
        unlabelled = tuple(one.image_id for one in sound if not one.pixels[:-1].any())
        sizes = {one.size: one.image_id for one in reversed(sound)}  # the first of each size
        files = [[one.image_id, *one.digests] for one in sound]
        turned = tuple(one.image_id for one in sound if one.turned)
        return Survey(self.digest_with_code(files, settings), unlabelled, sizes, turned)

    def inspect(self, image_id: str) -> Inspection:
        """Read an image's two files once: the label is decoded and checked, of the image its structure, to the end."""
        image_file, label_file = self.pairs[image_id]
        with reading(image_file):
            image = image_file.read_bytes()
            size = size_of(image)
        with reading(label_file):
            label = self.read_label(image_id)
            try:
                pixels = count_labels(self.trainids(label, size), len(self.class_names))
            except AnotherSizeError as fault:
                turned = "; a viewer turns the image by its EXIF note, which is passed over" if is_turned(image) else ""
                raise AnotherSizeError(f"{fault}{turned}") from None
        digests = tuple(hashlib.blake2b(content, digest_size=16).hexdigest() for content in (image, label))
        return Inspection(image_id, size, pixels, digests, is_turned(image))

    def settings(self) -> dict[str, str]:
        """Hash the attributes of a user's own class that decide what it makes of its files. Raises UsageError."""
        if not is_own(self):
            return {}
        values, first = values_of(self), vars(self).get(FIRST, {})
        with values.below(type(self).__qualname__):
            present = dict(values.attributes(self, vars(self), leave=(*HASHED, *first)))
        return present | {name: before for name, before in first.items() if before is not None}

    def digest_with_code(self, files: list[list[str]], settings: Mapping[str, str]) -> str:
        """Hash files and, of a user's own class, what makes labels of them: classes, table, options and source."""
        kind = type(self)
        if kind.__module__ in FIXED:
            return digest(files)
        if kind.__module__ in TABLED:
            return digest([files, list(self.class_names), self.meaning()])
        source = "" if kind is FileDataset else source_in_use(kind, self.version)
        values = values_of(self)
        with values.below(kind.__qualname__):
            options = hash_options(values, self.options)
        own = [sorted(map(list, settings.items()))] if settings else []
        return digest([files, list(self.class_names), self.meaning(), options, source, *own])

    def meaning(self) -> list[Any]:
        """What decides which class a stored label is, as plain JSON."""
        return list(self.table.tolist())

    def describe(self, image_id: str) -> str:
        return f"{quote(image_id)} ({quote(self.pairs[image_id][0])})"


def is_own(dataset: FileDataset) -> bool:
    """Whether the class of a data set is a user's own."""
    return type(dataset).__module__ not in (*FIXED, *TABLED)


def values_of(dataset: FileDataset) -> SettingValues:
    return SettingValues(dataset.version, chain.from_iterable(dataset.pairs.values()))


class AnotherSizeError(ValueError):
    """A label has another size than its image."""


def require_size(stored: NDArray[Any], size: tuple[int, int]) -> None:
    """Raise AnotherSizeError unless a label (H, W) has the height and width of its image."""
    if stored.shape != size:
        (height, width), (own_height, own_width) = size, stored.shape
        raise AnotherSizeError(f"its size {own_height}x{own_width} differs from its image's {height}x{width}")


def named_values(values: Sequence[Any]) -> str:
    """Name the first few of some label values: "value 12", "values 12, 13 and 4 more"."""
    return f"value{'s' * (len(values) > 1)} {listed(list(map(str, values)), VALUES_SHOWN)}"


def label_table(mapping: Mapping[int, int]) -> NDArray[np.int16]:
    """Make the table of 256 entries from stored value to trainId; values that are not in the mapping become -1."""
    table = np.full(256, -1, np.int16)
    table[list(mapping)] = list(mapping.values())
    return table


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what is wrong with a file into a DataError that names it."""
    try:
        yield
    except OSError as error:
        why = "a broken link" if path.is_symlink() and not path.exists() else error.strerror
        raise DataError(f"{quote(path)}: can't be read ({why})") from None
    except EOFError:
        raise DataError(f"{quote(path)}: not a complete {path.suffix[1:].upper()} file") from None
    except ValueError as error:
        raise DataError(f"{quote(path)}: {error}") from None
