"""The 19 common corruptions: 15 of the benchmark and 4 meant for validation.

    corrupt(image, "fog", severity=3, seed=0, image_id="frankfurt_000000_000294")
    corrupt(image, "fog", severity=3, rng=numpy.random.RandomState(7))

Both run the same code; they differ only in where the random draws come from. The first derives a generator
from what names the cell, so no order, process or worker ever changes a pixel. The second draws from the
generator that it is handed, in imagecorruptions' order: after the same seed, it returns imagecorruptions'
pixels.

Source: Hendrycks & Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations" (2019); Michaelis et al., "Benchmarking Robustness in Object Detection" (2019), whose
imagecorruptions 1.1.2 defines the numbers reproduced here. Its quirks are part of the published benchmark and
are kept, each with a comment where it stands.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from .pixels import Image

if TYPE_CHECKING:
    from .seeds import Draws

__all__ = ["CATEGORIES", "CORRUPTIONS", "ENGINE_VERSION", "Corruption", "corrupt"]

# Rises when any seeded pixel changes, so that stored results of two engines are never mixed.
ENGINE_VERSION = 2

MIN_SIDE_PX = 32
SEVERITIES = (1, 2, 3, 4, 5)

Kernel = Callable[[Image, int, "Draws"], Image]


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """One entry of `CORRUPTIONS`: what it is called, which family it belongs to, and where its code is.

    `category` is the module of this package that holds the function `name`.
    """

    name: str
    category: str

    def load(self) -> Kernel:
        """Import the function (image, severity, draws) -> image, and with it OpenCV and numba."""
        return cast(Kernel, getattr(importlib.import_module(f"{__name__}.{self.category}"), self.name))


# In imagecorruptions' order.
CORRUPTIONS: dict[str, Corruption] = {
    "gaussian_noise": Corruption(name="gaussian_noise", category="noise"),
    "shot_noise": Corruption(name="shot_noise", category="noise"),
    "impulse_noise": Corruption(name="impulse_noise", category="noise"),
    "defocus_blur": Corruption(name="defocus_blur", category="blur"),
    "glass_blur": Corruption(name="glass_blur", category="blur"),
    "motion_blur": Corruption(name="motion_blur", category="blur"),
    "zoom_blur": Corruption(name="zoom_blur", category="blur"),
    "snow": Corruption(name="snow", category="weather"),
    "frost": Corruption(name="frost", category="weather"),
    "fog": Corruption(name="fog", category="weather"),
    "brightness": Corruption(name="brightness", category="weather"),
    "contrast": Corruption(name="contrast", category="digital"),
    "elastic_transform": Corruption(name="elastic_transform", category="digital"),
    "pixelate": Corruption(name="pixelate", category="digital"),
    "jpeg_compression": Corruption(name="jpeg_compression", category="digital"),
    "speckle_noise": Corruption(name="speckle_noise", category="noise"),
    "gaussian_blur": Corruption(name="gaussian_blur", category="blur"),
    "spatter": Corruption(name="spatter", category="weather"),
    "saturate": Corruption(name="saturate", category="digital"),
}

CATEGORIES: dict[str, tuple[str, ...]] = {
    category: tuple(name for name, entry in CORRUPTIONS.items() if entry.category == category)
    for category in ("noise", "blur", "weather", "digital")
}


def corrupt(
    image: Image,
    name: str,
    severity: int,
    *,
    seed: int = 0,
    image_id: str = "",
    rng: np.random.RandomState | None = None,
) -> Image:
    """Corrupt one image.

    `image` is uint8 RGB (H, W, 3), both sides at least 32 px; it is not modified. Grayscale, (H, W) or
    (H, W, 1), is first repeated into three equal channels, as imagecorruptions does. `name` is a key of
    `CORRUPTIONS`, `severity` goes from 1 (weakest) to 5 (strongest).

    `seed` is the suite's and `image_id` the image's name within its data set; with `name` and `severity` they
    decide every random draw, and images of equal id share their draws. With `rng` the draws come from that
    generator instead, in imagecorruptions' order, and `seed` and `image_id` have no place.

    Returns a new uint8 array (H, W, 3), for grayscale too. Values are truncated to integers, not rounded, as
    imagecorruptions does.

    Raises ValueError, with the bad value and what is allowed, if the image's type, shape or size, the name,
    the severity or the source of the draws is not as above; MachineError for frost where
    imagecorruptions, and so its textures, are not installed.

    Source: imagecorruptions 1.1.2; see this module's docstring.
    """
    pixels = _as_rgb(image)
    draws: Draws
    if not isinstance(name, str) or name not in CORRUPTIONS:
        raise ValueError(f"unknown corruption {name!r}; known are {', '.join(CORRUPTIONS)}")
    if not _is_integer(severity) or severity not in SEVERITIES:
        raise ValueError(f"severity is {severity!r}; it must be an integer from 1 to 5")
    if rng is None:
        if not _is_integer(seed):
            raise ValueError(f"seed is {seed!r}; it must be an integer")
        if not isinstance(image_id, str):
            raise ValueError(f"image_id is {image_id!r}; it must be a string")
        from .seeds import seeded

        draws = seeded(int(seed), name, int(severity), image_id)
    elif not isinstance(rng, np.random.RandomState):
        raise ValueError(f"rng is {rng!r}; it must be a numpy.random.RandomState")
    elif image_id or seed != 0:
        raise ValueError(f"rng was given with seed {seed!r} and image_id {image_id!r}; give rng or those, not both")
    else:
        draws = rng
    return CORRUPTIONS[name].load()(pixels, int(severity), draws)


def _as_rgb(image: Image) -> Image:
    """Return the image as contiguous (H, W, 3), read-only, or raise ValueError."""
    if not isinstance(image, np.ndarray):
        raise ValueError(f"image is {type(image).__name__}; it must be a numpy array")
    if image.dtype != np.uint8:
        raise ValueError(f"image has dtype {image.dtype}; it must be uint8")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3)):
        raise ValueError(f"image has shape {image.shape}; it must be (H, W, 3), (H, W, 1) or (H, W)")
    if min(image.shape[:2]) < MIN_SIDE_PX:
        raise ValueError(f"image is {image.shape[0]}x{image.shape[1]} px; both sides must be at least {MIN_SIDE_PX} px")
    if image.ndim == 2:
        image = image[..., np.newaxis]
    pixels = np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
    pixels.setflags(write=False)  # a view or copy; Numba would compile each kernel twice, for either kind of array
    return pixels


def _is_integer(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
