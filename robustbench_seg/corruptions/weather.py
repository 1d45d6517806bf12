"""Weather: snow, frost, fog, brightness, and spatter of rain or mud on the lens.

Source of the severity tables: imagecorruptions 1.1.2 (Michaelis et al. 2019, after Hendrycks & Dietterich
2019).
"""

import functools
import importlib.util
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from robustbench_seg.errors import MachineError

from .colour import UNIT, adjust_hsv
from .gaussian import gaussian
from .motion import motion
from .overlays import add_fog, add_ice, add_mud, add_snow, add_water, keep_flakes
from .pixels import Image
from .plasma import plasma_fractal
from .seeds import Draws
from .zoom import centre_zoom

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
FROST_FOLDERS = {"robustbench_seg_frost": "", "imagecorruptions": "frost"}  # in an installation; in the tests
FROST_TEXTURES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")
WATER_RGB = np.array([175, 238, 238]) / 255.0  # pale turquoise
MUD_RGB = np.array([63, 42, 20]) / 255.0
MUD_FROM_SEVERITY = 4
BAND_PX = 64
SPATTER_KERNEL = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])


def snow(image: Image, severity: int, rng: Draws) -> Image:
    """Whiten the image and add streaks of flakes, and the same streaks rotated by 180 degrees."""
    mean, sigma, zoom, threshold, radius, sigma_px, image_weight = SNOW[severity - 1]
    height, width, _ = image.shape
    flakes = centre_zoom(rng.normal(mean, sigma, size=(height, width, 1)), zoom)
    keep_flakes(flakes.reshape(-1), threshold)
    flakes = motion(flakes, int(radius), sigma_px, rng.uniform(*SNOW_ANGLE_DEG))[:height, :width, 0]
    flakes *= 255
    fallen = np.rint(flakes, out=flakes).astype(np.uint8)

    out = np.empty_like(image)
    weights = np.float32(image_weight), np.float32(1 - image_weight)
    for top in range(0, height, BAND_PX):
        rows = slice(top, min(top + BAND_PX, height))
        clean = image[rows].astype(np.float32)
        clean /= 255
        grey = cv2.cvtColor(clean, cv2.COLOR_RGB2GRAY)
        add_snow(clean, grey, weights, fallen[rows], fallen[::-1, ::-1][rows], UNIT, out[rows])
    return out


def frost(image: Image, severity: int, rng: Draws) -> Image:
    """Overlay a random part of a photograph of ice.

    Quirk: imagecorruptions ships six textures and draws from the first five. The next draws are the row and the
    column of the part; both omit the last possible position.
    """
    image_weight, frost_weight = FROST[severity - 1]
    height, width, _ = image.shape
    texture = _frost_texture(FROST_TEXTURES[rng.randint(len(FROST_TEXTURES))])
    # A texture is enlarged to cover the image if it is too small, and always by another tenth.
    scale = max(1, height / texture.shape[0], width / texture.shape[1]) * 1.1
    size = (math.ceil(texture.shape[1] * scale), math.ceil(texture.shape[0] * scale))
    texture = np.asarray(cv2.resize(texture, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    top = rng.randint(0, texture.shape[0] - height)
    left = rng.randint(0, texture.shape[1] - width)
    ice = texture.reshape(texture.shape[0], -1)[top : top + height, 3 * left : 3 * (left + width)]
    out = np.empty_like(image)
    add_ice(image.reshape(height, -1), float(image_weight), ice, float(frost_weight), out.reshape(height, -1))
    return out


@functools.lru_cache(maxsize=len(FROST_TEXTURES))
def _frost_texture(name: str) -> Image:
    """Read a texture of imagecorruptions, which came with the installation: (h, w, 3), read-only."""
    for package, part in FROST_FOLDERS.items():
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            texture = cv2.imread(str(Path(folder, part, name)))
            if texture is not None:
                rgb: Image = np.ascontiguousarray(texture[..., ::-1], np.uint8)  # OpenCV reads BGR
                rgb.setflags(write=False)  # the cache returns the same array to every caller
                return rgb
    raise MachineError(
        f"frost needs the texture {name} of imagecorruptions, which an installation of robustbench-seg brings; "
        "install it again with pip"
    )


def fog(image: Image, severity: int, rng: Draws) -> Image:
    """Add a cloud of plasma-fractal fog, then rescale to the maximum of the clean image."""
    thickness, decay = FOG[severity - 1]
    height, width, _ = image.shape
    # Quirk: the cloud is a square, with the longer side rounded up to a power of two. The image gets its top left
    # corner, but the range of the cloud is normalised over the whole square.
    cloud = plasma_fractal(1 << (max(height, width) - 1).bit_length(), decay, rng)
    real = cloud.dtype.type
    lowest, brightest = cloud.min(), UNIT[image.max()]
    out = np.empty_like(image)
    span = cloud.max() - lowest
    scales = lowest, span, real(thickness), real(brightest), real(brightest + thickness)
    add_fog(image.reshape(height, -1), cloud, UNIT.astype(real), scales, out.reshape(height, -1))
    return out


def brightness(image: Image, severity: int, rng: Draws) -> Image:
    """Raise the value of HSV, like brighter daylight."""
    return adjust_hsv(image, value=BRIGHTNESS[severity - 1])


def spatter(image: Image, severity: int, rng: Draws) -> Image:
    """Put drops on the lens: water up to severity 3, mud above."""
    mean, sigma, sigma_px, threshold, strength = SPATTER[severity - 1]
    liquid = rng.normal(mean, sigma, size=(*image.shape[:2], 1))
    liquid = gaussian(liquid, (sigma_px, sigma_px), border="nearest")
    if severity >= MUD_FROM_SEVERITY:
        cover = (liquid > threshold).astype(liquid.dtype)
        for sigmas in ((strength, 0), (0, strength)):  # imagecorruptions rounds to float32 between the passes
            cover = (
                gaussian(cover, sigmas, border="nearest")
                .astype(np.float32, copy=False)
                .astype(liquid.dtype, copy=False)
            )
        cover = cover.astype(np.float32, copy=False)
        out = np.empty_like(image)
        add_mud(image, cover[..., 0], UNIT.astype(np.float32), MUD_RGB, out)
        return out

    liquid[liquid < threshold] = 0
    liquid *= 255
    liquid = liquid[..., 0].astype(np.uint8)  # the same name, so that the floats are freed
    water = _water(liquid)
    # Very small images may have no drop. imagecorruptions then divides 0 by 0 and returns undefined bytes; here the
    # image stays dry.
    most = water.max() or np.float32(1)
    out = np.empty_like(image)
    add_water(image, water, most, np.float32(strength), UNIT.astype(np.float32), WATER_RGB.astype(np.float32), out)
    return out


def _water(liquid: Image) -> NDArray[np.float32]:
    """Shade drops (H, W) depending on the distance to their edges, so that they look round.

    Canny, the distance transform and the 8-bit filters are OpenCV's own algorithms. Another release of OpenCV may
    shift single drops, here and in imagecorruptions.
    """
    distance = cv2.distanceTransform(255 - cv2.Canny(liquid, 50, 150), cv2.DIST_L2, 5)
    cv2.threshold(distance, 20, 20, cv2.THRESH_TRUNC, dst=distance)
    shade = cv2.equalizeHist(cv2.blur(distance, (3, 3)).astype(np.uint8))
    shade = cv2.blur(cv2.filter2D(shade, cv2.CV_8U, SPATTER_KERNEL), (3, 3))
    return np.multiply(liquid, shade, dtype=np.float32)
