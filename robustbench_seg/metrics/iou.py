"""Intersection over union from counts, as Cityscapes' own evaluation computes it."""

import numpy as np
from numpy.typing import NDArray

from .counts import ClassCounts

__all__ = ["best_constant_miou", "iou_per_class", "largest_predicted_share", "miou"]


def iou_per_class(counts: ClassCounts) -> NDArray[np.float64]:
    """IoU of each class, 0-1, higher is better; NaN for a class that occurs in neither labels nor predictions."""
    union = counts.labelled + counts.predicted - counts.intersection
    with np.errstate(invalid="ignore"):
        return np.asarray(counts.intersection / union)


def miou(counts: ClassCounts) -> float:
    """Mean over the classes that occur in labels or predictions, 0-1, higher is better; NaN if none does.

    Sum the counts of all images first: this is not a mean over images.
    """
    values = iou_per_class(counts)
    present = ~np.isnan(values)
    return float(values[present].mean()) if present.any() else float("nan")


def best_constant_miou(counts: ClassCounts) -> float:
    """The mIoU of the best model that gives every pixel one class: the floor that a model must beat."""
    total = counts.labelled.sum()
    if total == 0:
        return float("nan")
    occurring = np.count_nonzero(counts.labelled)
    return float((counts.labelled / total).max() / occurring)


def largest_predicted_share(counts: ClassCounts) -> float:
    """The share of the pixels that were given the most frequent class, 0-1; NaN if there are no pixels."""
    total = counts.predicted.sum()
    return float(counts.predicted.max() / total) if total else float("nan")
