"""Types of images, and the conversion from the unit interval to bytes."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Image", "to_bytes"]

Image = NDArray[np.uint8]  # (H, W, 3), RGB
Floats = NDArray[np.float32] | NDArray[np.float64]


def to_bytes(unit: Floats) -> Image:
    """Clip to [0, 1] and scale to 0-255, in place, then truncate to uint8.

    Quirk of the benchmark: truncation, not rounding. A byte v that is only divided and multiplied is v again.
    But a weighted sum over a flat region of v may be just below v and become v - 1. Therefore callers keep
    imagecorruptions' precision and order of operations wherever a sum could be an integer.
    """
    np.clip(unit, 0, 1, out=unit)
    unit *= 255
    return unit.astype(np.uint8)
