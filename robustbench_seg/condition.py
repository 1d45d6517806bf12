"""An image under a condition: what a model gets to see. No torch, so that worker processes start fast."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .corruptions import corrupt
from .datasets.base import Dataset, Sample
from .errors import DataError, RobustBenchError, UsageError
from .record import CLEAN

__all__ = ["Condition", "naming", "prepare"]


@dataclass(frozen=True)
class Condition:
    """What is done to an image before a model sees it. corruption: a name, or CLEAN with severity 0."""

    corruption: str = CLEAN
    severity: int = 0
    seed: int = 0


def prepare(dataset: Dataset, condition: Condition, image_id: str) -> Sample:
    """Load one sample and corrupt its image at its native size; runs in worker processes.

    Raises DataError that names the image.
    """
    sample = dataset.load(image_id)
    if condition.corruption == CLEAN:
        return sample
    with naming(dataset, image_id):
        image = corrupt(
            sample.image, condition.corruption, condition.severity, seed=condition.seed, image_id=sample.image_id
        )
    return Sample(sample.image_id, image, sample.label)


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
