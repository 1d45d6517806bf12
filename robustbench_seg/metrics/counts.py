"""What is counted in one image, as integers: everything else is arithmetic on sums of these."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ImageCounts", "count_classes"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageCounts:
    """What is counted in one image. height, width: of the label, pixels. counts: by the columns of the metrics."""

    image_id: str
    height: int
    width: int
    counts: Mapping[str, Any]


def count_classes(
    prediction: NDArray[np.integer], label: NDArray[np.integer], num_classes: int, ignore: int
) -> dict[str, NDArray[np.int64]]:
    """Count the pixels of each class in one image, int64 (num_classes,), all over pixels whose label is not ignored.

    intersection: label and prediction agree on the class. predicted, labelled: one of the two is the class.
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
    parts = {"intersection": labels[labels == predictions], "predicted": predictions, "labelled": labels}
    return {name: np.bincount(part, minlength=num_classes).astype(np.int64) for name, part in parts.items()}
