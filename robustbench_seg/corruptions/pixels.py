"""Between bytes and the unit interval."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Image", "to_bytes"]

Image = NDArray[np.uint8]  # (H, W, 3), RGB
Floats = NDArray[np.float32] | NDArray[np.float64]


def to_bytes(unit: Floats) -> Image:
    """Clip to [0, 1] and scale to 0-255, in place, then truncate to uint8.

    Quirk of the benchmark: truncation, not rounding. A byte v that is only divided and multiplied comes back
    as v, but a weighted sum over a flat region of v may fall just below it and come out as v - 1. Callers
    therefore keep imagecorruptions' precision and order of operations wherever a sum could land on an integer.
    """
    np.clip(unit, 0, 1, out=unit)
    unit *= 255
    return unit.astype(np.uint8)
