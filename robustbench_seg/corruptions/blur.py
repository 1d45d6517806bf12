"""Blur: defocus, frosted glass, motion, zoom, Gaussian.

Source of the severity tables: imagecorruptions 1.1.2 (Michaelis et al. 2019, after Hendrycks & Dietterich
2019).
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .disk import disk_average
from .gaussian import gaussian_of_bytes
from .motion import motion_of_bytes
from .pixels import Image
from .seeds import Draws
from .zoom import zoom_average

__all__ = ["defocus_blur", "gaussian_blur", "glass_blur", "motion_blur", "zoom_blur"]

# By severity, 1 to 5.
DEFOCUS = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))  # radius px of the disk, sigma px of its edge
GLASS = ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))  # sigma px, reach px, passes
MOTION = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))  # radius px, sigma px
ZOOM = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))  # end and step of the factors
GAUSSIAN_SIGMA_PX = (1, 2, 3, 4, 6)

MOTION_ANGLE_DEG = (-45, 45)


def defocus_blur(image: Image, severity: int, rng: Draws) -> Image:
    """Average over a disk, as an unfocused lens does."""
    radius, edge_sigma_px = DEFOCUS[severity - 1]
    return disk_average(image, _disk(radius, edge_sigma_px))


def _disk(radius: int, edge_sigma_px: float) -> NDArray[np.float32]:
    # Quirk: a disk with a radius of up to 8 px has a kernel of 17 x 17. A larger disk touches the edge of its
    # kernel, and the smoothing mirrors it there.
    reach, smoothing_px = (8, 3) if radius <= 8 else (radius, 5)
    x, y = np.meshgrid(*[np.arange(-reach, reach + 1)] * 2)
    disk = np.array(x**2 + y**2 <= radius**2, dtype=np.float32)
    disk /= np.sum(disk)
    return np.asarray(cv2.GaussianBlur(disk, (smoothing_px, smoothing_px), sigmaX=edge_sigma_px), np.float32)


def glass_blur(image: Image, severity: int, rng: Draws) -> Image:
    """Blur, move pixels randomly by a few pixels, blur again: frosted glass."""
    sigma_px, reach_px, passes = GLASS[severity - 1]
    height, width, _ = image.shape
    scattered = gaussian_of_bytes(image, sigma_px)
    for _ in range(passes):
        size = (height - 2 * reach_px, width - 2 * reach_px, 2)
        _scatter(scattered, reach_px, np.asarray(rng.randint(-reach_px, reach_px, size=size), np.int8))
    return gaussian_of_bytes(scattered, sigma_px)


@compiled
def _scatter(image: Any, reach: Any, offsets: Any) -> None:
    """Copy to each pixel, from the last to the first, the pixel at its offset (dx, dy)."""
    height, width, channels = image.shape
    for row in range(offsets.shape[0]):
        y = height - reach - row
        for column in range(offsets.shape[1]):
            x = width - reach - column
            dx, dy = offsets[row, column]
            # Quirk: imagecorruptions writes a swap, a, b = b, a. But a and b are views of the same array, so
            # the second assignment reads what the first has written: one pixel is copied, the other is unchanged.
            for c in range(channels):
                image[y, x, c] = image[y + dy, x + dx, c]


def motion_blur(image: Image, severity: int, rng: Draws) -> Image:
    """Blur along a direction that is drawn once per image."""
    radius, sigma_px = MOTION[severity - 1]
    angle_deg = rng.uniform(*MOTION_ANGLE_DEG)
    return motion_of_bytes(image, radius, sigma_px, angle_deg)


def zoom_blur(image: Image, severity: int, rng: Draws) -> Image:
    """Average over zooms into the middle, like a camera that moves forward."""
    return zoom_average(image, np.arange(1, *ZOOM[severity - 1]))


def gaussian_blur(image: Image, severity: int, rng: Draws) -> Image:
    """Average with Gaussian weights."""
    return gaussian_of_bytes(image, GAUSSIAN_SIGMA_PX[severity - 1])
