"""The Gaussian blur, of floats and of bytes.

Rows are summed first, then columns, output row by output row. The lines that the output's row sees are kept in a
ring, so that no copy of the whole image is ever made.

H, W, C: height, width, channels.
"""

from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from .lines import Border, add_pairs, by_fours, indices, load, pad, store
from .pixels import Image, to_bytes

__all__ = ["gaussian", "gaussian_of_bytes"]

FloatT = TypeVar("FloatT", np.float32, np.float64)

# Entries between two lines of the ring: without them the lines of a 2048 px wide image are a multiple of 4 KiB
# apart, and evict one another from the cache.
STRIDE_GAP = 16

# Levels from an integer within which single precision doesn't decide how a value truncates. Its sums are off by
# less than half of this, for all sigmas in use.
NEAR = 2.0**-13
PIECE_PX = 8  # redone together where one is in doubt


def gaussian(
    values: NDArray[FloatT], sigma_px: tuple[float, float], *, truncate: float = 4.0, border: Border
) -> NDArray[FloatT]:
    """Blur the rows and columns of (H, W, C), as `scipy.ndimage.gaussian_filter` does.

    `sigma_px` is (down, across); the kernel ends at `truncate` sigma. Weights, sums and result have the
    input's precision: in float64 the result is SciPy's, in float32 within 1e-6 of the largest value.
    """
    kernels = [_weights(sigma, truncate) for sigma in sigma_px]
    return np.asarray(_run(values, None, kernels, border, None), values.dtype)


def gaussian_of_bytes(image: Image, sigma_px: float) -> Image:
    """Blur uint8 (H, W, C), borders repeated, and truncate, as imagecorruptions does with image / 255.

    Truncation makes the last bit of a flat region visible: a Gaussian of constant 200 / 255 that comes out one
    unit in the last place lower is 199. So single precision decides wherever its result is not within `NEAR` of
    an integer; `_settle` decides the rest in double precision and SciPy's order.
    """
    weights = _weights(sigma_px, truncate=4.0)
    unit = np.arange(256) / 255.0
    flat = to_bytes(_blurred_flat(_blurred_flat(unit, weights), weights))
    levels = np.arange(256, dtype=np.float32)
    return np.asarray(_run(image, levels, [weights, weights], "nearest", (unit, weights, flat)), np.uint8)


def _weights(sigma: float, truncate: float) -> NDArray[np.float64]:
    """Return the centre weight and those to one side of it."""
    radius = int(truncate * sigma + 0.5)
    x = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * x**2)
    half: NDArray[np.float64] = (weights / weights.sum())[radius:]
    return half


