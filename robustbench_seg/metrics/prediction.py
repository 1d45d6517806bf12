"""What a metric counts: the classes that a model gives to the pixels of one image, and the right ones."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Prediction"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of one image, and the truth.

    classes: uint8 (H, W), the class given to each pixel, 0 .. num_classes - 1. label: uint8 (H, W), the class that is
    right, or `ignore`. confidence: float32 (H, W), the probability 0-1 of the given class. log_likelihood: float32
    (H, W), the natural logarithm of the right class's probability, undefined where the label is `ignore`. These two are
    None unless a metric needs probabilities. All arrays are read-only.
    """

    classes: NDArray[np.uint8]
    label: NDArray[np.uint8]
    num_classes: int
    ignore: int
    confidence: NDArray[np.float32] | None = None
    log_likelihood: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        for name in ("classes", "label", "confidence", "log_likelihood"):
            if (values := getattr(self, name)) is not None:
                view = values.view()
                view.flags.writeable = False
                object.__setattr__(self, name, view)

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """The pixels that have a label, (H, W): no others may be counted."""
        return np.asarray(self.label != self.ignore)
