"""Saturation and value in HSV, compiled, equal to a round trip through scikit-image's rgb2hsv and hsv2rgb.

The hexcone model of Smith (1978), in scikit-image's order of operations and in double precision: values are
truncated to uint8 afterwards, so the last bit of an unchanged grey shows (see `pixels`).
"""

from typing import Any

import numba
import numpy as np

from .pixels import Image

__all__ = ["adjust_hsv"]


def adjust_hsv(image: Image, *, saturation: tuple[float, float] = (1.0, 0.0), value: float = 0.0) -> Image:
    """Scale and shift the saturation, shift the value, each clipped to [0, 1]; the hue stays.

    `saturation` is (factor, offset); `value` is an offset. Units: 0 to 1 is the full range.
    """
    adjusted: Image = _adjust(image, float(saturation[0]), float(saturation[1]), float(value))
    return adjusted


@numba.njit(cache=True, nogil=True)
def _adjust(image: Any, saturation_factor: Any, saturation_offset: Any, value_offset: Any) -> Any:
    out = np.empty_like(image)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            r, g, b = image[y, x, 0] / 255.0, image[y, x, 1] / 255.0, image[y, x, 2] / 255.0
            v = max(r, g, b)
            delta = v - min(r, g, b)
            h = s = 0.0
            if delta > 0:
                s = delta / v
                if b == v:  # of equal maxima the last one decides
                    h = 4.0 + (r - g) / delta
                elif g == v:
                    h = 2.0 + (b - r) / delta
                else:
                    h = (g - b) / delta
                h = (h / 6.0) % 1.0
            s = min(max(s * saturation_factor + saturation_offset, 0.0), 1.0)
            v = min(max(v + value_offset, 0.0), 1.0)
            sector = np.floor(h * 6)
            f = h * 6 - sector
            p, q, t = v * (1 - s), v * (1 - f * s), v * (1 - (1 - f) * s)
            sector %= 6
            if sector == 0:
                r, g, b = v, t, p
            elif sector == 1:
                r, g, b = q, v, p
            elif sector == 2:
                r, g, b = p, v, t
            elif sector == 3:
                r, g, b = p, q, v
            elif sector == 4:
                r, g, b = t, p, v
            else:
                r, g, b = v, p, q
            out[y, x, 0] = np.uint8(min(max(r, 0.0), 1.0) * 255)
            out[y, x, 1] = np.uint8(min(max(g, 0.0), 1.0) * 255)
            out[y, x, 2] = np.uint8(min(max(b, 0.0), 1.0) * 255)
    return out