def _blurred_flat(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """What one pass makes of each value where all around it is the same, added as SciPy adds it."""
    blurred: NDArray[np.float64] = values * weights[0]
    for weight in weights[:0:-1]:
        blurred += (values + values) * weight
    return blurred


def _run(values: NDArray[Any], levels: Any, kernels: list[NDArray[np.float64]], border: Border, exact: Any) -> Any:
    height, width, channels = values.shape
    precision = values.dtype if levels is None else levels.dtype
    out = np.empty((height, width * channels), values.dtype)
    down, across = (
        _pass(half.astype(precision), length, border) for half, length in zip(kernels, (height, width), strict=True)
    )
    _smooth(values.reshape(height, width * channels), levels, down, across, channels, exact, out)
    return out.reshape(values.shape)


def _pass(half: NDArray[Any], length: int, border: Border) -> tuple[Any, ...]:
    """Return the centre weight, the steps from it, their weights, and which entry stands at each index from -radius."""
    radius = len(half) - 1
    steps = np.arange(radius, 0, -1)  # the farthest first, as SciPy adds them
    around = indices(length, radius, radius, border)
    return half[0], by_fours(steps, fill="last"), by_fours(half[:0:-1], fill="zero"), around


@numba.njit(cache=True, nogil=True)
def _smooth(lines: Any, levels: Any, down: Any, across: Any, channels: Any, exact: Any, out: Any) -> None:
    """Sum down, then across, as `_pass` describes each."""
    down_centre, down_steps, down_weights, rows = down
    across_centre, across_steps, across_weights, columns = across
    height, width = lines.shape
    radius, before = (len(rows) - height) // 2, (len(columns) - width // channels) // 2
    span, stride = 2 * radius + 1, width + STRIDE_GAP
    ring = np.empty(span * stride, down_weights.dtype)
    padded = np.empty(len(columns) * channels, down_weights.dtype)
    middle = padded[before * channels : before * channels + width]
    total = np.empty(width, down_weights.dtype)
    left, right = (before - across_steps) * channels, (before + across_steps) * channels
    unchanged = np.zeros(width, np.int32)
    loaded = 0
    for y in range(height):
        while loaded < min(y + radius + 1, height):
            load(lines[loaded], levels, ring[loaded % span * stride :][:width])
            if exact is not None and loaded > 0:
                _count_unchanged(lines[loaded - 1], lines[loaded], unchanged)
            loaded += 1
        starts = rows[y : y + span] % span * stride
        _scale(ring[starts[radius] :], down_centre, middle)
        add_pairs(middle, ring, starts[radius - down_steps], starts[radius + down_steps], down_weights)
        pad(padded, columns, before, width // channels, channels)
        _scale(middle, across_centre, total)
        add_pairs(total, padded, left, right, across_weights)
        store(total, levels, out[y])
        if exact is not None:
            _settle(total, lines, rows[y : y + span], columns, unchanged, channels, exact, out[y])


@numba.njit(cache=True, nogil=True)
def _scale(line: Any, weight: Any, out: Any) -> None:
    for i in range(len(out)):
        out[i] = line[i] * weight


@numba.njit(cache=True, nogil=True)
def _count_unchanged(above: Any, line: Any, unchanged: Any) -> None:
    """Update for how many rows up each entry of the newest one has had its value."""
    for i in range(len(line)):
        unchanged[i] = unchanged[i] + 1 if line[i] == above[i] else 0


@numba.njit(cache=True, nogil=True)
def _settle(
    total: Any, lines: Any, rows: Any, columns: Any, unchanged: Any, channels: Any, exact: Any, values: Any
) -> None:
    """Decide anew those pieces of a row of bytes in which a total is near an integer."""
    unit, weights, flat = exact
    for start in range(0, len(total), PIECE_PX * channels):
        piece = values[start : start + PIECE_PX * channels]
        if _near_integers(total[start : start + len(piece)]):
            first = start // channels
            seen = columns[first : first + len(piece) // channels + len(rows) - 1]
            newest = lines[rows[-1]][seen[0] * channels : (seen[-1] + 1) * channels]
            if _is_flat(newest, unchanged[seen[0] * channels :], rows[-1] - rows[0], channels):
                for i in range(len(piece)):
                    piece[i] = flat[newest[i % channels]]
            else:
                _redo(lines, rows, seen, channels, unit, weights, piece)


@numba.njit(cache=True, nogil=True)
def _near_integers(levels: Any) -> Any:
    count = 0
    for i in range(len(levels)):
        above = levels[i] + np.float32(NEAR)
        count += above - np.floor(above) < np.float32(2 * NEAR)
    return count


@numba.njit(cache=True, nogil=True)
def _is_flat(newest: Any, unchanged: Any, rows: Any, channels: Any) -> Any:
    """Whether each channel has one value all over a window, given its newest line."""
    changes = 0
    for i in range(len(newest)):
        changes += unchanged[i] < rows
    for i in range(len(newest) - channels):
        changes += newest[i] != newest[i + channels]
    return changes == 0


@numba.njit(cache=True, nogil=True)
def _redo(lines: Any, rows: Any, columns: Any, channels: Any, unit: Any, weights: Any, values: Any) -> None:
    """Blur what a piece of a row sees in double precision, down and then across, as SciPy does."""
    radius = len(weights) - 1
    start, stop = columns[0] * channels, (columns[-1] + 1) * channels
    sums = np.empty(stop - start)
    for i in range(len(sums)):
        sums[i] = unit[lines[rows[radius], start + i]] * weights[0]
    for step in range(radius, 0, -1):
        above, below = lines[rows[radius - step]][start:stop], lines[rows[radius + step]][start:stop]
        for i in range(len(sums)):
            sums[i] += (unit[above[i]] + unit[below[i]]) * weights[step]
    padded = np.empty(len(columns) * channels)
    for k in range(len(columns)):
        for c in range(channels):
            padded[k * channels + c] = sums[(columns[k] - columns[0]) * channels + c]
    for i in range(len(values)):
        centre = i + radius * channels
        blurred = padded[centre] * weights[0]
        for step in range(radius, 0, -1):
            blurred += (padded[centre - step * channels] + padded[centre + step * channels]) * weights[step]
        values[i] = np.int32(min(blurred, 1.0) * 255)
