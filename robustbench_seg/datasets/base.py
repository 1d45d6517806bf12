"""What a data set is to the suite: ids, and for each id an image with its label map.

Label maps hold trainIds: 0 .. len(class_names) - 1, and IGNORE for pixels that enter neither loss nor score.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..environment import available_cores
from ..errors import DataError
from ..wording import quote

__all__ = [
    "IGNORE",
    "Dataset",
    "Image",
    "Inspection",
    "LabelMap",
    "Sample",
    "Survey",
    "blocks_from",
    "count_labels",
    "expect_kind",
    "files_of",
    "loaded",
    "spaced",
]

IGNORE = 255
Item = TypeVar("Item")
Image = NDArray[np.uint8]
LabelMap = NDArray[np.uint8]


def is_uint8(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.uint8


def form_of(value: object) -> str:
    """Describe an array, or what stands in its place, for an error."""
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


@dataclass(frozen=True, eq=False)
class Sample:
    """image: uint8 (H, W, 3) RGB. label: uint8 (H, W) of trainIds, IGNORE where there is none.

    Raises DataError for arrays of another type or shape: they would be scored, and the numbers would be wrong.
    """

    image_id: str
    image: Image
    label: LabelMap

    def __post_init__(self) -> None:
        where = quote(self.image_id)
        if not is_uint8(self.image) or self.image.shape[2:] != (3,):
            raise DataError(f"{where}: its image must be uint8 (H, W, 3), of 0 .. 255; got {form_of(self.image)}")
        size = self.image.shape[:2]
        if not is_uint8(self.label) or self.label.shape != size:
            raise DataError(f"{where}: its label must be uint8 {size}, as its image; got {form_of(self.label)}")


@dataclass(frozen=True, eq=False)
class Inspection:
    """What an image and its label have. size: height and width. pixels: int64 (classes + 1,), of each class, then
    ignored. digests: of what they are made of, where that is files. turned: whether a viewer would turn the image.
    """

    image_id: str
    size: tuple[int, int]
    pixels: NDArray[np.int64]
    digests: tuple[str, ...] = ()
    turned: bool = False


@dataclass(frozen=True)
class Survey:
    """What reading images once has found. fingerprint: of all. unlabelled: ids of those without a labelled pixel.
    sizes: an image of each (height, width) that there is, where that is known. turned: ids of images that a viewer
    would turn. cautions: lines on the images for reports, see `first_pass`.
    """

    fingerprint: str
    unlabelled: tuple[str, ...] = ()
    sizes: Mapping[tuple[int, int], str] = field(default_factory=dict)
    turned: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()


class Dataset(ABC):
    """A split of a data set. It is small and picklable: images are read when asked for, in whichever process.

    name: as on the command line. split: one of `splits`, such as "val". class_names and palette (RGB, 0-255): one per
    trainId. shows_images: whether its licence lets a report show the images themselves. ids: sorted, unique.
    notes: lines on what lies in its folder and does not count. cautions: lines on its images, for reports too.
    block_pattern: of `block_pattern.block_of`, where the user of a data set decides on its blocks.

    What stands before a slash in an id is the condition in which the image was taken, such as fog.
    """

    name: str
    split: str
    splits: tuple[str, ...] = ()
    class_names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    shows_images: bool = True
    synthetic: bool = False
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    block_pattern: str = ""

    def choose(self, split: str) -> None:
        """Set the split. Raises DataError for one that is not among `splits`."""
        if split not in self.splits:
            raise DataError(f"{self.name} has no split {split!r}; known: {', '.join(self.splits)}")
        self.split = split

    @property
    @abstractmethod
    def ids(self) -> tuple[str, ...]:
        """All image ids, sorted."""

    @property
    def total(self) -> int:
        """How many images the split has; a folder may hold fewer."""
        return len(self.ids)

    @abstractmethod
    def load(self, image_id: str) -> Sample:
        """Read or make one sample. Raises DataError that names the file and what was expected."""

    def files(self, image_id: str) -> tuple[Path, ...] | None:
        """List the files that an image and its label are read from; () for what is made by the program alone.

        None where they are not known, as by default: then the sample is loaded again for each condition of a run. A
        class with its own `load` needs its own `files`, too, for its samples to be kept.
        """
        return None

    @abstractmethod
    def fingerprint(self, ids: Sequence[str]) -> str:
        """Hash what decides the pixels and labels of these ids."""

    def survey(self, ids: Sequence[str]) -> Survey:
        """Read what these ids are made of once, for the fingerprint and for faults, before these cost a run.

        Raises DataError that names the first few broken files.
        """
        return Survey(self.fingerprint(ids))

    def inspect(self, image_id: str) -> Inspection:
        """Read one image's size and label, without decoding the image where that is not needed.

        Raises DataError for what is wrong with them.
        """
        label, classes = loaded(self, image_id).label, len(self.class_names)
        pixels = count_labels(label, classes)
        if pixels.sum() < label.size:
            beyond = int(label[label != IGNORE].max())
            where = self.describe(image_id)
            raise DataError(f"{where}: its label has {beyond}, neither a class (0 .. {classes - 1}) nor {IGNORE}")
        return Inspection(image_id, (label.shape[0], label.shape[1]), pixels)

    def inspections(self, ids: Sequence[str]) -> Iterator[Inspection | DataError]:
        """Inspect images on all cores, in order: what each has, or what is wrong with it."""

        def inspect(image_id: str) -> Inspection | DataError:
            try:
                return expect_kind(self.inspect(image_id), Inspection, self, f"inspect({image_id!r})")
            except DataError as fault:
                return fault

        with ThreadPoolExecutor(available_cores()) as pool:  # reading, hashing and decoding let other threads run
            yield from pool.map(inspect, ids)

    def describe(self, image_id: str) -> str:
        """Name an image in an error: its id and, where it has one, its file."""
        return quote(image_id)

    @staticmethod
    def blocks(ids: Sequence[str]) -> tuple[str, ...]:
        """Name the block of each id, from the id alone: images of one block resemble each other (as the frames of a
        video do), images of two blocks do not. Statistics draw blocks, not images. By default each image is its own.
        """
        return tuple(ids)

    @staticmethod
    def groups(ids: Sequence[str]) -> tuple[str, ...]:
        """Name the group of each id, from the id alone: the drive or the place that its block is a part of. Reports
        show scores by group, if there are several. By default all images are one group.
        """
        return ("",) * len(ids)


def loaded(dataset: Dataset, image_id: str) -> Sample:
    """Load one sample. Raises DataError for anything else that `load` returns, such as another image's."""
    sample = expect_kind(dataset.load(image_id), Sample, dataset, f"load({image_id!r})")
    if sample.image_id != image_id:
        raise DataError(f"{dataset.describe(image_id)}: was loaded as {quote(sample.image_id)}")
    return sample


