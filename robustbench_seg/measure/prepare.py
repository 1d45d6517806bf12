"""An image under a condition: what a model gets to see. No torch, so that worker processes start fast."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import cv2

from ..corruptions import CORRUPTIONS, Corruption, corrupt
from ..datasets.base import Dataset, Sample
from ..errors import DataError, RobustBenchError, UsageError
from ..store.cell import CLEAN

__all__ = ["Condition", "Corrupted", "naming", "prepare"]


@dataclass(frozen=True)
class Condition:
    """What is done to an image before a model sees it. corruption: a name, or CLEAN with severity 0.

    entry: what the name stands for in the process that makes the condition. It travels with it to worker processes,
    whose own `CORRUPTIONS` lack what a script has added to its own.
    """

    corruption: str = CLEAN
    severity: int = 0
    seed: int = 0
    entry: Corruption | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "entry", CORRUPTIONS.get(self.corruption))


@dataclass(frozen=True, eq=False)
class Corrupted(Sample):
    """A sample whose image was corrupted. difference: how far from the clean image, the mean over its values, 0-255."""

    difference: float


def prepare(dataset: Dataset, condition: Condition, image_id: str) -> Sample:
    """Load one sample and corrupt its image at its native size; runs in worker processes.

    Raises DataError that names the image.
    """
    sample = dataset.load(image_id)
    if condition.corruption == CLEAN:
        return sample
    how = condition.entry or condition.corruption
    with naming(dataset, image_id):
        image = corrupt(sample.image, how, condition.severity, seed=condition.seed, image_id=sample.image_id)
    difference = cv2.norm(image, sample.image, cv2.NORM_L1) / image.size
    return Corrupted(sample.image_id, image, sample.label, difference)


@contextmanager
def naming(dataset: Dataset, image_id: str) -> Iterator[None]:
    """Let an error over an image name it: a fault in its text, any other error in a note. DataErrors do so already."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{dataset.describe(image_id)}: {error}") from error
    except ValueError as error:
        raise DataError(f"{dataset.describe(image_id)}: {error}") from error
    except RobustBenchError:
        raise
    except Exception as error:
        error.add_note(f"image {dataset.describe(image_id)}")
        raise
