"""Small grey textures around 128, cached and read-only: noise of several octaves, brick, stone, planks, plates.

Each tile repeats without a seam. The textures are constants of the renderer (fixed seeds), the same in all scenes.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Tile = NDArray[np.uint8]

SIZE = 256
METRES = {"plaster": 8.0, "brick": 4.0, "stone": 4.0, "planks": 4.0, "plates": 8.0}


@cache
def noise(seed: int, coarsest: int = 8, persistence: float = 0.65) -> Tile:
    """Periodic fractal noise, uint8 (256, 256), mean 128."""
    rng = np.random.default_rng(seed)
    total = np.zeros((SIZE, SIZE), np.float32)
    weight, cells = 1.0, coarsest
    while cells <= SIZE:
        coarse = rng.standard_normal((cells, cells)).astype(np.float32)
        padding = np.pad(coarse, 2, mode="wrap")
        step = SIZE // cells
        fine = cv2.resize(padding, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        total += weight * fine[2 * step : 2 * step + SIZE, 2 * step : 2 * step + SIZE]
        weight, cells = weight * persistence, cells * 2
    total -= total.mean()
    return _freeze(128 + 42 * total / total.std())


@cache
def material(name: str, level: int = 0) -> Tile:
    """A facade material, halved in size `level` times to avoid aliasing on far faces."""
    if level:
        return _freeze(cv2.resize(material(name, level - 1), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    grain = noise(11).astype(np.float32) - 128
    if name == "plaster":
        return _freeze(128 + 0.14 * grain)
    if name == "brick":
        return _freeze(128 + 0.12 * grain + _courses(rows=32, columns=12, joint=2, spread=14, seed=1))
    if name == "stone":
        return _freeze(128 + 0.2 * grain + _courses(rows=8, columns=5, joint=3, spread=16, seed=2))
    if name == "planks":
        return _freeze(128 + 0.1 * grain + _courses(rows=1, columns=20, joint=3, spread=13, seed=3))
    return _freeze(128 + 0.1 * grain + _courses(rows=4, columns=2, joint=2, spread=4, seed=4))


def _courses(*, rows: int, columns: int, joint: int, spread: float, seed: int) -> NDArray[np.float32]:
    """Rows of blocks, every second row shifted by half a block, with dark joints."""
    rng = np.random.default_rng(seed)
    tones = rng.normal(0.0, spread, (rows, columns)).astype(np.float32)
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    row = y * rows // SIZE
    block = SIZE / columns
    along = x + (row % 2) * block / 2
    tile = tones[row, (along // block).astype(int) % columns]
    dark = (along % block < joint) | ((y * rows % SIZE < joint * rows) & (rows > 1))
    return np.where(dark, np.float32(-30), tile)


def _freeze(values: ArrayLike) -> Tile:
    tile = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    tile.setflags(write=False)
    return tile
