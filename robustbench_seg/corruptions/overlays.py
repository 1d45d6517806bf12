"""What weather adds to an image, compiled: snow, ice, fog, mud and water over the clean bytes.

Values are truncated to uint8 (see `pixels`), so each keeps imagecorruptions' order of operations and the precision
of each operand: float32 and float64 meet here as they do there. Arrays are (H, W, 3) and (H, W), `out` is uint8;
*lines* are the rows of an image as (H, W * 3). `unit` holds the 256 bytes on the unit interval.
"""

from typing import Any

import numba
import numpy as np

__all__ = ["add_fog", "add_ice", "add_mud", "add_snow", "add_water", "keep_flakes"]

MUD_EDGE = np.float32(0.8)  # thinner mud doesn't stick


@numba.njit(cache=True, nogil=True)
def keep_flakes(values: Any, threshold: Any) -> None:
    """Set what lies below the threshold to 0 and above 1 to 1; values: (n,)."""
    for i in range(len(values)):
        values[i] = min(values[i], values.dtype.type(1)) if values[i] >= threshold else 0


@numba.njit(cache=True, nogil=True)
def add_snow(clean: Any, grey: Any, weights: Any, flakes: Any, turned: Any, unit: Any, out: Any) -> None:
    """Whiten `clean`, float32, by its `grey`, and add the flakes of two layers, uint8."""
    image_weight, white_weight = weights
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            white = grey[y, x] * np.float32(1.5) + np.float32(0.5)
            once, again = unit[flakes[y, x]], unit[turned[y, x]]
            for c in range(3):
                value = clean[y, x, c]
                whitened = image_weight * value + white_weight * max(value, white)
                out[y, x, c] = np.uint8(min(whitened + once + again, 1.0) * 255)


@numba.njit(cache=True, nogil=True)
def add_ice(image: Any, image_weight: Any, ice: Any, ice_weight: Any, out: Any) -> None:
    """Add up the weighted lines of two images."""
    for y in range(len(out)):
        mine, theirs, mixed = image[y], ice[y], out[y]
        for i in range(len(mixed)):
            mixed[i] = np.uint8(min(image_weight * mine[i] + ice_weight * theirs[i], 255.0))


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
def add_mud(image: Any, cover: Any, unit: Any, colour: Any, out: Any) -> None:
    """Hide the image under mud, where the cover, float32 in [0, 1], is thick enough."""
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            mud = cover[y, x] if cover[y, x] >= MUD_EDGE else np.float32(0)
            for c in range(3):
                value = unit[image[y, x, c]] * (np.float32(1) - mud) + colour[c] * mud
                out[y, x, c] = np.uint8(min(value, 1.0) * 255)


@numba.njit(cache=True, nogil=True)
def add_water(image: Any, water: Any, most: Any, strength: Any, unit: Any, colour: Any, out: Any) -> None:
    """Brighten the image by water of a colour; `most`: the largest value of `water`. All in float32."""
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            wet = water[y, x] / most * strength
            for c in range(3):
                value = unit[image[y, x, c]] + wet * colour[c]
                out[y, x, c] = np.uint8(min(value, np.float32(1)) * np.float32(255))
