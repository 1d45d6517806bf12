"""The plasma fractal of fog, compiled: a height map from the diamond-square algorithm.

Source: Fournier, Fussell & Carpenter, "Computer Rendering of Stochastic Models" (1982). Draws and operations have the
order of imagecorruptions 1.1.2.
"""

from typing import Any

import numpy as np

from .compiled import compiled
from .lines import copy
from .seeds import Draws

__all__ = ["plasma_fractal"]


def plasma_fractal(size: int, decay: float, rng: Draws) -> Any:
    """Draw a periodic height map (size, size) in the precision of the draws. size: a power of 2.

    Each level sets the middles of the previous level's squares, then the middles of their edges, to the mean of
    four neighbours plus noise. Quirk: `wobble` scales both the draws and their range, so it acts squared.
    """
    heights, wobble = np.zeros((1, 1)), 100.0
    while (side := len(heights)) < size:
        middles, tops, sides = (rng.uniform(-wobble, wobble, size=(side, side)) for _ in range(3))
        coarse, heights = heights.astype(middles.dtype, copy=False), np.empty((2 * side, 2 * side), middles.dtype)
        _refine(coarse, heights.dtype.type(wobble), middles, tops, sides, heights)
        wobble /= decay
    return heights


@compiled
def _refine(heights: Any, wobble: Any, middles: Any, tops: Any, sides: Any, out: Any) -> None:
    """Double a map: each square yields its corner, its middle, and the middles of its top and left sides."""
    size = len(heights)
    # Periodic rows: the first corner is repeated at the end, and the last middle at the start.
    upper, lower = np.empty(size + 1, heights.dtype), np.empty(size + 1, heights.dtype)
    above, here = np.empty(size + 1, heights.dtype), np.empty(size + 1, heights.dtype)
    _copy_row(heights[size - 1], lower)
    for row in range(-1, size):  # the last row's middles first: the first row needs them above it
        upper, lower = lower, upper
        _copy_row(heights[(row + 1) % size], lower)
        above, here = here, above
        _set_middles(upper, lower, wobble, middles[row], here)
        if row >= 0:
            _write_rows(upper, lower, above, here, wobble, tops[row], sides[row], out[2 * row : 2 * row + 2])


@compiled
def _copy_row(corners: Any, row: Any) -> None:
    copy(corners, row[:-1])
    row[-1] = corners[0]


@compiled
def _set_middles(upper: Any, lower: Any, wobble: Any, draws: Any, middles: Any) -> None:
    quarter = middles.dtype.type(0.25)
    for x in range(len(draws)):
        total = (upper[x] + lower[x]) + (upper[x + 1] + lower[x + 1])
        middles[x + 1] = total * quarter + wobble * draws[x]
    middles[0] = middles[-1]


@compiled
def _write_rows(upper: Any, lower: Any, above: Any, here: Any, wobble: Any, tops: Any, sides: Any, out: Any) -> None:
    quarter = out.dtype.type(0.25)
    even, odd = out[0], out[1]
    for x in range(len(tops)):
        even[2 * x] = upper[x]
        even[2 * x + 1] = ((here[x + 1] + above[x + 1]) + (upper[x] + upper[x + 1])) * quarter + wobble * tops[x]
    for x in range(len(sides)):
        odd[2 * x] = ((here[x + 1] + here[x]) + (upper[x] + lower[x])) * quarter + wobble * sides[x]
        odd[2 * x + 1] = here[x + 1]
