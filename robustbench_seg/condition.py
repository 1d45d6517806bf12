"""An image under a condition: what a model gets to see. No torch, so that worker processes start fast."""

from dataclasses import dataclass

from .corruptions import corrupt
from .datasets.base import Dataset, Sample
from .record import CLEAN

__all__ = ["Condition", "prepare"]


@dataclass(frozen=True)
class Condition:
    """What is done to an image before a model sees it. corruption: a name, or CLEAN with severity 0."""

    corruption: str = CLEAN
    severity: int = 0
    seed: int = 0


def prepare(dataset: Dataset, condition: Condition, image_id: str) -> Sample:
    """Load one sample and corrupt its image at its native size; runs in worker processes."""
    sample = dataset.load(image_id)
    if condition.corruption == CLEAN:
        return sample
    image = corrupt(
        sample.image, condition.corruption, condition.severity, seed=condition.seed, image_id=sample.image_id
    )
    return Sample(sample.image_id, image, sample.label)
