"""The compiled filters under several corruptions: Gaussian, motion and zoom.

Truncation to uint8 (see `pixels`) makes the last bit of a flat region visible: a Gaussian of constant 200 /
255 that comes out one unit in the last place lower is 199. So each filter adds its terms in the order of
the code that it stands for (SciPy's `gaussian_filter` and `zoom`, imagecorruptions' motion blur) and in
double precision, and is equal to it to the last bit. It is faster because its inner loops run along whole
rows, which the compiler turns into vector instructions.

H, W, C: height, width, channels.
"""

import math
from typing import Any, Literal, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["centre_zoom", "gaussian", "motion"]

Border = Literal["nearest", "reflect"]
FloatT = TypeVar("FloatT", np.float32, np.float64)


def gaussian(
    values: NDArray[FloatT], sigma_px: tuple[float, float], *, truncate: float = 4.0, border: Border
) -> NDArray[FloatT]:
    """Blur the rows and columns of (H, W, C), equal to `scipy.ndimage.gaussian_filter`.

    `sigma_px` is (down, across); the kernel ends at `truncate` sigma. The result has the input's dtype, as
    has the image between the two passes.
    """
    height, width, channels = values.shape
    down, across = (_gaussian_weights(sigma, truncate) for sigma in sigma_px)
    rows = _indices(height, len(down) - 1, border)
    columns = _indices(width, len(across) - 1, border)
    lines = _correlate_rows(values.reshape(height, width * channels), down, rows)
    blurred: NDArray[FloatT] = _correlate_columns(lines, across, columns, channels)
    return blurred.reshape(values.shape)


def _gaussian_weights(sigma: float, truncate: float) -> NDArray[np.float64]:
    """Return the centre weight and those to one side of it."""
    radius = int(truncate * sigma + 0.5)
    x = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * x**2)
    half: NDArray[np.float64] = (weights / weights.sum())[radius:]
    return half


def _indices(length: int, radius: int, border: Border) -> NDArray[np.intp]:
    """Which of `length` entries stands at -radius .. length - 1 + radius."""
    index = np.arange(-radius, length + radius)
    if border == "nearest":
        return np.clip(index, 0, length - 1)
    index %= 2 * length
    return np.minimum(index, 2 * length - 1 - index)  # d c b a | a b c d | d c b a


# The two passes take rows as flat lines (H, W * C): their inner loops are then long enough to vectorise. Each
# reads its weight before the loop, since an array read within would keep the compiler from it.


@numba.njit(cache=True, nogil=True)
def _correlate_rows(lines: Any, weights: Any, rows: Any) -> Any:
    radius = len(weights) - 1
    out = np.empty_like(lines)
    total = np.empty(lines.shape[1])
    for y in range(len(lines)):
        middle, weight = lines[rows[y + radius]], weights[0]
        for i in range(len(total)):
            total[i] = np.float64(middle[i]) * weight
        for step in range(radius, 0, -1):  # the farthest first, as SciPy adds them
            above, below = lines[rows[y + radius - step]], lines[rows[y + radius + step]]
            weight = weights[step]
            for i in range(len(total)):
                total[i] += (np.float64(above[i]) + np.float64(below[i])) * weight
        out[y] = total
    return out


@numba.njit(cache=True, nogil=True)
def _correlate_columns(lines: Any, weights: Any, columns: Any, channels: Any) -> Any:
    radius = len(weights) - 1
    out = np.empty_like(lines)
    padded = np.empty(len(columns) * channels)
    total = np.empty(lines.shape[1])
    for y in range(len(lines)):
        for x in range(len(columns)):
            for c in range(channels):
                padded[x * channels + c] = lines[y, columns[x] * channels + c]
        middle, weight = padded[radius * channels :], weights[0]
        for i in range(len(total)):
            total[i] = middle[i] * weight
        for step in range(radius, 0, -1):
            left, right = padded[(radius - step) * channels :], padded[(radius + step) * channels :]
            weight = weights[step]
            for i in range(len(total)):
                total[i] += (left[i] + right[i]) * weight
        out[y] = total
    return out


