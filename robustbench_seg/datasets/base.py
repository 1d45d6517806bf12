"""What a data set is to the suite: ids, and for each id an image with its label map.

Label maps hold trainIds: 0 .. len(class_names) - 1, and IGNORE for pixels that enter neither loss nor score.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..wording import shown

__all__ = ["IGNORE", "Dataset", "Image", "InMemory", "LabelMap", "Sample", "Survey", "spaced"]

IGNORE = 255
Item = TypeVar("Item")
Image = NDArray[np.uint8]
LabelMap = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sample:
    """image: uint8 (H, W, 3) RGB. label: uint8 (H, W) of trainIds, IGNORE where there is none."""

    image_id: str
    image: Image
    label: LabelMap


@dataclass(frozen=True)
class Survey:
    """What reading images once has found. fingerprint: of all. unlabelled: ids of those without a labelled pixel.
    smallest: the id of the image with the shortest side, and that side in pixels, where it is known.
    """

    fingerprint: str
    unlabelled: tuple[str, ...] = ()
    smallest: tuple[str, int] | None = None


class Dataset(ABC):
    """A split of a data set. It is small and picklable: images are read when asked for, in whichever process.

    name: as on the command line. split: one of `splits`, such as "val". class_names and palette (RGB, 0-255): one per
    trainId. shows_images: whether its licence lets a report show the images themselves. ids: sorted, unique.
    notes: lines on what lies in its folder and does not count.
    """

    name: str
    split: str
    splits: tuple[str, ...] = ()
    class_names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    shows_images: bool = True
    synthetic: bool = False
    notes: tuple[str, ...] = ()

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
        """How many images the split has, of which a folder may hold a part."""
        return len(self.ids)

    @abstractmethod
    def load(self, image_id: str) -> Sample:
        """Read or make one sample. Raises DataError that names the file and what was expected."""

    @abstractmethod
    def fingerprint(self, ids: Sequence[str]) -> str:
        """Hash what decides the pixels and labels of these ids."""

    def survey(self, ids: Sequence[str]) -> Survey:
        """Read what these ids are made of once, for the fingerprint and for faults, before these cost a run.

        Raises DataError that names the first few broken files.
        """
        return Survey(self.fingerprint(ids))

    def describe(self, image_id: str) -> str:
        """Name an image in an error: its id and, where it has one, its file."""
        return shown(image_id)

    @staticmethod
    def blocks(ids: Sequence[str]) -> tuple[str, ...]:
        """Name the block of each id, from the id alone: images of one block resemble each other (as the frames of a
        video do), those of two blocks do not. Statistics draw blocks, not images. By default each image is its own.
        """
        return tuple(ids)


class InMemory(Dataset):
    """Another data set whose samples are read or made once and then kept, in each process that uses it."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.samples: dict[str, Sample] = {}
        self.name, self.split = dataset.name, dataset.split
        self.class_names, self.palette = dataset.class_names, dataset.palette
        self.shows_images, self.synthetic = dataset.shows_images, dataset.synthetic
        self.notes = dataset.notes

    @property
    def ids(self) -> tuple[str, ...]:
        return self.dataset.ids

    @property
    def total(self) -> int:
        return self.dataset.total

    def load(self, image_id: str) -> Sample:
        if image_id not in self.samples:
            self.samples[image_id] = self.dataset.load(image_id)
        return self.samples[image_id]

    def fingerprint(self, ids: Sequence[str]) -> str:
        return self.dataset.fingerprint(ids)

    def survey(self, ids: Sequence[str]) -> Survey:
        return self.dataset.survey(ids)

    def describe(self, image_id: str) -> str:
        return self.dataset.describe(image_id)


def spaced(ids: Sequence[Item], limit: int | None) -> tuple[Item, ...]:
    """Take `limit` of the ids, evenly spaced over their order; all of them for None or a limit beyond their number."""
    if limit is None or limit >= len(ids):
        return tuple(ids)
    return tuple(ids[(2 * k + 1) * len(ids) // (2 * limit)] for k in range(limit))
