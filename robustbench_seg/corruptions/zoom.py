"""Zoom into the middle of an image, once or as an average of many zooms.

H, W, C: height, width, channels.
"""

import math
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .pixels import Image, to_bytes

__all__ = ["centre_zoom", "zoom_average"]

FloatT = TypeVar("FloatT", np.float32, np.float64)

NEAR = 2.0**-11  # levels; about ten times the error of single precision in an average of 17 zooms


@dataclass(frozen=True, kw_only=True)
class _Window:
    """The middle 1 / factor of an image and its enlarged size, in px; y_scale and x_scale map enlarged to original."""

    top: int
    left: int
    height: int
    width: int
    enlarged_height: int
    enlarged_width: int

    @classmethod
    def of(cls, height: int, width: int, factor: float) -> Self:
        crop_height, crop_width = math.ceil(height / factor), math.ceil(width / factor)
        return cls(
            top=(height - crop_height) // 2,
            left=(width - crop_width) // 2,
            height=crop_height,
            width=crop_width,
            enlarged_height=round(crop_height * factor),
            enlarged_width=round(crop_width * factor),
        )

    @property
    def y_scale(self) -> float:
        return (self.height - 1) / (self.enlarged_height - 1)

    @property
    def x_scale(self) -> float:
        return (self.width - 1) / (self.enlarged_width - 1)


def centre_zoom(values: NDArray[FloatT], factor: float) -> NDArray[FloatT]:
    """Enlarge the middle 1 / factor of (H, W, C) bilinearly to about (H, W), never smaller than (H, W).

    Equal to `scipy.ndimage.zoom` of order 1 on that crop, with aligned corners, in the input's dtype.
    """
    height, width, channels = values.shape
    window = _Window.of(height, width, factor)
    crop = values[window.top : window.top + window.height, window.left : window.left + window.width]
    out = np.empty((window.enlarged_height, window.enlarged_width, channels), values.dtype)
    _resize(np.ascontiguousarray(crop), out)
    return out


@compiled
def _resize(values: Any, out: Any) -> None:
    height, width, channels = values.shape
    y_scale, x_scale = (height - 1) / (out.shape[0] - 1), (width - 1) / (out.shape[1] - 1)
    for row in range(out.shape[0]):
        y = row * y_scale
        y0 = int(y)
        y1 = min(y0 + 1, height - 1)
        above = 1 - (y - y0)
        below = 1 - above  # not y - y0: in SciPy the weights sum to exactly 1
        for column in range(out.shape[1]):
            x = column * x_scale
            x0 = int(x)
            x1 = min(x0 + 1, width - 1)
            left = 1 - (x - x0)
            right = 1 - left
            # Quirk of scipy.ndimage.zoom: if rounding puts the last row or column outside the image, it is black.
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


def zoom_average(image: Image, factors: NDArray[np.float64]) -> Image:
    """Average uint8 (H, W, 3) and its zooms into the middle; truncate as imagecorruptions' zoom blur does.

    Single precision decides only where its mean is not within `NEAR` of an integer. Elsewhere `_average_at` decides, in
    imagecorruptions' own arithmetic. Exception: if the sum equals the sum of a flat region, the result is `flat`. (A
    few values in ten million have that sum by chance, and may be 1 off.)
    """
    height, width, _ = image.shape
    windows = [_Window.of(height, width, float(factor)) for factor in factors]
    boxes = np.array([(w.top, w.left, w.height, w.width) for w in windows])
    scales = np.array([(w.y_scale, w.x_scale) for w in windows])
    unit = (np.arange(256) / 255.0).astype(np.float32)
    total = np.zeros(256, np.float32)
    for _ in factors:
        total += unit
    flat = to_bytes((unit + total) / (len(factors) + 1))
    out = np.empty_like(image)
    _average(image, boxes, scales, unit, flat, out)
    return out


