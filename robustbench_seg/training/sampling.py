"""Which images an iteration sees, and how they are augmented. No torch, so that worker processes start fast."""

import numpy as np

from ..datasets.base import Dataset, Image, LabelMap
from .augment import augment
from .recipe import Recipe

__all__ = ["make_sample"]


def make_sample(dataset: Dataset, recipe: Recipe, job: tuple[int, int]) -> tuple[Image, LabelMap]:
    """Make element k of the batch of an iteration: crops of images in an order that is shuffled anew each epoch."""
    step, k = job
    position = step * recipe.batch_size + k
    epoch, place = divmod(position, len(dataset.ids))
    order = np.random.default_rng([recipe.seed, 0, epoch]).permutation(len(dataset.ids))
    sample = dataset.load(dataset.ids[order[place]])
    return augment(sample.image, sample.label, recipe.crop, np.random.default_rng([recipe.seed, 1, position]))