def motion(values: NDArray[Any], radius: int, sigma_px: float, angle_deg: float) -> NDArray[np.float64]:
    """Average (H, W, C) along a one-sided trail of up to 2 * radius + 1 px, with half-Gaussian weights.

    Quirk: the trail ends where its shift reaches the image's size, and the weights then sum to less than 1.
    """
    height, width, channels = values.shape
    length = 2 * radius + 1
    weights = np.exp(-(np.arange(length) ** 2) / (2 * (sigma_px**2))) / (np.sqrt(2 * np.pi) * sigma_px)
    weights /= np.sum(weights)
    down, across = length * np.sin(np.deg2rad(angle_deg)), length * np.cos(np.deg2rad(angle_deg))
    hypotenuse = math.hypot(down, across)
    shifts = []
    for i in range(length):
        dy = -math.ceil(i * down / hypotenuse - 0.5)
        dx = -math.ceil(i * across / hypotenuse - 0.5)
        if abs(dy) >= height or abs(dx) >= width:
            break
        shifts.append((dy, dx))
    margin = max(abs(dx) for _, dx in shifts)
    padded = np.pad(values, ((0, 0), (margin, margin), (0, 0)), mode="edge")
    blurred: NDArray[np.float64] = _trail(
        padded.reshape(height, -1), width * channels, margin * channels, weights, np.array(shifts), channels
    )
    return blurred.reshape(values.shape)


@numba.njit(cache=True, nogil=True)
def _trail(padded: Any, size: Any, margin: Any, weights: Any, shifts: Any, channels: Any) -> Any:
    height = len(padded)
    out = np.zeros((height, size))
    for y in range(height):
        total = out[y]
        for k in range(len(shifts)):
            row = min(max(y - shifts[k, 0], 0), height - 1)
            source = padded[row, margin - shifts[k, 1] * channels :]
            weight = weights[k]
            for i in range(size):
                total[i] += weight * source[i]
    return out


def centre_zoom(values: NDArray[FloatT], factor: float) -> NDArray[FloatT]:
    """Enlarge the middle 1 / factor of (H, W, C) to about (H, W), bilinearly; never smaller than (H, W).

    Equal to `scipy.ndimage.zoom` of order 1 on that crop, corners on corners, in the input's dtype.
    """
    height, width, channels = values.shape
    crop_height, crop_width = math.ceil(height / factor), math.ceil(width / factor)
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    crop = values[top : top + crop_height, left : left + crop_width]
    out = np.empty((round(crop_height * factor), round(crop_width * factor), channels), values.dtype)
    _resize(np.ascontiguousarray(crop), out)
    return out


@numba.njit(cache=True, nogil=True)
def _resize(values: Any, out: Any) -> None:
    height, width, channels = values.shape
    y_scale, x_scale = (height - 1) / (out.shape[0] - 1), (width - 1) / (out.shape[1] - 1)
    for row in range(out.shape[0]):
        y = row * y_scale
        y0 = int(y)
        y1 = min(y0 + 1, height - 1)
        above = 1 - (y - y0)
        below = 1 - above  # not y - y0: SciPy makes the weights' sum exact
        for column in range(out.shape[1]):
            x = column * x_scale
            x0 = int(x)
            x1 = min(x0 + 1, width - 1)
            left = 1 - (x - x0)
            right = 1 - left
            # Quirk of scipy.ndimage.zoom: a last row or column that rounding puts beyond the image is black.
            if y > height - 1 or x > width - 1:
                out[row, column] = 0
                continue
            for c in range(channels):
                out[row, column, c] = (
                    values[y0, x0, c] * above * left
                    + values[y0, x1, c] * above * right
                    + values[y1, x0, c] * below * left
                    + values[y1, x1, c] * below * right
                )
