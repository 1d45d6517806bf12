"""imagecorruptions 1.1.2, the benchmark as published, made to run on today's NumPy and scikit-image.

The shim changes no computation. Inside the module `imagecorruptions.corruptions` alone, never in NumPy or
scikit-image themselves, it restores two names that the package was written for and that have gone since:

- `np.float_`, NumPy 1's other name of `float64` (used by fog);
- `skimage.filters.gaussian`'s argument `multichannel`: True means `channel_axis=-1`, absent means None, as
  scikit-image read it up to 0.18. Floats stay in their own precision, then as now (used by glass_blur,
  gaussian_blur, spatter and elastic_transform).

It also saves time, and tests/corruptions/test_oracle.py checks that it changes no byte: the pairs of integers that
glass_blur draws one by one are drawn many at a time, and each texture of frost is read once.

It silences the two deprecation warnings of the import, `pkg_resources` and `scipy.ndimage.interpolation`.
What it can't restore is that scikit-image's `random_noise` once drew from NumPy's global generator: today
impulse_noise draws from its own fresh generator, which `numpy.random.seed` does not affect.

For tests only; nothing in the package imports it.
"""

import functools
import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import cv2
import numpy
import skimage.filters

__all__ = ["corrupt", "get_corruption_names", "imagecorruptions"]

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "pkg_resources is deprecated as an API", UserWarning)
    warnings.filterwarnings("ignore", "Please import `map_coordinates`", DeprecationWarning)
    import imagecorruptions
    import imagecorruptions.corruptions

get_corruption_names = imagecorruptions.get_corruption_names


class _Random:
    """NumPy's global generator, from which pairs of integers are drawn many at a time."""

    def __init__(self) -> None:
        self.pairs: Iterator[list[int]] | None = None

    def randint(self, low: int, high: int | None = None, size: tuple[int, ...] | None = None) -> Any:
        if size != (2,):
            return numpy.random.randint(low, high, size)
        if self.pairs is None:  # one corruption draws all its pairs from the same range
            many = (numpy.random.randint(low, high, (10_000, 2)).tolist() for _ in itertools.count())
            self.pairs = itertools.chain.from_iterable(many)
        return next(self.pairs)

    def __getattr__(self, name: str) -> Any:
        return getattr(numpy.random, name)


class _NumPy:
    """NumPy with the one name back that fog asks for."""

    float_ = numpy.float64

    def __init__(self) -> None:
        self.random = _Random()

    def __getattr__(self, name: str) -> Any:
        return getattr(numpy, name)


class _OpenCV:
    """OpenCV, which reads each file once."""

    imread = staticmethod(functools.cache(cv2.imread))

    def __getattr__(self, name: str) -> Any:
        return getattr(cv2, name)


def _gaussian(image: Any, sigma: Any, *, multichannel: bool = False, **options: Any) -> Any:
    return skimage.filters.gaussian(image, sigma, channel_axis=-1 if multichannel else None, **options)


imagecorruptions.corruptions.np = _NumPy()
imagecorruptions.corruptions.cv2 = _OpenCV()
imagecorruptions.corruptions.gaussian = _gaussian


def corrupt(image: Any, name: str, severity: int, random_seed: int) -> Any:
    """Return what imagecorruptions makes of a uint8 image after `numpy.random.seed(random_seed)`.

    The global generator is put back to where it was.
    """
    state = numpy.random.get_state()
    numpy.random.seed(random_seed)
    imagecorruptions.corruptions.np.random.pairs = None
    try:
        return imagecorruptions.corrupt(image, severity=severity, corruption_name=name)
    finally:
        numpy.random.set_state(state)
