"""Choose and augment the images of an iteration. No torch, so that worker processes start fast."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..datasets.base import Dataset, Image, LabelMap, loaded
from .augment import augment
from .recipe import Recipe

__all__ = ["make_sample"]


def make_sample(dataset: Dataset, recipe: Recipe, job: tuple[int, int]) -> tuple[Image, LabelMap]:
    """Make element k of an iteration's batch: a crop. The order of the images is shuffled in each epoch."""
    step, k = job
    position, ids = step * recipe.batch_size + k, dataset.ids
    epoch, place = divmod(position, len(ids))
    sample = loaded(dataset, ids[shuffle(recipe.seed, epoch, len(ids))[place]])
    return augment(sample.image, sample.label, recipe.crop, np.random.default_rng([recipe.seed, 1, position]))


@lru_cache(maxsize=2)
def shuffle(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Return the order of the images in an epoch."""
    return np.random.default_rng([seed, 0, epoch]).permutation(count)
