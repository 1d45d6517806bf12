"""streets: the embedded data set. It is synthetic: street scenes drawn by a procedure, not photographs.

It has Cityscapes' 19 classes and void, needs no download, and lets the whole suite run anywhere. Scores on it say
whether the suite works and how models compare on drawn scenes; they say nothing about real roads.
"""

from collections.abc import Sequence
from functools import lru_cache

from ..errors import DataError
from ..files import digest
from .base import Dataset, Image, LabelMap, Sample
from .cityscapes import CLASS_NAMES, PALETTE
from .streets_scene import render

__all__ = ["Streets"]

RENDER_VERSION = 1  # rises when any pixel of any scene changes
KEPT_SCENES, KEPT_BYTES = 1024, 2**28  # per process: a small set is drawn once for all conditions and models
FIRST_INDEX = {"train": 0, "val": 1_000_000, "test": 2_000_000}  # splits never share a scene


class Streets(Dataset):
    """`count` scenes of a split at size (height, width); (seed, index) decides every pixel at a given size."""

    name = "streets"
    class_names = CLASS_NAMES
    palette = PALETTE
    synthetic = True

    def __init__(
        self, split: str = "test", *, size: tuple[int, int] = (512, 1024), count: int = 100, seed: int = 0
    ) -> None:
        if split not in FIRST_INDEX:
            raise DataError(f"streets has no split {split!r}; known: {', '.join(FIRST_INDEX)}")
        if not (
            isinstance(size, (tuple, list)) and len(size) == 2 and all(isinstance(n, int) and n >= 32 for n in size)
        ):
            raise DataError(f"streets needs a size (height, width) of at least 32x32, got {size!r}")
        if not (isinstance(count, int) and 1 <= count <= 1_000_000):
            raise DataError(f"streets needs a count in 1 .. 1000000, got {count!r}")
        if not (isinstance(seed, int) and seed >= 0):
            raise DataError(f"streets needs a seed that is an integer >= 0, got {seed!r}")
        self.split, self.size, self.count, self.seed = split, size, count, seed

    @property
    def ids(self) -> tuple[str, ...]:
        first = FIRST_INDEX[self.split]
        return tuple(f"streets_{self.seed:06d}_{index:07d}" for index in range(first, first + self.count))

    def load(self, image_id: str) -> Sample:
        scene = self.seed, int(image_id.rpartition("_")[2]), *self.size
        small = self.count <= KEPT_SCENES and 4 * self.size[0] * self.size[1] * self.count <= KEPT_BYTES
        image, label = (each.copy() for each in drawn(*scene)) if small else render(*scene)
        return Sample(image_id, image, label)

    def fingerprint(self, ids: Sequence[str]) -> str:
        return digest(["streets", RENDER_VERSION, self.seed, list(self.size), list(ids)])


@lru_cache(maxsize=KEPT_SCENES)
def drawn(seed: int, index: int, height: int, width: int) -> tuple[Image, LabelMap]:
    """Draw a scene, or give the one that was drawn; it is not to be changed."""
    return render(seed, index, height, width)
