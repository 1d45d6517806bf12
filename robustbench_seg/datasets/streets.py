"""streets: the embedded data set. It is synthetic: street scenes drawn by a procedure, not photographs.

It has Cityscapes' 19 classes and void, needs no download, and lets the whole suite run anywhere. Scores on it show
whether the suite works and how models compare on drawn scenes; they mean nothing for real roads.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from ..errors import DataError
from ..files import digest
from .base import Dataset, Image, LabelMap, Sample
from .cityscapes import CLASS_NAMES, PALETTE
from .streets_scene import render

__all__ = ["Streets"]

RENDER_VERSION = 1  # rises when any pixel of any scene changes
KEPT_SETS, KEPT_BYTES = 2, 2**28  # per process: a set of so many bytes is drawn once for all conditions and models
FIRST_INDEX = {"train": 0, "val": 1_000_000, "test": 2_000_000}  # splits never share a scene


class Streets(Dataset):
    """`count` scenes of a split at size (height, width); (seed, index) decides every pixel at a given size."""

    name = "streets"
    splits = tuple(FIRST_INDEX)
    class_names = CLASS_NAMES
    palette = PALETTE
    synthetic = True

    def __init__(
        self, split: str = "test", *, size: tuple[int, int] = (512, 1024), count: int = 100, seed: int = 0
    ) -> None:
        self.choose(split)
        if not (
            isinstance(size, (tuple, list)) and len(size) == 2 and all(isinstance(n, int) and n >= 32 for n in size)
        ):
            raise DataError(f"streets needs a size (height, width) of at least 32x32, got {size!r}")
        if not (isinstance(count, int) and 1 <= count <= 1_000_000):
            raise DataError(f"streets needs a count in 1 .. 1000000, got {count!r}")
        if not (isinstance(seed, int) and seed >= 0):
            raise DataError(f"streets needs a seed that is an integer >= 0, got {seed!r}")
        self.size, self.count, self.seed = size, count, seed

    @property
    def ids(self) -> tuple[str, ...]:
        first = FIRST_INDEX[self.split]
        return tuple(f"streets_{self.seed:06d}_{index:07d}" for index in range(first, first + self.count))

    def load(self, image_id: str) -> Sample:
        index = int(image_id.rpartition("_")[2])
        if 4 * self.size[0] * self.size[1] * self.count > KEPT_BYTES:
            return Sample(image_id, *render(self.seed, index, *self.size))
        scenes = scenes_of(self.split, self.seed, *self.size)
        if index not in scenes:
            scenes[index] = render(self.seed, index, *self.size)
        return Sample(image_id, *(each.copy() for each in scenes[index]))

    def files(self, image_id: str) -> tuple[Path, ...]:
        return ()

    def fingerprint(self, ids: Sequence[str]) -> str:
        return digest(["streets", RENDER_VERSION, self.seed, list(self.size), list(ids)])


@lru_cache(maxsize=KEPT_SETS)
def scenes_of(split: str, seed: int, height: int, width: int) -> dict[int, tuple[Image, LabelMap]]:
    """The scenes of a set that this process has drawn, by index, to add to; here, since workers get copies of a set."""
    return {}
