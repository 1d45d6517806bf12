"""The overlays of weather, compiled: snow, ice, fog, mud and water over the clean bytes.

Values are truncated to uint8 (see `pixels`), so each function keeps imagecorruptions' order of operations and the
precision of each operand, including its mixture of float32 and float64. Arrays are (H, W, 3) and (H, W); `out` is
uint8; *lines* are the rows of an image as (H, W * 3). `unit` holds the 256 bytes on the unit interval.
"""

from typing import Any

import numpy as np

from .compiled import compiled

__all__ = ["add_fog", "add_ice", "add_mud", "add_snow", "add_water", "keep_flakes"]

MUD_EDGE = np.float32(0.8)  # thinner mud doesn't stick


@compiled
def keep_flakes(values: Any, threshold: Any) -> None:
    """Set values (n,) below the threshold to 0, and values above 1 to 1."""
    for i in range(len(values)):
        values[i] = min(values[i], values.dtype.type(1)) if values[i] >= threshold else 0


@compiled
def add_snow(clean: Any, grey: Any, weights: Any, flakes: Any, second: Any, unit: Any, out: Any) -> None:
    """Whiten `clean` depending on its `grey` (both float32), and add two layers of flakes (uint8)."""
    image_weight, white_weight = weights
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            white = grey[y, x] * np.float32(1.5) + np.float32(0.5)
            once, again = unit[flakes[y, x]], unit[second[y, x]]
            for c in range(3):
                value = clean[y, x, c]
                whitened = image_weight * value + white_weight * max(value, white)
                out[y, x, c] = np.uint8(min(whitened + once + again, 1.0) * 255)


@compiled
def add_ice(image: Any, image_weight: Any, ice: Any, ice_weight: Any, out: Any) -> None:
    """Add the weighted lines of two images."""
    for y in range(len(out)):
        mine, theirs, result = image[y], ice[y], out[y]
        for i in range(len(result)):
            result[i] = np.uint8(min(image_weight * mine[i] + ice_weight * theirs[i], 255.0))


@compiled
def add_fog(image: Any, cloud: Any, unit: Any, scales: Any, out: Any) -> None:
    """Add the cloud's heights to lines, in the cloud's precision, and rescale to the brightest value."""
    lowest, span, thickness, brightest, total = scales
    row = np.empty(out.shape[1], cloud.dtype)
    for y in range(len(out)):
        for x in range(len(row) // 3):
            mist = thickness * ((cloud[y, x] - lowest) / span)
            for c in range(3):
                row[3 * x + c] = unit[image[y, 3 * x + c]] + mist
        foggy = out[y]
        for i in range(len(row)):
            foggy[i] = np.uint8(min(row[i] * brightest / total, 1) * 255)


@compiled
def add_mud(image: Any, cover: Any, unit: Any, colour: Any, out: Any) -> None:
    """Cover the image with mud where `cover`, float32 in [0, 1], is thick enough."""
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            mud = cover[y, x] if cover[y, x] >= MUD_EDGE else np.float32(0)
            for c in range(3):
                value = unit[image[y, x, c]] * (np.float32(1) - mud) + colour[c] * mud
                out[y, x, c] = np.uint8(min(value, 1.0) * 255)


@compiled
def add_water(image: Any, water: Any, most: Any, strength: Any, unit: Any, colour: Any, out: Any) -> None:
    """Brighten the image by water of a colour, in float32. most: the largest value of `water`."""
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            wet = water[y, x] / most * strength
            for c in range(3):
                value = unit[image[y, x, c]] + wet * colour[c]
                out[y, x, c] = np.uint8(min(value, np.float32(1)) * np.float32(255))
