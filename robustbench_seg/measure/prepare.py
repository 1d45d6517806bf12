"""An image under a condition, as a model sees it. No torch, so that worker processes start fast."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import cv2

from ..corruptions import CORRUPTIONS, Corruption, corrupt
from ..datasets.base import Dataset, Sample
from ..errors import DataError, RobustBenchError, UsageError
from ..store.cell import CLEAN, Condition

__all__ = ["Corrupted", "naming", "prepare", "prepare_under"]


@dataclass(frozen=True, eq=False)
class Corrupted(Sample):
    """A sample whose image was corrupted. difference: how far from the clean image, the mean over its values, 0-255."""

    difference: float


def prepare_under(condition: Condition, dataset: Dataset) -> Callable[[str], Sample]:
    """Make the function that prepares the images of a data set under a condition, by id, here or in a worker process.

    It takes along what the corruption's name stands for in this process: a worker lacks a script's own corruptions.
    """
    return partial(prepare, dataset, condition, entry=CORRUPTIONS.get(condition.corruption))


def prepare(dataset: Dataset, condition: Condition, image_id: str, entry: Corruption | None = None) -> Sample:
    """Load one sample and corrupt its image at its native size.

    entry: what the corruption's name stands for; None for the meaning that it has in this process. Raises DataError
    that names the image.
    """
    sample = dataset.load(image_id)
    if condition.corruption == CLEAN:
        return sample
    how = entry or condition.corruption
    with naming(dataset, image_id):
        image = corrupt(sample.image, how, condition.severity, seed=condition.seed, image_id=sample.image_id)
    difference = cv2.norm(image, sample.image, cv2.NORM_L1) / image.size
    return Corrupted(sample.image_id, image, sample.label, difference)


@contextmanager
def naming(dataset: Dataset, image_id: str) -> Iterator[None]:
    """Add the image's name to an error over it: to a fault's text, to any other error as a note. A DataError has it."""
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
