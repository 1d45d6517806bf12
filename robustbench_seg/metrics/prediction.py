"""The input of a metric: the predicted and the labelled class of each pixel of one image."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Prediction"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """A model's prediction for one image, and the label.

    classes: uint8 (H, W), the predicted class of each pixel, 0 .. num_classes - 1, or num_classes if the model's class
    is no class of the data set. label: uint8 (H, W), the right class, or `ignore`. confidence: float32 (H, W), the
    probability 0-1 of the predicted class. log_likelihood: float32 (H, W), the natural logarithm of the probability of
    the right class, undefined for the label `ignore`. confidence and log_likelihood are None unless a metric needs
    probabilities. void: whether predictions on pixels with the label `ignore` are "ignored", or "counted" as wrong by
    the mIoU. All arrays are read-only.
    """

    classes: NDArray[np.uint8]
    label: NDArray[np.uint8]
    num_classes: int
    ignore: int
    confidence: NDArray[np.float32] | None = None
    log_likelihood: NDArray[np.float32] | None = None
    void: str = "ignored"

    def __post_init__(self) -> None:
        for name in ("classes", "label", "confidence", "log_likelihood"):
            if (values := getattr(self, name)) is not None:
                view = values.view()
                view.flags.writeable = False
                object.__setattr__(self, name, view)

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """The pixels with a label, booleans (H, W): a metric counts only these."""
        return np.asarray(self.label != self.ignore)
