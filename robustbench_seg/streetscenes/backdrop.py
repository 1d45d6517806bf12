"""Paint the backdrop, before any object: sky and skyline."""

import cv2
import numpy as np
from numpy.random import Generator

from robustbench_seg.streetscenes import textures
from robustbench_seg.streetscenes.canvas import Canvas
from robustbench_seg.streetscenes.palette import FACADES, LEAVES, pick, vary
from robustbench_seg.streetscenes.plants import GRID, foliage
from robustbench_seg.streetscenes.scene import TrainId

SOFT = 3  # the sky is computed at this fraction of the size: clouds are soft


def sky(canvas: Canvas, rng: Generator) -> None:
    """Paint a gradient from zenith to haze, with clouds that shrink towards the horizon."""
    pixels, light, camera = canvas.pixels, canvas.light, canvas.camera
    width = pixels.shape[1]
    rows = int(np.clip(np.ceil(camera.horizon_px) + 1, 1, pixels.shape[0]))
    small = -(-rows // SOFT), -(-width // SOFT)
    row = ((np.arange(small[0]) + 0.5) * rows / small[0] / (camera.horizon_px + 0.5)).clip(0, 1)
    column = ((np.arange(small[1]) + 0.5) / small[1] - 0.5) * width / (2 * camera.unit_px)
    far, shift, stretch = 1.0 / (1.12 - row), rng.uniform(0, textures.SIZE, 2), rng.uniform(160, 330)
    map_x = (column * far[:, None] * stretch + shift[0]).astype(np.float32)
    map_y = np.repeat((far * 90 + shift[1])[:, None], small[1], 1).astype(np.float32)
    tile = textures.noise(31, 4, 0.55)
    cover = cv2.remap(tile, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP).astype(np.float32)
    height = (1 - row[:, None]) ** 0.8
    amount = 0.9 * np.clip((cover - 190 + 150 * light.clouds) / 60, 0, 1) * np.minimum(1.0, height * 4 + 0.2)
    soft = np.empty((*small, 4), np.uint8)
    for channel in range(3):
        zenith, haze = light.zenith[channel], light.haze[channel]
        clear = haze + (zenith - haze) * height
        cloud = light.cloud[channel] * (0.82 + 0.18 / 255 * cover)
        soft[..., channel] = np.clip(clear + (cloud - clear) * amount, 0, 255)
    soft[..., 3] = int(TrainId.SKY)
    pixels[..., 3] = int(TrainId.SKY)
    cv2.resize(soft, (width, rows), dst=pixels[:rows], interpolation=cv2.INTER_LINEAR)


def skyline(canvas: Canvas, rng: Generator) -> None:
    """Paint far houses and trees that close the street at the horizon."""
    x, end = -230.0, 230.0
    while x < end:
        z, wide = rng.uniform(190, 260), rng.uniform(16, 44)
        tree, tall = rng.random() < 0.45, rng.uniform(6, 26)
        colour = vary(rng, pick(rng, LEAVES if tree else FACADES))
        if tree:
            u = np.linspace(-1, 1, GRID, dtype=np.float32)
            field = 0.8 - np.abs(u[None, :]) ** 3 - np.linspace(1.2, 0, GRID)[:, None] ** 3
            corners = np.array([(x - 3, -0.5, z), (x + wide + 3, min(tall, 15.0), z)])
            foliage(canvas, corners, field.astype(np.float32), colour, rng, 2.0)
        else:
            face = np.array([(x, 0, z), (x + wide, 0, z), (x + wide, tall, z), (x, tall, z)])
            canvas.fill(face, colour, TrainId.BUILDING)
        x += wide * rng.uniform(0.5, 1.0)
