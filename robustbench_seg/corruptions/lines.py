"""The inner loops of the filters: weighted sums of lines.

A line is a row of an image with interleaved channels: flat, and long enough for the compiler to vectorise the
loop over it. Terms are added strictly in order, in the precision of the buffer, so that a sum equals the sum in
the code that it replaces.

Bytes are read as *levels*, a table of 256 numbers from 0 to white. They are written clipped to white, scaled to
255 and truncated, as imagecorruptions does after its floating-point filters.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

__all__ = ["Border", "add_lines", "add_pairs", "by_fours", "copy", "indices", "load", "pad", "store"]

Border = Literal["mirror", "nearest", "reflect"]


def indices(length: int, before: int, after: int, border: Border) -> NDArray[np.intp]:
    """Return the index in 0 .. length - 1 for each position -before .. length - 1 + after."""
    index = np.arange(-before, length + after)
    if border == "nearest":  # a a a a | a b c d | d d d d
        return np.clip(index, 0, length - 1)
    if border == "mirror":  # e d c b | a b c d e | d c b a
        index %= 2 * length - 2
        return np.minimum(index, 2 * length - 2 - index)
    index %= 2 * length  # d c b a | a b c d | d c b a
    return np.minimum(index, 2 * length - 1 - index)


def by_fours(array: NDArray[Any], *, fill: Literal["last", "zero"]) -> NDArray[Any]:
    """Pad to a multiple of four taps, as `add_lines` and `add_pairs` require."""
    return np.pad(array, (0, -len(array) % 4), mode="edge" if fill == "last" else "constant")


# Four taps per loop, because reading and writing the total costs as much as a tap. The weights are read before the
# loop: reading an array inside would prevent vectorisation.


@compiled
def add_lines(total: Any, buffer: Any, starts: Any, weights: Any) -> None:
    """Add weights[k] * (the line at starts[k]) for each k. The number of weights is a multiple of four."""
    for k in range(0, len(weights), 4):
        w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        a0, a1, a2, a3 = (
            buffer[starts[k] :],
            buffer[starts[k + 1] :],
            buffer[starts[k + 2] :],
            buffer[starts[k + 3] :],
        )
        for i in range(len(total)):
            total[i] = total[i] + w0 * a0[i] + w1 * a1[i] + w2 * a2[i] + w3 * a3[i]


@compiled
def add_pairs(total: Any, buffer: Any, left: Any, right: Any, weights: Any) -> None:
    """Add weights[k] * (the line at left[k] + the line at right[k]) for each k. As many weights as in `add_lines`."""
    for k in range(0, len(weights), 4):
        w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        a0, a1, a2, a3 = buffer[left[k] :], buffer[left[k + 1] :], buffer[left[k + 2] :], buffer[left[k + 3] :]
        b0, b1, b2, b3 = buffer[right[k] :], buffer[right[k + 1] :], buffer[right[k + 2] :], buffer[right[k + 3] :]
        for i in range(len(total)):
            pairs = total[i] + (a0[i] + b0[i]) * w0 + (a1[i] + b1[i]) * w1
            total[i] = pairs + (a2[i] + b2[i]) * w2 + (a3[i] + b3[i]) * w3


@compiled
def copy(source: Any, target: Any) -> None:
    """Copy a line. An assignment to a slice would take Numba two seconds to compile, for its check of the lengths."""
    for i in range(len(target)):
        target[i] = source[i]


@compiled
def load(values: Any, levels: Any, line: Any) -> None:
    """Copy a row of an image to a line: bytes as their levels, floats (levels None) unchanged."""
    if levels is None:
        copy(values, line)
    else:
        for i in range(len(line)):
            line[i] = levels[values[i]]


@compiled
def store(line: Any, levels: Any, values: Any) -> None:
    """Copy a line to a row of an image: levels as bytes, floats (levels None) unchanged."""
    if levels is None:
        copy(line, values)
    else:
        white = levels[255]
        scale = 255 / white
        for i in range(len(line)):
            values[i] = np.int32(min(line[i], white) * scale)


@compiled
def pad(line: Any, columns: Any, before: Any, width: Any, channels: Any) -> None:
    """Fill the margins of a line. Its own `width` columns start at `before`; column k repeats columns[k]."""
    for margin in (range(before), range(before + width, len(columns))):
        for k in margin:
            for c in range(channels):
                line[k * channels + c] = line[(before + columns[k]) * channels + c]