@compiled
def _average(image: Any, boxes: Any, scales: Any, unit: Any, flat: Any, out: Any) -> None:
    height, width, channels = image.shape
    zooms, stride = len(boxes), width * channels
    starts, shares = _columns(boxes, scales, width, channels)
    lines = np.empty(zooms * stride, np.float32)
    total = np.empty((width, channels), np.float32)
    for y in range(height):
        for k in range(zooms):
            _blend_rows(image, boxes[k], y * scales[k, 0], lines[k * stride : (k + 1) * stride])
        _sum_columns(image[y], lines, starts, shares, total)
        for x in range(width):
            for c in range(channels):
                mean, clean = total[x, c] / np.float32(zooms + 1), image[y, x, c]
                level = int(mean + np.float32(NEAR))
                if y == height - 1 or x == width - 1:  # may be black
                    level = _average_at(image, boxes, scales, unit, y, x, c)
                elif total[x, c] == np.float32(clean) * np.float32(zooms + 1):
                    level = flat[clean]
                elif mean - np.float32(level) < np.float32(NEAR):
                    level = _average_at(image, boxes, scales, unit, y, x, c)
                out[y, x, c] = level


@compiled
def _columns(boxes: Any, scales: Any, width: Any, channels: Any) -> Any:
    """Return the position of each column's left neighbour in each zoom, and the weight of the right neighbour."""
    starts = np.empty(width * len(boxes), np.uint32)
    shares = np.empty(width * len(boxes), np.float32)
    for x in range(width):
        for k in range(len(boxes)):
            position = x * scales[k, 1]
            left = min(int(position), boxes[k, 3] - 2)
            starts[x * len(boxes) + k] = (k * width + left) * channels
            shares[x * len(boxes) + k] = position - left
    return starts, shares


@compiled
def _sum_columns(clean: Any, lines: Any, starts: Any, shares: Any, total: Any) -> None:
    zooms = np.uint64(len(starts) // len(clean))
    one, two, three, four, five = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4), np.uint64(5)
    entry = np.uint64(0)
    for x in range(len(clean)):
        red, green, blue = np.float32(clean[x, 0]), np.float32(clean[x, 1]), np.float32(clean[x, 2])
        for _ in range(zooms):
            i, share = np.uint64(starts[entry]), shares[entry]
            red += lines[i] + share * (lines[i + three] - lines[i])
            green += lines[i + one] + share * (lines[i + four] - lines[i + one])
            blue += lines[i + two] + share * (lines[i + five] - lines[i + two])
            entry += one
        total[x, 0], total[x, 1], total[x, 2] = red, green, blue


@compiled
def _blend_rows(image: Any, box: Any, position: Any, line: Any) -> None:
    row = min(int(position), box[2] - 2)
    share = np.float32(position - row)
    channels = image.shape[2]
    start, size = box[1] * channels, box[3] * channels
    above, below = image[box[0] + row].reshape(-1)[start:], image[box[0] + row + 1].reshape(-1)[start:]
    for i in range(size):
        line[i] = np.float32(above[i]) + share * (np.float32(below[i]) - np.float32(above[i]))


@compiled
def _average_at(image: Any, boxes: Any, scales: Any, unit: Any, y: Any, x: Any, c: Any) -> Any:
    """Compute one value in imagecorruptions' arithmetic: each zoom in double precision, their sum in single."""
    total = np.float32(0)
    for k in range(len(boxes)):
        top, left, height, width = boxes[k]
        row, column = y * scales[k, 0], x * scales[k, 1]
        if row > height - 1 or column > width - 1:
            continue  # black
        y0, x0 = int(row), int(column)
        y1, x1 = top + min(y0 + 1, height - 1), left + min(x0 + 1, width - 1)
        above, before = 1 - (row - y0), 1 - (column - x0)
        y0, x0 = top + y0, left + x0
        total += np.float32(
            unit[image[y0, x0, c]] * above * before
            + unit[image[y0, x1, c]] * above * (1 - before)
            + unit[image[y1, x0, c]] * (1 - above) * before
            + unit[image[y1, x1, c]] * (1 - above) * (1 - before)
        )
    mean = (unit[image[y, x, c]] + total) / np.float32(len(boxes) + 1)
    return min(mean, np.float32(1)) * np.float32(255)
