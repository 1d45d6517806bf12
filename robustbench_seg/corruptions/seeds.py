"""The random draws of a seeded corruption, keyed by seed, corruption, severity and image id.

Unlike a running stream, a key does not depend on earlier draws. So order, processes, workers, resume and sharding
never change a pixel. For one key, each call draws from its own stream; streams are numbered in the order of the calls.
"""

import functools
import hashlib
import json
import math
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from . import philox

__all__ = ["Draws", "NoDraws", "SeededDraws", "seeded"]

Size = int | tuple[int, ...]


class Draws(Protocol):
    """The draws that a corruption may use: the common methods of `numpy.random.RandomState` and `SeededDraws`.

    Without a size they return one number. With a size they return an array: float64 and int64 from RandomState;
    float32 and int8 (int64 if int8 is too small) from SeededDraws.
    """

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Size | None = None) -> Any: ...
    def normal(self, loc: float = 0.0, scale: float = 1.0, size: Size | None = None) -> Any: ...
    def randint(self, low: int, high: int | None = None, size: Size | None = None) -> Any: ...


class SeededDraws:
    """Draws that are a function of a 128-bit key, the number of the call and the position within the call.

    key: 16 bytes. See `philox` for the generator and the exact distributions. Do not share an object between threads:
    the numbers of their calls would depend on a race.
    """

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._calls = 0

    def stream(self) -> NDArray[np.uint32]:
        """Return the stream of the next call, uint32 (5,), for the functions of `philox`."""
        key_0, key_1, *rest = np.frombuffer(self.key, dtype="<u4")
        stream = np.array([key_0, key_1, self._calls, *rest], dtype=np.uint32)
        self._calls += 1
        return stream

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Size | None = None) -> Any:
        """Draw float32 from [low, high); rounding may return `high` itself."""
        out = np.empty(_count(size), dtype=np.float32)
        philox.fill_uniform(self.stream(), np.float32(low), np.float32(high - low), out)
        return _shape(out, size)

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: Size | None = None) -> Any:
        """Draw float32 from the normal distribution, truncated at 6.3 standard deviations."""
        out = np.empty(_count(size), dtype=np.float32)
        philox.fill_normal(self.stream(), _normal_quantiles(), np.float32(loc), np.float32(scale), out)
        return _shape(out, size)

    def randint(self, low: int, high: int | None = None, size: Size | None = None) -> Any:
        """Draw integers from low .. high - 1, or from 0 .. low - 1: a range of at most 2**32."""
        if high is None:
            low, high = 0, low
        dtype = np.int8 if low >= -128 and high <= 128 else np.int64
        out = np.empty(_count(size), dtype=dtype)
        philox.fill_integers(self.stream(), np.int64(low), np.uint64(high - low), out)
        return _shape(out, size)


class NoDraws:
    """What a corruption gets that is registered with draws=False: each use raises UsageError."""

    def __init__(self, corruption: str) -> None:
        self.corruption = corruption

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Size | None = None) -> Any:
        """Raise UsageError."""
        self.refuse()

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: Size | None = None) -> Any:
        """Raise UsageError."""
        self.refuse()

    def randint(self, low: int, high: int | None = None, size: Size | None = None) -> Any:
        """Raise UsageError."""
        self.refuse()

    def refuse(self) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(f"corruption {self.corruption} draws random numbers, but is registered with draws=False")


def seeded(seed: int, corruption: str, severity: int, image_id: str) -> SeededDraws:
    """Make draws that depend only on these four values.

    The key is the blake2b hash (128 bits) of the four values as a JSON list.
    """
    name = json.dumps([seed, corruption, severity, image_id]).encode()
    return SeededDraws(hashlib.blake2b(name, digest_size=16).digest())


_normal_quantiles = functools.cache(philox.normal_quantiles)


def _count(size: Size | None) -> int:
    return 1 if size is None else math.prod(size) if isinstance(size, tuple) else size


def _shape(values: NDArray[Any], size: Size | None) -> Any:
    return values.item() if size is None else values.reshape(size)
