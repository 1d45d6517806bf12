"""The Gaussian blur of floats and of bytes.

For each output row, rows are summed first, then columns. A ring buffer holds the lines that the output row needs, so
the whole image is never copied.

H, W, C: height, width, channels.
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .lines import Border, add_pairs, by_fours, indices, load, pad, store
from .pixels import Image, to_bytes

__all__ = ["gaussian", "gaussian_of_bytes"]

FloatT = TypeVar("FloatT", np.float32, np.float64)

# Entries between two lines of the ring: without them the lines of a 2048 px wide image are a multiple of 4 KiB
# apart, and evict one another from the cache.
STRIDE_GAP = 16

# In levels. So near an integer, single precision does not decide the truncation: three times the largest error
# seen in its sums.
NEAR = 2.0**-12
PIECE_PX = 8  # recomputed together if one of them is near an integer


def gaussian(
    values: NDArray[FloatT], sigma_px: tuple[float, float], *, truncate: float = 4.0, border: Border
) -> NDArray[FloatT]:
    """Blur the rows and columns of (H, W, C), as `scipy.ndimage.gaussian_filter` does.

    `sigma_px` is (vertical, horizontal); the kernel ends at `truncate` sigma. Weights, sums and result have the
    input's precision: float64 equals SciPy, and float32 is within 1e-6 of the largest value.
    """
    kernels = [_weights(sigma, truncate) for sigma in sigma_px]
    return np.asarray(_run(values, None, kernels, border, None), values.dtype)


def gaussian_of_bytes(image: Image, sigma_px: float) -> Image:
    """Blur uint8 (H, W, C), with borders repeated, and truncate, as imagecorruptions does with image / 255.

    Truncation makes the last bit of a flat region visible: if the blur of a constant 200 / 255 is one unit in the
    last place too low, the result is 199. So single precision decides only where its result is not within `NEAR`
    of an integer; `_settle` decides the rest in double precision and SciPy's order.
    """
    weights = _weights(sigma_px, truncate=4.0)
    unit = np.arange(256) / 255.0
    flat = to_bytes(_blur_flat(_blur_flat(unit, weights), weights))
    levels = np.arange(256, dtype=np.float32)
    return np.asarray(_run(image, levels, [weights, weights], "nearest", (unit, weights, flat)), np.uint8)


def _weights(sigma: float, truncate: float) -> NDArray[np.float64]:
    """Return the centre weight and the weights on one side of it; a sigma of 0 gives the identity."""
    if sigma == 0:
        return np.array([1.0, 0.0])
    radius = int(truncate * sigma + 0.5)
    x = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * x**2)
    half: NDArray[np.float64] = (weights / weights.sum())[radius:]
    return half


def _blur_flat(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute one pass over constant regions of each value, in SciPy's order of additions."""
    blurred: NDArray[np.float64] = values * weights[0]
    for weight in weights[:0:-1]:
        blurred += (values + values) * weight
    return blurred


def _run(values: NDArray[Any], levels: Any, kernels: list[NDArray[np.float64]], border: Border, exact: Any) -> Any:
    height, width, channels = values.shape
    precision = values.dtype if levels is None else levels.dtype
    (down, rows), (across, columns) = (
        (half.astype(precision), indices(length, len(half) - 1, len(half) - 1, border))
        for half, length in zip(kernels, (height, width), strict=True)
    )
    starts = rows % (2 * len(down) - 1) * (width * channels + STRIDE_GAP)  # of each row's line in the ring
    vertical = *_pass(down, starts, np.arange(height)[:, np.newaxis] + len(down) - 1), rows
    horizontal = *_pass(across, np.arange(len(columns)) * channels, len(across) - 1), columns
    lines = values.reshape(height, width * channels)
    lines.setflags(write=False)  # of the view: Numba would compile the kernel for both kinds of array
    out = np.empty((height, width * channels), values.dtype)
    _smooth(lines, levels, vertical, horizontal, channels, exact, out)
    return out.reshape(values.shape)


def _pass(half: NDArray[Any], starts: NDArray[np.intp], centre: Any) -> tuple[Any, ...]:
    """Return the centre weight, the other weights, and the starts of the lines before and after the centre of each."""
    steps = by_fours(np.arange(len(half) - 1, 0, -1), fill="last")  # the farthest first, as SciPy adds them
    return half[0], by_fours(half[:0:-1], fill="zero"), starts[centre - steps], starts[centre + steps]


@compiled
def _smooth(lines: Any, levels: Any, down: Any, across: Any, channels: Any, exact: Any, out: Any) -> None:
    """Sum vertically, then horizontally; `_pass` and the border's indices, from -radius on, describe each pass."""
    down_centre, down_weights, above, below, rows = down
    across_centre, across_weights, left, right, columns = across
    height, width = lines.shape
    radius, before = (len(rows) - height) // 2, (len(columns) - width // channels) // 2
    span, stride = 2 * radius + 1, width + STRIDE_GAP
    ring = np.empty(span * stride, down_weights.dtype)
    padded = np.empty(len(columns) * channels, down_weights.dtype)
    middle = padded[before * channels : before * channels + width]
    total = np.empty(width, down_weights.dtype)
    unchanged = np.empty(width, np.int32)
    unchanged[:] = 0
    loaded = 0
    for y in range(height):
        while loaded < min(y + radius + 1, height):
            load(lines[loaded], levels, ring[loaded % span * stride :][:width])
            if exact is not None and loaded > 0:
                _count_unchanged(lines[loaded - 1], lines[loaded], unchanged)
            loaded += 1
        _scale(ring[y % span * stride :], down_centre, middle)
        add_pairs(middle, ring, above[y], below[y], down_weights)
        pad(padded, columns, before, width // channels, channels)
        _scale(middle, across_centre, total)
        add_pairs(total, padded, left, right, across_weights)
        store(total, levels, out[y])
        if exact is not None:
            _settle(total, lines, rows[y : y + span], columns, unchanged, channels, exact, out[y])


@compiled
def _scale(line: Any, weight: Any, out: Any) -> None:
    for i in range(len(out)):
        out[i] = line[i] * weight


@compiled
def _count_unchanged(above: Any, line: Any, unchanged: Any) -> None:
    """Update, for each entry of the newest row, for how many rows its value has been the same."""
    for i in range(len(line)):
        unchanged[i] = unchanged[i] + 1 if line[i] == above[i] else 0


@compiled
def _settle(
    total: Any, lines: Any, rows: Any, columns: Any, unchanged: Any, channels: Any, exact: Any, values: Any
) -> None:
    """Recompute those pieces of a row of bytes in which a total is near an integer."""
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


@compiled
def _near_integers(levels: Any) -> Any:
    count = 0
    for i in range(len(levels)):
        above = levels[i] + np.float32(NEAR)
        count += above - np.floor(above) < np.float32(2 * NEAR)
    return count


@compiled
def _is_flat(newest: Any, unchanged: Any, rows: Any, channels: Any) -> Any:
    """Whether each channel is constant over a window. newest: the window's newest line."""
    changes = 0
    for i in range(len(newest)):
        changes += unchanged[i] < rows
    for i in range(len(newest) - channels):
        changes += newest[i] != newest[i + channels]
    return changes == 0


@compiled
def _redo(lines: Any, rows: Any, columns: Any, channels: Any, unit: Any, weights: Any, values: Any) -> None:
    """Blur a piece of a row in double precision, vertically and then horizontally, as SciPy does."""
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
