"""Load and corrupt an image. This module imports no torch, so that worker processes start fast."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from ..corruptions import CORRUPTIONS, Corruption, corrupt
from ..datasets.base import Dataset, Image, Sample, loaded
from ..errors import DataError, RobustBenchError, UsageError
from ..store.cell import CLEAN, Condition

__all__ = ["CorruptedSample", "add_image_name", "prepare", "prepare_under"]

TRIED: set[tuple[Corruption, Condition]] = set()  # the corruptions of a user's own that have passed in this process


@dataclass(frozen=True, eq=False)
class CorruptedSample(Sample):
    """A sample with a corrupted image. difference: mean absolute difference from the clean image, 0-255."""

    difference: float


def prepare_under(condition: Condition, dataset: Dataset) -> Callable[[str], Sample]:
    """Make a function that prepares an image of a data set, given its id, here or in a worker process.

    The function contains the corruption, not only its name: a worker process lacks the corruptions that a script
    registers.
    """
    return partial(prepare, dataset, condition, entry=CORRUPTIONS.get(condition.corruption))


def prepare(dataset: Dataset, condition: Condition, image_id: str, entry: Corruption | None = None) -> Sample:
    """Load one sample and corrupt its image at its native size; its arrays are new, since samples wait for others.

    entry: the corruption; None to look it up by name in this process. One of a user's own is tried on the first image.
    Raises DataError that names the image, and UsageError as `expect_same_pixels` does.
    """
    sample = loaded(dataset, image_id)
    label = sample.label.copy()  # a data set of a user's own may fill the same arrays for each image
    if condition.corruption == CLEAN:
        return replace(sample, image=sample.image.copy(), label=label)
    corruption = entry or condition.corruption
    with add_image_name(dataset, image_id):
        image = corrupt(sample.image, corruption, condition.severity, seed=condition.seed, image_id=sample.image_id)
        if entry and not entry.shipped and (entry, condition) not in TRIED:
            expect_same_pixels(image, sample, condition, entry)
            TRIED.add((entry, condition))
    difference = cv2.norm(image, sample.image, cv2.NORM_L1) / image.size
    return CorruptedSample(sample.image_id, image, label, difference)


def expect_same_pixels(corrupted: Image, sample: Sample, condition: Condition, entry: Corruption) -> None:
    """Corrupt an image again, after another one.

    Raises UsageError where its pixels differ, as with draws from elsewhere or a memory of the images before: each model
    would be shown other images.
    """
    make = partial(corrupt, name=entry, severity=condition.severity, seed=condition.seed)
    make(sample.image[::-1], image_id=f"{sample.image_id} upside down")
    if not np.array_equal(make(sample.image, image_id=sample.image_id), corrupted):
        raise UsageError(
            f"corruption {entry.name} gives other pixels a second time; it must draw from its argument `draws` alone, "
            "and keep nothing of an image for the next"
        )


@contextmanager
def add_image_name(dataset: Dataset, image_id: str) -> Iterator[None]:
    """Add the image's name to an error: to the message of a ValueError or UsageError, as a note to an unexpected error.

    Our other errors, such as DataError, pass unchanged.
    """
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
