"""The motion blur of floats and of bytes: an average along a trail.

A ring buffer holds the lines that the output row needs, so the whole image is never copied.

H, W, C: height, width, channels.
"""

import math
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .lines import add_lines, by_fours, indices, load, pad, store
from .pixels import Image

__all__ = ["motion", "motion_of_bytes"]

FloatT = TypeVar("FloatT", np.float32, np.float64)


def motion(values: NDArray[FloatT], radius: int, sigma_px: float, angle_deg: float) -> NDArray[FloatT]:
    """Average (H, W, C) along a one-sided trail of up to 2 * radius + 1 px, with half-Gaussian weights.

    The result has the input's precision. Quirk: the trail ends where its shift reaches the image's size, and
    the weights then sum to less than 1.
    """
    weights, shifts = _trail(values.shape, radius, sigma_px, angle_deg)
    return np.asarray(_run(values, None, weights, shifts), values.dtype)


def motion_of_bytes(image: Image, radius: int, sigma_px: float, angle_deg: float) -> Image:
    """Average uint8 (H, W, C) along the same trail, and truncate as imagecorruptions does."""
    weights, shifts = _trail(image.shape, radius, sigma_px, angle_deg)
    return np.asarray(_run(image, np.arange(256.0), weights, shifts), np.uint8)


def _trail(
    shape: tuple[int, ...], radius: int, sigma_px: float, angle_deg: float
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the weights and the shifts (vertical, horizontal) of the trail."""
    height, width = shape[:2]
    length = 2 * radius + 1
    weights = np.exp(-(np.arange(length) ** 2) / (2 * (sigma_px**2))) / (np.sqrt(2 * np.pi) * sigma_px)
    weights /= np.sum(weights)
    down, across = length * np.sin(np.deg2rad(angle_deg)), length * np.cos(np.deg2rad(angle_deg))
    hypotenuse = math.hypot(down, across)
    shifts: list[tuple[int, int]] = []
    for i in range(length):
        dy = -math.ceil(i * down / hypotenuse - 0.5)
        dx = -math.ceil(i * across / hypotenuse - 0.5)
        if abs(dy) >= height or abs(dx) >= width:
            break
        shifts.append((dy, dx))
    return weights[: len(shifts)], np.array(shifts, np.intp)


def _run(values: NDArray[Any], levels: Any, weights: NDArray[np.float64], shifts: NDArray[np.intp]) -> Any:
    height, width, channels = values.shape
    precision = values.dtype if levels is None else levels.dtype
    dy, dx = shifts.T
    before, after = max(dx.max(), 0), max(-dx.min(), 0)
    columns = indices(width, before, after, "nearest")
    down, across = by_fours(-dy, fill="last"), by_fours(before - dx, fill="last")
    rows = np.clip(np.arange(height)[:, np.newaxis] + down, 0, height - 1)  # (height, taps)
    span, stride = int(down.max() - down.min()) + 1, len(columns) * channels
    starts = rows % span * stride + across * channels
    trail = by_fours(weights.astype(precision), fill="zero"), starts, rows.max(axis=1), span
    lines = values.reshape(height, width * channels)
    lines.setflags(write=False)  # of the view: Numba would compile the kernel for both kinds of array
    out = np.empty((height, width * channels), values.dtype)
    _smear(lines, levels, trail, columns, before, channels, out)
    return out.reshape(values.shape)


@compiled
def _smear(lines: Any, levels: Any, trail: Any, columns: Any, before: Any, channels: Any, out: Any) -> None:
    """Sum weights[k] times what starts at starts[y, k] in a ring of `span` padded lines.

    newest: for each row of the result, the last row that it needs.
    """
    weights, starts, newest, span = trail
    height, width = lines.shape
    stride = len(columns) * channels
    ring = np.empty(span * stride, weights.dtype)
    total = np.empty(width, weights.dtype)
    loaded = 0
    for y in range(height):
        while loaded <= newest[y]:
            line = ring[loaded % span * stride :][:stride]
            load(lines[loaded], levels, line[before * channels :][:width])
            pad(line, columns, before, width // channels, channels)
            loaded += 1
        total[:] = 0
        add_lines(total, ring, starts[y], weights)
        store(total, levels, out[y])
