"""Weather: snow, frost, fog, brightness, and spatter of rain or mud on the lens.

Source of the severity tables: imagecorruptions 1.1.2 (Michaelis et al. 2019, after Hendrycks & Dietterich
2019).
"""

import functools
import importlib.util
import math
from pathlib import Path
from typing import Any

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from robustbench_seg.errors import MachineError

from .colour import adjust_hsv
from .filters import centre_zoom, gaussian, motion
from .pixels import Image, to_bytes

__all__ = ["brightness", "fog", "frost", "snow", "spatter"]

# By severity, 1 to 5.
SNOW = (  # mean and sigma of the noise, zoom, threshold, radius and sigma px of the motion, image weight
    (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
    (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
    (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
    (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
    (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
)
FROST = ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))  # weight of the image, of the frost
FOG = ((1.5, 2), (2.0, 2), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))  # thickness, decay of the wobble per octave
BRIGHTNESS = (0.1, 0.2, 0.3, 0.4, 0.5)  # added to the value
SPATTER = (  # mean and sigma of the noise, sigma px of its blur, threshold, water strength or mud sigma px
    (0.65, 0.3, 4, 0.69, 0.6),
    (0.65, 0.3, 3, 0.68, 0.6),
    (0.65, 0.3, 2, 0.68, 0.5),
    (0.65, 0.3, 1, 0.65, 1.5),
    (0.67, 0.4, 1, 0.65, 1.5),
)

SNOW_ANGLE_DEG = (-135, -45)
FROST_TEXTURES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")
WATER_RGB = (175 / 255.0, 238 / 255.0, 238 / 255.0)  # pale turquoise
MUD_RGB = (63 / 255.0, 42 / 255.0, 20 / 255.0)
MUD_FROM_SEVERITY = 4
SPATTER_KERNEL = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])