def files_of(dataset: Dataset, image_id: str) -> tuple[Path, ...] | None:
    """List the files of an image. Raises DataError for anything but paths, or None, that `files` returns."""
    files: object = dataset.files(image_id)
    if files is None:
        return None
    if isinstance(files, tuple | list) and all(isinstance(path, Path) for path in files):
        return tuple(files)
    where = f"data set {type(dataset).__qualname__}: its files({image_id!r})"
    raise DataError(f"{where} must return a tuple of pathlib.Path, or None; got {files!r:.60}")


def blocks_from(dataset: Dataset, ids: Sequence[str]) -> tuple[str, ...]:
    """Name the block of each id. Raises DataError unless `blocks` returns a text for each."""
    blocks: object = dataset.blocks(ids)
    if isinstance(blocks, tuple | list) and len(blocks) == len(ids) and all(isinstance(one, str) for one in blocks):
        return tuple(blocks)
    where = f"data set {type(dataset).__qualname__}: its blocks(ids)"
    raise DataError(f"{where} must return a text for each of {len(ids)} ids, got {blocks!r:.60}")


def expect_kind(value: object, kind: type[Item], dataset: Dataset, call: str) -> Item:
    """Raise DataError, with the class and the call, unless a method has returned what it must."""
    if not isinstance(value, kind):
        where = f"data set {type(dataset).__qualname__}: its {call}"
        raise DataError(f"{where} must return the type {kind.__name__}, got {form_of(value)}")
    return value


def count_labels(label: LabelMap, classes: int) -> NDArray[np.int64]:
    """Count the pixels of each class, then those that are ignored: (classes + 1,)."""
    counts = np.bincount(label.ravel(), minlength=IGNORE + 1)
    return np.append(counts[:classes], counts[IGNORE]).astype(np.int64)


def spaced(ids: Sequence[Item], limit: int | None) -> tuple[Item, ...]:
    """Take `limit` of the ids, evenly spaced over their order; all of them for None or a limit beyond their number."""
    if limit is None or limit >= len(ids):
        return tuple(ids)
    return tuple(ids[(2 * k + 1) * len(ids) // (2 * limit)] for k in range(limit))
