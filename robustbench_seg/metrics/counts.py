"""The counts of one image, as integers: every metric is arithmetic on their sums."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .entry import CLASS_COUNTS

__all__ = ["ImageCounts", "count_classes", "count_pairs"]

VALUES = 256  # number of values that a pixel of a class map can have


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageCounts:
    """The counts of one image. height, width: of the label, in pixels. counts: by column of the metrics."""

    image_id: str
    height: int
    width: int
    counts: Mapping[str, Any]


def count_classes(
    prediction: NDArray[np.integer], label: NDArray[np.integer], num_classes: int, ignore: int, *, void: bool = False
) -> dict[str, NDArray[np.int64]]:
    """Count the pixels of each class in one image, int64 (num_classes,), over the pixels whose label is not ignored.

    intersection: pixels with the class in both label and prediction. predicted, labelled: pixels with the class in the
    prediction, and in the label. prediction, label: (H, W), class indices 0 .. num_classes - 1; label may also hold
    `ignore`, and prediction num_classes, which stands for none of the classes. void: whether predicted is over all
    pixels, so that a prediction where the label is ignored is wrong.
    Raises ValueError for different shapes, for other values, and for more than 256 classes.
    """
    if not (0 <= ignore < VALUES and num_classes <= VALUES):
        raise ValueError(f"ignore is {ignore}, classes are {num_classes}: 0 .. {VALUES - 1} and up to {VALUES} can be")
    if prediction.shape != label.shape:
        raise ValueError(f"prediction is {prediction.shape}, label {label.shape}: they must have the same shape")
    for values in (prediction, label):
        for value in (int(values.min(initial=0)), int(values.max(initial=0))):
            if not 0 <= value < VALUES:
                raise ValueError(f"class {value} is outside 0 .. {num_classes - 1}")
    pairs = count_pairs(prediction.astype(np.uint8, copy=False), label.astype(np.uint8, copy=False))
    everywhere = pairs.sum(axis=1)
    pairs[:, ignore] = 0
    predicted, labelled = everywhere if void else pairs.sum(axis=1), pairs.sum(axis=0)
    used = labelled + np.where(np.arange(VALUES) == num_classes, 0, predicted)
    if used[num_classes:].any():
        raise ValueError(f"class {np.flatnonzero(used)[-1]} is outside 0 .. {num_classes - 1}")
    counts = pairs.diagonal(), predicted, labelled
    return {name: count[:num_classes].copy() for name, count in zip(CLASS_COUNTS, counts, strict=True)}


def count_pairs(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count how often each pair of values stands at one pixel of two maps, uint8 (H, W): int64 (256, 256)."""
    pairs = first.astype(np.uint16) * VALUES + second
    return np.bincount(pairs.ravel(), minlength=VALUES**2).reshape(VALUES, VALUES).astype(np.int64, copy=False)
