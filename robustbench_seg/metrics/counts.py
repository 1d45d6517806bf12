"""The counts of one image, as integers: every metric is arithmetic on their sums."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ImageCounts", "count_classes"]


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
    Raises ValueError for different shapes and for other values.
    """
    if prediction.shape != label.shape:
        raise ValueError(f"prediction is {prediction.shape}, label {label.shape}: they must have the same shape")
    valid = label != ignore
    labels, predictions = label[valid], prediction[valid]
    counted = prediction.ravel() if void else predictions
    if counted.size:
        lowest = min(int(labels.min(initial=0)), int(counted.min()))
        highest = max(int(labels.max(initial=0)), int(counted[counted != num_classes].max(initial=0)))
        if lowest < 0 or highest >= num_classes:
            raise ValueError(f"class {lowest if lowest < 0 else highest} is outside 0 .. {num_classes - 1}")
    parts = {"intersection": labels[labels == predictions], "predicted": counted, "labelled": labels}
    return {
        name: np.bincount(part, minlength=num_classes)[:num_classes].astype(np.int64) for name, part in parts.items()
    }
