"""What is counted in one image, as integers: everything else is arithmetic on sums of these."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClassCounts", "count_classes"]


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """Pixels per class, int64 (C,), all over pixels whose label is not ignored.

    intersection: label and prediction agree on the class. predicted, labelled: one of the two is the class.
    """

    intersection: NDArray[np.int64]
    predicted: NDArray[np.int64]
    labelled: NDArray[np.int64]


def count_classes(
    prediction: NDArray[np.integer], label: NDArray[np.integer], num_classes: int, ignore: int
) -> ClassCounts:
    """Count one image.

    prediction, label: (H, W) of class indices 0 .. num_classes - 1; label may also hold `ignore`.
    Raises ValueError for shapes that differ or other values.
    """
    if prediction.shape != label.shape:
        raise ValueError(f"prediction is {prediction.shape}, label {label.shape}: they must have one shape")
    valid = label != ignore
    labels, predictions = label[valid], prediction[valid]
    if labels.size:
        lowest = min(int(labels.min()), int(predictions.min()))
        highest = max(int(labels.max()), int(predictions.max()))
        if lowest < 0 or highest >= num_classes:
            raise ValueError(f"class {lowest if lowest < 0 else highest} is outside 0 .. {num_classes - 1}")
    agreed = labels[labels == predictions]
    return ClassCounts(*(np.bincount(x, minlength=num_classes).astype(np.int64) for x in (agreed, predictions, labels)))
