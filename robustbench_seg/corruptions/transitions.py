"""Noise as a transition between bytes, sampled directly.

If every value has independent noise, an input byte v becomes byte k with a probability that has a closed form.
A transition is cumulative, float64 (256, 256): entry [v, k] is the probability that v becomes k or less.

Sampling uses the alias method. The probabilities of v, in units of 2**-32, are distributed over 256 columns of
equal mass: column k holds mass of k and of at most one other byte, its alias. One 32-bit word decides: 8 bits
select the column, and the other 24 select k or the alias. So each value costs one word and one look-up in a table
of 256 KiB, and the error of a cumulative probability is at most 2**-33.

Source: Walker, "An efficient method for generating discrete random variables with general distributions" (ACM
Transactions on Mathematical Software 3, 1977).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .philox import CHUNK, fill_words
from .pixels import Image, to_bytes

__all__ = ["additive_normal", "aliases", "multiplicative_normal", "poisson", "salt_and_pepper", "sample"]

BYTES = np.arange(256)
FROM, TO = BYTES[:, np.newaxis], BYTES
COLUMN = 1 << 24  # mass of a column; the total is 2**32


def additive_normal(scale: float) -> NDArray[np.float64]:
    """Return the transition to v / 255 + scale * z, z normal: at most k if scale * z < (k + 1 - v) / 255."""
    return _clip(_normal_cdf((TO + 1 - FROM) / (255 * scale)))


def multiplicative_normal(scale: float) -> NDArray[np.float64]:
    """Return the transition to v / 255 * (1 + scale * z), z normal: at most k if v * scale * z < k + 1 - v."""
    with np.errstate(divide="ignore"):  # black stays black: the threshold 1 / 0 is infinite
        return _clip(_normal_cdf((TO + 1 - FROM) / (FROM * scale)))


def poisson(white: int) -> NDArray[np.float64]:
    """Return the transition to n / white, n Poisson with mean v / 255 * white: at most k if the byte of n is."""
    mean = BYTES / 255 * white
    terms = [np.array([math.exp(-value) for value in mean])]  # NumPy's exp depends on the CPU in its last bit
    for n in range(1, white):
        terms.append(terms[-1] * mean / n)
    at_most: NDArray[np.float64] = np.cumsum(np.stack(terms, axis=1), axis=1)
    levels = to_bytes(np.arange(white) / float(white))
    return _clip(at_most.take(np.searchsorted(levels, TO, side="right") - 1, axis=1))


def salt_and_pepper(amount: float) -> NDArray[np.float64]:
    """Return the transition to 0 and 255 with probability amount / 2 each, otherwise to v."""
    return _clip(amount / 2 + np.where(FROM <= TO, 1 - amount, 0.0))


def _clip(at_most: NDArray[np.float64]) -> NDArray[np.float64]:
    """Clip brighter values to white. Values darker than black count as black already."""
    at_most[:, 255] = 1
    return at_most


def _normal_cdf(z: NDArray[np.float64]) -> NDArray[np.float64]:
    # Importing SciPy's function would take longer than this.
    flat = [math.erfc(-value / math.sqrt(2)) / 2 for value in z.ravel().tolist()]
    return np.array(flat).reshape(z.shape)


def aliases(at_most: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Distribute a cumulative transition (256, 256) over columns: [v, k] is the mass of k itself << 8 | k's alias."""
    mass = np.diff(np.rint(at_most * 2.0**32).astype(np.int64), axis=1, prepend=0)
    table = np.tile(BYTES, (256, 1))  # in a column with mass of k only, k is its own alias
    while True:  # at most 255 times: each pass completes one column of every v
        emptiest, fullest = mass.argmin(axis=1), mass.argmax(axis=1)
        own = mass[BYTES, emptiest]
        v = np.flatnonzero(own < COLUMN)
        if not len(v):
            return table.astype(np.uint32)
        table[v, emptiest[v]] = own[v] << 8 | fullest[v]
        mass[v, fullest[v]] -= COLUMN - own[v]
        mass[v, emptiest[v]] = COLUMN


def sample(image: Image, table: NDArray[np.uint32], stream: NDArray[np.uint32]) -> Image:
    """Replace each value of a contiguous image, depending on its word in the stream."""
    out = np.empty_like(image)
    _sample(image.reshape(-1), table, stream, out.reshape(-1))
    return out


@compiled
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
