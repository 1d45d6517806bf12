"""A counter-based random generator, and the distributions that are computed from its words.

Philox4x32-10 maps a 128-bit counter and a 64-bit key to four 32-bit words. It has no state, so any word of any
stream can be computed without the words before it. A *stream* here is uint32 (5,): the key's two words, then the
counter's upper three. The counter's lowest word counts blocks of four words, so a stream has 2**34 words.

Source: Salmon, Moraes, Dror & Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), sections 3.2 and
4.3. It passes TestU01's BigCrush from seven rounds on; ten rounds leave a margin. The distributions are implemented
here, because NumPy may change the distributions of its Generator in any release. Words, uniform draws and integers
are the same on every machine. The table of normal quantiles depends on the logarithm of the system's library, so a
normal draw may differ in the last bit.
"""

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

__all__ = ["CHUNK", "fill_integers", "fill_normal", "fill_uniform", "fill_words", "normal_quantiles"]

CHUNK = 4096  # words per chunk: 16 KiB fit into the first-level cache; a multiple of 4
ROUNDS = 10

MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)  # golden ratio
WEYL_1 = np.uint64(0xBB67AE85)  # sqrt(3) - 1
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)

# Steps per octave of the probability in the table of normal quantiles, as bits: with 256 steps the interpolation
# is within 2e-6 of the quantile.
STEP_BITS = 8
STEP = np.float32(2.0 ** (STEP_BITS - 23))  # one unit of the mantissa's remaining bits, in steps
OCTAVES = 32


@compiled
def fill_words(stream: Any, start: Any, words: Any) -> None:
    """Fill `words`, uint32 (n,), with the words of a stream from `start` on. start, n: multiples of 4."""
    key_0, key_1 = np.uint64(stream[0]), np.uint64(stream[1])
    upper_1, upper_2, upper_3 = np.uint64(stream[2]), np.uint64(stream[3]), np.uint64(stream[4])
    for block in range(len(words) // 4):
        # 32-bit words in 64-bit integers, because their products need 64 bits.
        x0, x1, x2, x3 = np.uint64(start // 4 + block) & LOW, upper_1, upper_2, upper_3
        k0, k1 = key_0, key_1
        for _ in range(ROUNDS):
            product_0, product_1 = MULTIPLIER_0 * x0, MULTIPLIER_1 * x2
            x0, x1 = (product_1 >> HALF) ^ x1 ^ k0, product_1 & LOW
            x2, x3 = (product_0 >> HALF) ^ x3 ^ k1, product_0 & LOW
            k0, k1 = (k0 + WEYL_0) & LOW, (k1 + WEYL_1) & LOW
        words[4 * block], words[4 * block + 1] = x0, x1
        words[4 * block + 2], words[4 * block + 3] = x2, x3


@compiled
def fill_uniform(stream: Any, low: Any, span: Any, out: Any) -> None:
    """Fill `out`, float32 (n,), with low + span * u; u is uniform over the multiples of 2**-24 in [0, 1)."""
    words = np.empty(CHUNK, np.uint32)
    for start in range(0, len(out), CHUNK):
        fill_words(stream, start, words)
        chunk = out[start : start + CHUNK]
        for i in range(len(chunk)):
            chunk[i] = low + span * (np.float32(words[i] >> np.uint32(8)) * np.float32(2.0**-24))


@compiled
def fill_integers(stream: Any, low: Any, count: Any, out: Any) -> None:
    """Fill `out`, integers (n,), with low + k; k is uniform over 0 .. count - 1.

    One word, scaled, decides each value; the probabilities of two values differ by at most 2**-32.
    """
    words = np.empty(CHUNK, np.uint32)
    for start in range(0, len(out), CHUNK):
        fill_words(stream, start, words)
        chunk = out[start : start + CHUNK]
        for i in range(len(chunk)):
            chunk[i] = low + np.int64((np.uint64(words[i]) * count) >> HALF)


@compiled
def fill_normal(stream: Any, quantiles: Any, loc: Any, scale: Any, out: Any) -> None:
    """Fill `out`, float32 (n,), with loc + scale * z; z is normal. quantiles: `normal_quantiles()`.

    Method: inversion. One bit of a word is the sign. The other 31 are the probability p = (m + 1/2) / 2**32 of the
    tail, which ends at 6.3 standard deviations. In the float p, the exponent and the leading bits of the mantissa
    are the index into the table, and the remaining bits interpolate to the next entry.
    """
    words = np.empty(CHUNK, np.uint32)
    tails = np.empty(CHUNK, np.float32)
    places = tails.view(np.uint32)
    first = np.float32(0.5).view(np.uint32)
    remaining = np.uint32(23 - STEP_BITS)
    for start in range(0, len(out), CHUNK):
        fill_words(stream, start, words)
        for i in range(CHUNK):
            tails[i] = np.float32(words[i] >> np.uint32(1)) + np.float32(0.5)
        chunk = out[start : start + CHUNK]
        for i in range(len(chunk)):
            place = places[i] - first
            step = place >> remaining
            share = np.float32(place & np.uint32((1 << (23 - STEP_BITS)) - 1)) * STEP
            z = quantiles[step] + share * (quantiles[step + 1] - quantiles[step])
            chunk[i] = loc + scale * (z if words[i] & np.uint32(1) else -z)


def normal_quantiles() -> NDArray[np.float32]:
    """Compute quantiles of the standard normal at tail probabilities 2**-33 .. 1/2, equally spaced in each octave."""
    steps = 1 << STEP_BITS
    tails = [(1 + step / steps) * 2.0 ** (octave - 33) for octave in range(OCTAVES) for step in range(steps)]
    quantiles = [NormalDist().inv_cdf(tail) for tail in tails]
    return np.array([*quantiles, 0.0, 0.0], dtype=np.float32)  # for a tail of 1/2, and one more to interpolate to
