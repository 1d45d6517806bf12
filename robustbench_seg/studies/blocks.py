"""Group images into blocks, the independent units that a bootstrap draws.

Frames of a video resemble their neighbours, so the data set groups them into blocks. Two more cases show only in the
counts: an image without a labelled pixel carries no information, and a copy of an image adds none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Blocks", "blocks_by_counts"]


@dataclass(frozen=True, eq=False)
class Blocks:
    """names: the block of each image that is counted. labelled: whether each image is, (images,) booleans: those with a
    labelled pixel, or all.
    repeated: number of images with the same counts as an earlier image.
    """

    names: tuple[str, ...]
    labelled: NDArray[np.bool_]
    repeated: int


def blocks_by_counts(
    names: Sequence[str], labelled: NDArray[np.int64], others: NDArray[np.int64], *, void: bool = False
) -> Blocks:
    """Omit images without a labelled pixel, and merge the blocks of identical images.

    Two images are identical if all their counts are equal and more than one class is labelled. With one class, equal
    counts are no proof: for example two images without an object, both predicted correctly.

    names: the data set's block of each image. labelled: pixels of each class, (images, classes). others: all other
    counts of the predictions, (images, columns). void: whether pixels without a label count, so that no image is
    omitted.
    """
    has_labels = np.asarray(labelled.any(axis=1) | void)
    names_left = [name for name, has_pixels in zip(names, has_labels, strict=True) if has_pixels]
    has_several_classes = np.count_nonzero(labelled[has_labels], axis=1) > 1
    counts = np.concatenate([labelled[has_labels], others[has_labels]], axis=1)
    _, first, which = np.unique(counts, axis=0, return_index=True, return_inverse=True)
    original = first[which.ravel()]
    copies = [int(k) for k in np.flatnonzero(has_several_classes & (original != np.arange(len(names_left))))]
    for copy in copies:
        one, other = names_left[original[copy]], names_left[copy]
        names_left = [one if name == other else name for name in names_left]
    return Blocks(tuple(names_left), has_labels, len(copies))
