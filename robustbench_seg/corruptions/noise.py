"""Noise: Gaussian, shot (Poisson), impulse (salt and pepper), speckle (multiplicative Gaussian).

Every value (each channel of each pixel) has independent noise. The functions below are the definition, with the
draws of imagecorruptions in its order. Seeded draws instead sample each output byte directly, from the exact
distribution that the definition implies: see `transitions`.

Source of the severity tables: imagecorruptions 1.1.2 (Michaelis et al. 2019, after Hendrycks & Dietterich
2019).
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import transitions
from .pixels import Image, to_bytes
from .seeds import SeededDraws

__all__ = ["gaussian_noise", "impulse_noise", "shot_noise", "speckle_noise"]

# By severity, 1 to 5.
GAUSSIAN_SCALE = (0.08, 0.12, 0.18, 0.26, 0.38)  # standard deviation / full scale
SHOT_PHOTONS = (60, 25, 12, 5, 3)  # photon count of white
IMPULSE_AMOUNT = (0.03, 0.06, 0.09, 0.17, 0.27)  # share of the values that are replaced
SPECKLE_SCALE = (0.15, 0.2, 0.35, 0.45, 0.6)  # standard deviation / the value

TRANSITIONS: dict[str, tuple[Callable[[Any], NDArray[np.float64]], tuple[float, ...]]] = {
    "gaussian_noise": (transitions.additive_normal, GAUSSIAN_SCALE),
    "shot_noise": (transitions.poisson, SHOT_PHOTONS),
    "impulse_noise": (transitions.salt_and_pepper, IMPULSE_AMOUNT),
    "speckle_noise": (transitions.multiplicative_normal, SPECKLE_SCALE),
}

BAND_ROWS = 32  # rows per draw, so that the noise of a large image needs little memory


def _sample_when_seeded(
    define: Callable[[Image, int, np.random.RandomState], Image],
) -> Callable[[Image, int, np.random.RandomState | SeededDraws], Image]:
    """Run a definition on a RandomState; with seeded draws, sample each output byte from its distribution."""

    @functools.wraps(define)
    def noise(image: Image, severity: int, draws: np.random.RandomState | SeededDraws) -> Image:
        if isinstance(draws, SeededDraws):
            return transitions.sample(image, _table(define.__name__, severity), draws.stream())
        return define(image, severity, draws)

    return noise


@functools.cache
def _table(name: str, severity: int) -> NDArray[np.uint32]:
    """Make the alias table of a condition once; a table takes 256 KiB."""
    transition, by_severity = TRANSITIONS[name]
    return transitions.aliases(transition(by_severity[severity - 1]))


@_sample_when_seeded
def gaussian_noise(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Add normal noise of a constant standard deviation."""
    out = np.empty_like(image)
    for band in _bands(image):
        noise = rng.normal(size=image[band].shape, scale=GAUSSIAN_SCALE[severity - 1])
        noise += image[band] / 255.0
        out[band] = to_bytes(noise)
    return out


@_sample_when_seeded
def shot_noise(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Replace each value by a Poisson-distributed photon count with the value as its mean, as in low light."""
    white = SHOT_PHOTONS[severity - 1]
    levels = to_bytes(np.arange(white + 1) / float(white))  # byte of each photon count; above white it is white
    out = np.empty_like(image)
    for band in _bands(image):
        photons = rng.poisson(image[band] / 255.0 * white)
        out[band] = levels[np.minimum(photons, white)]
    return out


@_sample_when_seeded
def impulse_noise(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Set a share of the values to 0 or 255, both equally likely.

    The draws equal scikit-image's at the time of imagecorruptions' release: its `random_noise` called
    `numpy.random.choice` twice, and each call compares one uniform draw per value. Newer versions of
    scikit-image have their own generator; with those the distribution is the same, but not the draws.
    """
    flipped = np.empty(image.shape, dtype=bool)
    for band in _bands(image):
        flipped[band] = rng.random_sample(image[band].shape) < IMPULSE_AMOUNT[severity - 1]
    out = image.copy()
    for band in _bands(image):
        salted = rng.random_sample(image[band].shape) < 0.5
        np.copyto(out[band], salted * np.uint8(255), where=flipped[band])
    return out


@_sample_when_seeded
def speckle_noise(image: Image, severity: int, rng: np.random.RandomState) -> Image:
    """Add normal noise that is proportional to the value."""
    out = np.empty_like(image)
    for band in _bands(image):
        clean = image[band] / 255.0
        noise = rng.normal(size=clean.shape, scale=SPECKLE_SCALE[severity - 1])
        noise *= clean
        noise += clean
        out[band] = to_bytes(noise)
    return out


def _bands(image: Image) -> Iterator[slice]:
    for top in range(0, len(image), BAND_ROWS):
        yield slice(top, top + BAND_ROWS)