def snow(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Whiten the image and add streaks of flakes, once and again turned by half a circle."""
    mean, sigma, zoom, threshold, radius, sigma_px, image_weight = SNOW[severity - 1]
    height, width, _ = image.shape
    flakes = rng.normal(size=(height, width, 1), loc=mean, scale=sigma)
    flakes = centre_zoom(flakes, zoom)
    flakes[flakes < threshold] = 0
    np.clip(flakes, 0, 1, out=flakes)
    flakes = motion(flakes, int(radius), sigma_px, rng.uniform(*SNOW_ANGLE_DEG))[:height, :width]
    flakes = np.round(flakes * 255).astype(np.uint8) / 255.0

    clean = image.astype(np.float32) / 255.0
    grey = cv2.cvtColor(clean, cv2.COLOR_RGB2GRAY)[..., np.newaxis]
    whitened = image_weight * clean + (1 - image_weight) * np.maximum(clean, grey * 1.5 + 0.5)
    return to_bytes(whitened + flakes + np.rot90(flakes, k=2))


def frost(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Overlay a random part of a photograph of ice.

    Quirk: imagecorruptions ships six textures and draws from the first five. What is drawn next is the part's
    row, then its column, both with the last possible place left out.
    """
    image_weight, frost_weight = FROST[severity - 1]
    height, width, _ = image.shape
    texture = _frost_texture(FROST_TEXTURES[rng.randint(len(FROST_TEXTURES))])
    # A texture is enlarged only where it is too small for the image, but by a tenth in any case.
    scale = max(1, height / texture.shape[0], width / texture.shape[1]) * 1.1
    size = (math.ceil(texture.shape[1] * scale), math.ceil(texture.shape[0] * scale))
    texture = np.asarray(cv2.resize(texture, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    top = rng.randint(0, texture.shape[0] - height)
    left = rng.randint(0, texture.shape[1] - width)
    ice = texture[top : top + height, left : left + width, ::-1]

    levels = np.arange(256)
    blend = np.clip(image_weight * levels[:, np.newaxis] + frost_weight * levels, 0, 255).astype(np.uint8)
    mixed: Image = blend[image, ice]
    return mixed


@functools.lru_cache(maxsize=len(FROST_TEXTURES))
def _frost_texture(name: str) -> Image:
    """Read a texture of the installed imagecorruptions: (h, w, 3) in OpenCV's BGR, read-only."""
    # Found without importing imagecorruptions, which needs the pkg_resources that setuptools has dropped.
    spec = importlib.util.find_spec("imagecorruptions")
    for folder in (spec and spec.submodule_search_locations) or ():
        texture = cv2.imread(str(Path(folder, "frost", name)))
        if texture is not None:
            texture.setflags(write=False)  # the cache hands the same array to every caller
            return np.asarray(texture, np.uint8)
    raise MachineError(
        f"frost needs the texture {name} of imagecorruptions; install it: pip install imagecorruptions==1.1.2"
    )


def fog(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Mix in a cloud of plasma-fractal fog, then rescale to the clean image's own maximum."""
    thickness, decay = FOG[severity - 1]
    height, width, _ = image.shape
    clean = image / 255.0
    brightest = clean.max()
    # Quirk: the cloud is a square of the next power of two of the longer side, whatever the shorter one; the
    # image sees its top left corner, while the cloud's range is set over the whole square.
    cloud = plasma_fractal(1 << (max(height, width) - 1).bit_length(), decay, rng)
    clean += thickness * cloud[:height, :width, np.newaxis]
    clean *= brightest
    clean /= brightest + thickness
    return to_bytes(clean)


def plasma_fractal(size: int, decay: float, rng: np.random.RandomState) -> NDArray[np.float64]:
    """Draw a diamond-square height map, (size, size) in [0, 1], that wraps around; size: a power of 2.

    Each level sets the middles of the squares of the level before, then the middles of their edges, to the
    mean of four neighbours plus a wobble. Quirk: the wobble scales the draws and their range too, so it
    acts squared.
    """
    heights = np.zeros((size, size))
    step, wobble = size, 100.0
    while step >= 2:
        shape = (size // step, size // step)
        _fill_squares(heights, step, wobble * rng.uniform(-wobble, wobble, shape))
        above, beside = (wobble * rng.uniform(-wobble, wobble, shape) for _ in range(2))
        _fill_diamonds(heights, step, above, beside)
        step //= 2
        wobble /= decay
    heights -= heights.min()
    heights /= heights.max()
    return heights


@numba.njit(cache=True, nogil=True)
def _fill_squares(heights: Any, step: Any, wobble: Any) -> None:
    size, half = len(heights), step // 2
    for i in range(0, size, step):
        for j in range(0, size, step):
            down, right = (i + step) % size, (j + step) % size
            total = (heights[i, j] + heights[down, j]) + (heights[i, right] + heights[down, right])
            heights[i + half, j + half] = total / 4 + wobble[i // step, j // step]


@numba.njit(cache=True, nogil=True)
def _fill_diamonds(heights: Any, step: Any, above: Any, beside: Any) -> None:
    """Set the middles of the edges above and left of each square's middle."""
    size, half = len(heights), step // 2
    for i in range(0, size, step):
        for j in range(0, size, step):
            corner, middle = heights[i, j], heights[i + half, j + half]
            up, left = heights[i - half, j + half], heights[i + half, j - half]  # negative indices wrap
            down, right = heights[(i + step) % size, j], heights[i, (j + step) % size]
            heights[i, j + half] = ((middle + up) + (corner + right)) / 4 + above[i // step, j // step]
            heights[i + half, j] = ((middle + left) + (corner + down)) / 4 + beside[i // step, j // step]


def brightness(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Raise the value of HSV, as brighter daylight does."""
    return adjust_hsv(image, value=BRIGHTNESS[severity - 1])


def spatter(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Put drops on the lens: water up to severity 3, mud above."""
    mean, sigma, sigma_px, threshold, strength = SPATTER[severity - 1]
    liquid = rng.normal(size=(*image.shape[:2], 1), loc=mean, scale=sigma)
    liquid = gaussian(liquid, (sigma_px, sigma_px), border="nearest")[..., 0]
    clean = image.astype(np.float32) / 255.0
    if severity >= MUD_FROM_SEVERITY:
        cover = (liquid >= threshold).astype(np.float32)[..., np.newaxis]
        cover = gaussian(cover, (strength, strength), border="nearest")
        cover[cover < 0.8] = 0
        return to_bytes(clean * (1 - cover) + np.array(MUD_RGB) * cover)

    liquid[liquid < threshold] = 0
    water = _water((liquid * 255).astype(np.uint8))
    # Where no drop forms, as now and then on the smallest images, imagecorruptions divides 0 by 0 and returns
    # undefined bytes; here the image then stays dry.
    water /= water.max() or 1
    water *= np.float32(strength)
    return to_bytes(clean + water[..., np.newaxis] * np.array(WATER_RGB, dtype=np.float32))


def _water(liquid: Image) -> NDArray[np.float32]:
    """Shade drops (H, W) by the distance to their edges, so that they seem round.

    Canny, the distance transform and the 8-bit filters are OpenCV's own algorithms; another release of OpenCV
    may shift single drops, in imagecorruptions as much as here.
    """
    distance = cv2.distanceTransform(255 - cv2.Canny(liquid, 50, 150), cv2.DIST_L2, 5)
    _, distance = cv2.threshold(distance, 20, 20, cv2.THRESH_TRUNC)
    shade = cv2.equalizeHist(cv2.blur(distance, (3, 3)).astype(np.uint8))
    shade = cv2.blur(cv2.filter2D(shade, cv2.CV_8U, SPATTER_KERNEL), (3, 3))
    return np.multiply(liquid, shade, dtype=np.float32)
