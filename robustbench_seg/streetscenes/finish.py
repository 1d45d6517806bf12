"""Effects of the camera, applied last: the own bonnet in view, colour cast, vignette, slight blur, sensor noise."""

from functools import cache

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from robustbench_seg.streetscenes.canvas import Canvas, Pixels
from robustbench_seg.streetscenes.palette import PAINTS, pick, shade
from robustbench_seg.streetscenes.scene import TrainId


def bonnet(canvas: Canvas, height: float, rng: Generator) -> None:
    """The own car's bonnet at the lower edge; `height` is its share of the image."""
    if height <= 0:
        return
    rows, columns = canvas.pixels.shape[:2]
    colour = shade(pick(rng, PAINTS), 0.8)
    t = np.linspace(0, 1, 24)
    for inset, tone in ((0.0, 0.6), (0.12, 0.85), (0.45, 1.0)):
        arch = 1 - height * (1 - inset) * (1 - np.abs(2 * t - 1) ** 3.0) ** 0.5
        outline = np.stack([t * columns, arch * rows], -1)
        canvas.fill_flat(
            np.concatenate([outline, [(columns, rows + 2), (0, rows + 2)]]), shade(colour, tone), TrainId.VOID
        )


@cache
def _quantiles() -> NDArray[np.float32]:
    """Standard normal quantiles at 256 equal steps of probability; they turn random bytes into Gaussian noise."""
    bins = np.linspace(-4, 4, 4001)
    share = np.cumsum(np.exp(-(bins**2) / 2))
    return np.interp((np.arange(256) + 0.5) / 256, share / share[-1], bins).astype(np.float32)


def sensor(pixels: Pixels, rng: Generator) -> Pixels:
    """Lens and sensor applied to RGB (H, W, 3) uint8."""
    sigma, gamma = rng.uniform(0.45, 0.75), rng.uniform(0.85, 1.12)
    gains = rng.uniform(0.95, 1.05, 3) * rng.uniform(0.92, 1.08)
    edge, grain = rng.uniform(0.12, 0.3), rng.uniform(1.5, 4.5)
    rows, columns = pixels.shape[:2]
    soft = cv2.GaussianBlur(pixels, (3, 3), sigma)
    levels = np.arange(256) / 255
    tables = np.stack([np.clip(255 * gain * levels**gamma, 0, 255) for gain in gains], -1)
    soft = cv2.LUT(soft, np.rint(tables).astype(np.uint8)[None])
    cv2.multiply(soft, _vignette(rows, columns, edge), dst=soft, scale=1 / 256)
    table = np.clip(np.rint(128 + grain * _quantiles()), 0, 255).astype(np.uint8)
    words = rng.integers(0, 2**64, -(-pixels.size // 8), np.uint64).astype("<u8", copy=False)
    noise = cv2.LUT(words.view(np.uint8)[: pixels.size].reshape(pixels.shape), table)
    return cv2.addWeighted(soft, 1.0, noise, 1.0, -128.0).astype(np.uint8, copy=False)


def _vignette(rows: int, columns: int, edge: float) -> Pixels:
    """Brightness (rows, columns, 3), uint8 in units of 1 / 256: 1 in the middle, 1 - edge in the corners."""
    row, column = (np.linspace(-1, 1, -(-size // 4)) ** 2 for size in (rows, columns))
    small = np.rint(255 * (1 - edge * (row[:, None] + column[None, :]) / 2)).astype(np.uint8)
    whole = cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return cv2.merge([whole, whole, whole]).astype(np.uint8, copy=False)
