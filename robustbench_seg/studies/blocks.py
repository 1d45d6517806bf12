"""Which images are evidence of their own: what a bootstrap draws, and what it counts as one.

Frames of a video resemble their neighbours, and the data set names blocks of them. What is known of no data set in
advance shows in the counts: an image without a labelled pixel tells nothing, and an image that is there twice, under
another name, tells it once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Blocks", "blocks_by_counts"]


@dataclass(frozen=True, eq=False)
class Blocks:
    """names: the block of each image that has a labelled pixel. labelled: which images those are, (images,) booleans.
    repeated: how many of them have the very counts of an earlier one.
    """

    names: tuple[str, ...]
    labelled: NDArray[np.bool_]
    repeated: int


def blocks_by_counts(names: Sequence[str], labelled: NDArray[np.int64], others: NDArray[np.int64]) -> Blocks:
    """Leave out images without a labelled pixel, and join the blocks of images that are the same.

    Two images are the same where all counts are, and several classes are labelled. With one class they are equal too
    easily: two images without an object, say, that a model gets right.

    names: the block of each image, of the data set. labelled: pixels of each class, (images, classes). others: whatever
    else was counted of a prediction, (images, columns).
    """
    some = np.asarray(labelled.any(axis=1))
    kept = [name for name, has_pixels in zip(names, some, strict=True) if has_pixels]
    several = np.count_nonzero(labelled[some], axis=1) > 1
    counts = np.concatenate([labelled[some], others[some]], axis=1)
    _, first, which = np.unique(counts, axis=0, return_index=True, return_inverse=True)
    original = first[which.ravel()]
    copies = [int(k) for k in np.flatnonzero(several & (original != np.arange(len(kept))))]
    for copy in copies:
        one, other = kept[original[copy]], kept[copy]
        kept = [one if name == other else name for name in kept]
    return Blocks(tuple(kept), some, len(copies))
