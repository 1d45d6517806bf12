"""Digital: contrast, elastic distortion, pixelation, JPEG compression, saturation.

Source of the severity tables: imagecorruptions 1.1.2 (Michaelis et al. 2019, after Hendrycks & Dietterich
2019).
"""

import io
from typing import Any

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from .colour import UNIT, adjust_hsv
from .compiled import compiled
from .displacement import displace
from .gaussian import gaussian
from .lines import copy
from .pixels import Image, to_bytes
from .seeds import Draws

__all__ = ["contrast", "elastic_transform", "jpeg_compression", "pixelate", "saturate"]

# By severity, 1 to 5.
CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)  # factor on the distance to the mean
ELASTIC_ALPHA = (250 * 0.05, 250 * 0.065, 250 * 0.085, 250 * 0.1, 250 * 0.12)  # factor on the smoothed displacement
PIXELATE = (0.6, 0.5, 0.4, 0.3, 0.25)  # sides of the small image / sides of the large one
JPEG_QUALITY = (25, 18, 15, 10, 7)
SATURATE = ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2))  # factor of the saturation, offset

ELASTIC_SIGMA = 0.01  # of each side
ELASTIC_REACH = 0.005  # of the height


def contrast(image: Image, severity: int, rng: Draws) -> Image:
    """Move every value towards its channel's mean."""
    means = _channel_sums(image, UNIT) / (image.shape[0] * image.shape[1])
    table = to_bytes((UNIT[:, np.newaxis] - means) * CONTRAST[severity - 1] + means)  # (256, 3)
    out = np.empty_like(image)
    _map(image, table, out)
    return out


@compiled
def _channel_sums(image: Any, unit: Any) -> Any:
    """Add up each channel pixel by pixel, in NumPy's order: the last bit decides the values of a flat image."""
    red = green = blue = 0.0
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            red += unit[image[y, x, 0]]
            green += unit[image[y, x, 1]]
            blue += unit[image[y, x, 2]]
    return np.array([red, green, blue])


@compiled
def _map(image: Any, table: Any, out: Any) -> None:
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            for c in range(3):
                out[y, x, c] = table[image[y, x, c], c]


def elastic_transform(image: Image, severity: int, rng: Draws) -> Image:
    """Move every pixel by a smooth random displacement.

    Quirk: the range of both displacements is a share of the height, even for the horizontal one; only the
    smoothing depends on the width.
    """
    height, width, _ = image.shape
    reach_px = height * ELASTIC_REACH
    sigmas = (height * ELASTIC_SIGMA, width * ELASTIC_SIGMA)

    def displacement() -> Any:
        raw = rng.uniform(-reach_px, reach_px, size=(height, width, 1))
        smooth = gaussian(raw, sigmas, truncate=3, border="reflect")[..., 0]
        smooth *= ELASTIC_ALPHA[severity - 1]
        return smooth.astype(np.float32, copy=False)

    dx, dy = displacement(), displacement()
    return displace(image, dy, dx)


def pixelate(image: Image, severity: int, rng: Draws) -> Image:
    """Shrink by averaging and enlarge by repeating."""
    height, width, _ = image.shape
    share = PIXELATE[severity - 1]
    small = PIL.Image.fromarray(image).resize((int(width * share), int(height * share)), PIL.Image.Resampling.BOX)
    out = np.empty_like(image)
    lines = np.asarray(small).reshape(small.height, -1)
    _repeat(lines, _nearest(small.height, height), _nearest(small.width, width), out.reshape(height, -1))
    return out


def _nearest(small_size: int, size: int) -> NDArray[np.int32]:
    """Return the index among `small_size` that each of `size` entries repeats, by Pillow's rule and rounding."""
    places = PIL.Image.fromarray(np.arange(small_size, dtype=np.int32)[np.newaxis])
    repeated: NDArray[np.int32] = np.asarray(places.resize((size, 1), PIL.Image.Resampling.NEAREST))[0]
    return repeated


@compiled
def _repeat(small: Any, rows: Any, columns: Any, out: Any) -> None:
    """Fill the lines (H, W * 3) from the lines of the small image."""
    for y in range(len(rows)):
        if y > 0 and rows[y] == rows[y - 1]:
            copy(out[y - 1], out[y])
            continue
        for x in range(len(columns)):
            start = np.uint64(3 * columns[x])  # unsigned: Numba omits its check for negative indices
            for c in range(3):
                out[y, 3 * x + c] = small[rows[y], start + np.uint64(c)]


def jpeg_compression(image: Image, severity: int, rng: Draws) -> Image:
    """Encode as JPEG and decode, with Pillow's defaults (4:2:0 chroma).

    OpenCV decodes directly into the result. Both use libjpeg-turbo, so the bytes are the same.
    """
    height, width, _ = image.shape
    padded = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)  # Pillow's internal layout of RGB, read without a copy
    encoded = io.BytesIO()
    PIL.Image.frombuffer("RGBX", (width, height), padded, "raw", "RGBX", 0, 1).save(
        encoded, "JPEG", quality=JPEG_QUALITY[severity - 1]
    )
    return np.asarray(cv2.imdecode(np.frombuffer(encoded.getbuffer(), np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)


def saturate(image: Image, severity: int, rng: Draws) -> Image:
    """Scale the saturation of HSV: down at severities 1 and 2, up from 3."""
    return adjust_hsv(image, saturation=SATURATE[severity - 1])
