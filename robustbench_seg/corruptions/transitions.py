"""Noise as a transition between bytes, sampled directly.

Under a noise that every value draws for itself, an input byte v turns into byte k with a probability that has
a closed form. Here it is cumulative, float64 (256, 256): at [v, k] the probability that v turns into k or less.

Sampling is by aliases: the probabilities of v, in units of 2**-32, are dealt to 256 columns of equal mass such
that column k holds mass of k and of at most one other byte, its alias. One 32-bit word then decides: a byte of
it picks the column, and the other 24 bits tell the two apart. So every noise costs one word and one look-up a
value, in a table of 256 KiB, and no cumulative probability is off by more than 2**-33.

Source: Walker, "An efficient method for generating discrete random variables with general distributions" (ACM
Transactions on Mathematical Software 3, 1977).
"""

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .philox import CHUNK, fill_words
from .pixels import Image, to_bytes

__all__ = ["additive_normal", "aliases", "multiplicative_normal", "poisson", "salt_and_pepper", "sample"]

BYTES = np.arange(256)
FROM, TO = BYTES[:, np.newaxis], BYTES
COLUMN = 1 << 24  # mass of a column; 256 of them make 2**32


def additive_normal(scale: float) -> NDArray[np.float64]:
    """The byte of v / 255 + scale * z, z normal: at most k where scale * z < (k + 1 - v) / 255."""
    return _clipped(_normal_cdf((TO + 1 - FROM) / (255 * scale)))


def multiplicative_normal(scale: float) -> NDArray[np.float64]:
    """The byte of v / 255 * (1 + scale * z), z normal: at most k where v * scale * z < k + 1 - v."""
    with np.errstate(divide="ignore"):  # black stays black: 1 / 0 is a threshold out of reach
        return _clipped(_normal_cdf((TO + 1 - FROM) / (FROM * scale)))


def poisson(white: int) -> NDArray[np.float64]:
    """The byte of n / white, n Poisson of mean v / 255 * white: at most k where n's byte is."""
    mean = BYTES / 255 * white
    terms = [np.array([math.exp(-value) for value in mean])]  # NumPy's exp depends on the CPU in its last bit
    for n in range(1, white):
        terms.append(terms[-1] * mean / n)
    at_most: NDArray[np.float64] = np.cumsum(np.stack(terms, axis=1), axis=1)
    levels = to_bytes(np.arange(white) / float(white))
    return _clipped(at_most.take(np.searchsorted(levels, TO, side="right") - 1, axis=1))


def salt_and_pepper(amount: float) -> NDArray[np.float64]:
    """0 and 255 with probability amount / 2 each, otherwise v."""
    return _clipped(amount / 2 + np.where(FROM <= TO, 1 - amount, 0.0))


def _clipped(at_most: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make white of what is brighter; what is darker than black is below every threshold already."""
    at_most[:, 255] = 1
    return at_most


def _normal_cdf(z: NDArray[np.float64]) -> NDArray[np.float64]:
    # SciPy's would do, but takes longer to import than this takes.
    flat = [math.erfc(-value / math.sqrt(2)) / 2 for value in z.ravel().tolist()]
    return np.array(flat).reshape(z.shape)


def aliases(at_most: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Deal a cumulative transition (256, 256) to columns: at [v, k] the mass of k itself << 8 | k's alias."""
    mass = np.diff(np.rint(at_most * 2.0**32).astype(np.int64), axis=1, prepend=0)
    table = np.tile(BYTES, (256, 1))  # a column that k fills alone has k for its alias too
    while True:  # at most 255 times: each fills a column of every v for good
        emptiest, fullest = mass.argmin(axis=1), mass.argmax(axis=1)
        own = mass[BYTES, emptiest]
        v = np.flatnonzero(own < COLUMN)
        if not len(v):
            return table.astype(np.uint32)
        table[v, emptiest[v]] = own[v] << 8 | fullest[v]
        mass[v, fullest[v]] -= COLUMN - own[v]
        mass[v, emptiest[v]] = COLUMN


def sample(image: Image, table: NDArray[np.uint32], stream: NDArray[np.uint32]) -> Image:
    """Replace each value of a contiguous image by what its word of the stream turns it into."""
    out = np.empty_like(image)
    _sample(image.reshape(-1), table, stream, out.reshape(-1))
    return out


@numba.njit(cache=True, nogil=True)
def _sample(values: Any, table: Any, stream: Any, out: Any) -> None:
    words = np.empty(CHUNK, np.uint32)
    for start in range(0, len(values), CHUNK):
        fill_words(stream, start, words)
        chunk, result = values[start : start + CHUNK], out[start : start + CHUNK]
        for i in range(len(chunk)):
            column = words[i] & np.uint32(0xFF)
            entry = table[chunk[i], column]
            own = words[i] >> np.uint32(8) < entry >> np.uint32(8)
            result[i] = column if own else entry & np.uint32(0xFF)
