"""Change saturation and value in HSV, compiled; equal to a round trip through scikit-image's rgb2hsv and hsv2rgb.

This is the hexcone model of Smith (1978), in scikit-image's order of operations and in double precision. Values
are truncated to uint8 afterwards, so the last bit of an unchanged grey matters (see `pixels`). Each case is a
selection, never a branch, and each row is first split into its three channels, so the compiler can process
several pixels at a time.
"""

from typing import Any

import numpy as np

from .compiled import compiled
from .pixels import Image

__all__ = ["UNIT", "adjust_hsv"]

UNIT = np.arange(256) / 255.0  # each byte on the unit interval


def adjust_hsv(image: Image, *, saturation: tuple[float, float] = (1.0, 0.0), value: float = 0.0) -> Image:
    """Scale and shift the saturation, and shift the value; both are clipped to [0, 1]. The hue does not change.

    `saturation` is (factor, offset); `value` is an offset. Units: 0 to 1 is the full range.
    """
    out = np.empty_like(image)
    _adjust(image, UNIT, float(saturation[0]), float(saturation[1]), float(value), out)
    return out


@compiled
def _adjust(image: Any, unit: Any, saturation_factor: Any, saturation_offset: Any, value_offset: Any, out: Any) -> None:
    height, width, _ = image.shape
    red, green, blue = np.empty(width), np.empty(width), np.empty(width)
    for y in range(height):
        for x in range(width):
            red[x], green[x], blue[x] = unit[image[y, x, 0]], unit[image[y, x, 1]], unit[image[y, x, 2]]
        for x in range(width):
            h, s, v = _rgb_to_hsv(red[x], green[x], blue[x])
            s = min(max(s * saturation_factor + saturation_offset, 0.0), 1.0)
            v = min(max(v + value_offset, 0.0), 1.0)
            red[x], green[x], blue[x] = _hsv_to_rgb(h, s, v)
        for x in range(width):
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = (
                np.uint8(red[x] * 255),
                np.uint8(green[x] * 255),
                np.uint8(blue[x] * 255),
            )


@compiled
def _rgb_to_hsv(r: Any, g: Any, b: Any) -> Any:
    v = max(r, g, b)
    delta = v - min(r, g, b)
    divisor = delta if delta > 0 else 1.0
    # Among equal maxima the last one decides. For a grey all differences are 0, so the hue is 0.
    sixths = 4.0 + (r - g) / divisor if b == v else 2.0 + (b - r) / divisor if g == v else (g - b) / divisor
    h = sixths / 6.0 if delta > 0 else 0.0
    h = h + 1.0 if h < 0 else h
    s = delta / (v if v > 0 else 1.0)
    return h, s, v


@compiled
def _hsv_to_rgb(h: Any, s: Any, v: Any) -> Any:
    sector = np.floor(h * 6)
    f = h * 6 - sector
    sector = 0.0 if sector == 6 else sector
    p, q, t = v * (1 - s), v * (1 - f * s), v * (1 - (1 - f) * s)
    r = v if (sector == 0) | (sector == 5) else q if sector == 1 else t if sector == 4 else p
    g = v if (sector == 1) | (sector == 2) else t if sector == 0 else q if sector == 3 else p
    b = v if (sector == 3) | (sector == 4) else t if sector == 2 else q if sector == 5 else p
    return r, g, b
