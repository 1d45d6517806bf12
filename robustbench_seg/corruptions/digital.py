"""Digital: contrast, elastic distortion, pixelation, JPEG compression, saturation.

Source of the severity tables: imagecorruptions 1.1.2 (Michaelis et al. 2019, after Hendrycks & Dietterich
2019).
"""

import io
from typing import Any

import cv2
import numba
import numpy as np
import PIL.Image

from .colour import adjust_hsv
from .filters import gaussian
from .pixels import Image, to_bytes

__all__ = ["contrast", "elastic_transform", "jpeg_compression", "pixelate", "saturate"]

# By severity, 1 to 5.
CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)  # what is left of the distance to the mean
ELASTIC_ALPHA = (250 * 0.05, 250 * 0.065, 250 * 0.085, 250 * 0.1, 250 * 0.12)  # of the smoothed displacement
PIXELATE = (0.6, 0.5, 0.4, 0.3, 0.25)  # sides of the small image, of the large one's
JPEG_QUALITY = (25, 18, 15, 10, 7)
SATURATE = ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2))  # factor of the saturation, offset

ELASTIC_SIGMA = 0.01  # of each side
ELASTIC_REACH = 0.005  # of the height


def contrast(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Pull every value towards its channel's mean."""
    means = np.mean(image / 255.0, axis=(0, 1))
    levels = np.arange(256)[:, np.newaxis] / 255.0
    table = to_bytes((levels - means) * CONTRAST[severity - 1] + means)  # (256, 3)
    return np.asarray(cv2.LUT(image, table[np.newaxis]), np.uint8)


def elastic_transform(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Move every pixel by a smooth random displacement.

    Quirk: both displacements are drawn over a share of the height, the horizontal one too; only the smoothing
    knows the width.
    """
    height, width, _ = image.shape
    reach_px = height * ELASTIC_REACH
    sigmas = (height * ELASTIC_SIGMA, width * ELASTIC_SIGMA)

    def displacement() -> Any:
        raw = rng.uniform(-reach_px, reach_px, size=(height, width, 1))
        smooth = gaussian(raw, sigmas, truncate=3, border="reflect")[..., 0]
        return (smooth * ELASTIC_ALPHA[severity - 1]).astype(np.float32)

    dx, dy = displacement(), displacement()
    return to_bytes(_displaced(image.astype(np.float32) / np.float32(255), dy, dx))


@numba.njit(cache=True, nogil=True)
def _mirrored(index: Any, length: Any) -> Any:
    index %= 2 * length  # never negative, as in Python
    return min(index, 2 * length - 1 - index)  # d c b a | a b c d | d c b a


@numba.njit(cache=True, nogil=True)
def _displaced(values: Any, dy: Any, dx: Any) -> Any:
    """(H, W, C) read bilinearly at (y + dy, x + dx), mirrored at its edges."""
    height, width, channels = values.shape
    out = np.empty_like(values)
    for row in range(height):
        for column in range(width):
            y, x = row + np.float64(dy[row, column]), column + np.float64(dx[row, column])
            top, left = int(np.floor(y)), int(np.floor(x))
            y0, y1 = _mirrored(top, height), _mirrored(top + 1, height)
            x0, x1 = _mirrored(left, width), _mirrored(left + 1, width)
            y_weight, x_weight = 1 - (y - top), 1 - (x - left)
            for c in range(channels):
                out[row, column, c] = (
                    values[y0, x0, c] * y_weight * x_weight
                    + values[y0, x1, c] * y_weight * (1 - x_weight)
                    + values[y1, x0, c] * (1 - y_weight) * x_weight
                    + values[y1, x1, c] * (1 - y_weight) * (1 - x_weight)
                )
    return out


def pixelate(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Shrink by averaging and enlarge by repeating."""
    height, width, _ = image.shape
    share = PIXELATE[severity - 1]
    small_size = int(width * share), int(height * share)
    small = PIL.Image.fromarray(image).resize(small_size, PIL.Image.Resampling.BOX)
    return np.array(small.resize((width, height), PIL.Image.Resampling.NEAREST))


def jpeg_compression(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Encode as JPEG and decode, with Pillow's defaults (4:2:0 chroma)."""
    encoded = io.BytesIO()
    PIL.Image.fromarray(image).save(encoded, "JPEG", quality=JPEG_QUALITY[severity - 1])
    with PIL.Image.open(encoded) as decoded:
        return np.array(decoded)


def saturate(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Scale the saturation of HSV: down at severities 1 and 2, up from 3."""
    return adjust_hsv(image, saturation=SATURATE[severity - 1])
