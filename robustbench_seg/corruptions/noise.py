"""Noise: Gaussian, shot (Poisson), impulse (salt and pepper), speckle (multiplicative Gaussian).

Every value, that is each channel of each pixel, draws its own noise.

Source of the severity tables: imagecorruptions 1.1.2 (Michaelis et al. 2019, after Hendrycks & Dietterich
2019).
"""

import numpy as np

from .pixels import Image, to_bytes

__all__ = ["gaussian_noise", "impulse_noise", "shot_noise", "speckle_noise"]

# By severity, 1 to 5.
GAUSSIAN_SCALE = (0.08, 0.12, 0.18, 0.26, 0.38)  # standard deviation, of full scale
SHOT_PHOTONS = (60, 25, 12, 5, 3)  # photons that make white
IMPULSE_AMOUNT = (0.03, 0.06, 0.09, 0.17, 0.27)  # share of values replaced
SPECKLE_SCALE = (0.15, 0.2, 0.35, 0.45, 0.6)  # standard deviation, of the value itself


def gaussian_noise(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Add normal noise of a constant standard deviation."""
    noise = rng.normal(size=image.shape, scale=GAUSSIAN_SCALE[severity - 1])
    noise += image / 255.0
    return to_bytes(noise)


def shot_noise(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Replace each value by a photon count around it: Poisson noise, as in low light."""
    white = SHOT_PHOTONS[severity - 1]
    photons = rng.poisson(image / 255.0 * white)
    levels = to_bytes(np.arange(white + 1) / float(white))  # byte of each photon count, white and more alike
    return levels[np.minimum(photons, white)]


def impulse_noise(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Set a share of the values to 0 or 255, both equally likely.

    The draws are those of the scikit-image that imagecorruptions was published with, whose `random_noise`
    called `numpy.random.choice` twice, each of which compares one uniform draw a value. Newer ones draw
    from a generator of their own; with those, this agrees in distribution.
    """
    flipped = rng.random_sample(image.shape) < IMPULSE_AMOUNT[severity - 1]
    salted = rng.random_sample(image.shape) < 0.5
    kept = to_bytes(np.arange(256) / 255.0)  # values left alone lose the truncation too
    return np.where(flipped, np.where(salted, np.uint8(255), np.uint8(0)), kept[image])


def speckle_noise(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Add normal noise that is proportional to the value."""
    clean = image / 255.0
    noise = rng.normal(size=image.shape, scale=SPECKLE_SCALE[severity - 1])
    noise *= clean
    noise += clean
    return to_bytes(noise)
