"""The generator against its authors' vectors, the distributions against SciPy's.

All streams are fixed, so no outcome changes by itself; by chance a test here would fail in 1e-3 of streams at
most.
"""

import functools

import numpy as np
import pytest
import scipy.special
import scipy.stats
from numpy.typing import NDArray

from robustbench_seg.corruptions.philox import (
    CHUNK,
    fill_integers,
    fill_normal,
    fill_uniform,
    fill_words,
    normal_quantiles,
)

MANY = 10_000_000
STREAM = np.array([0xA4093822, 0x299F31D0, 0, 0x13198A2E, 0x03707344], dtype=np.uint32)
ALMOST_SURE = 1e-3


def words(n: int, stream: NDArray[np.uint32] = STREAM, start: int = 0) -> NDArray[np.uint32]:
    out = np.empty(n, dtype=np.uint32)
    fill_words(stream, start, out)
    return out


@functools.cache
def normal(n: int) -> NDArray[np.float32]:
    out = np.empty(n, dtype=np.float32)
    fill_normal(STREAM, normal_quantiles(), np.float32(0), np.float32(1), out)
    return out


# The lines "philox4x32 10" of tests/kat_vectors in Random123, the authors' library.
@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_words_equal_the_vectors_of_philox4x32_10(counter: str, key: str, expected: str) -> None:
    block, *upper = (int(word, 16) for word in counter.split())
    stream = np.array([*(int(word, 16) for word in key.split()), *upper], dtype=np.uint32)
    assert [f"{word:08x}" for word in words(4, stream, start=4 * block)] == expected.split()


def test_a_word_does_not_depend_on_where_the_filling_starts() -> None:
    assert np.array_equal(words(3 * CHUNK)[1000:5000], words(4000, start=1000))


def test_every_bit_of_the_words_is_set_in_half_of_them() -> None:
    bits = np.unpackbits(words(1 << 20).view(np.uint8)).reshape(-1, 32)
    z = (bits.mean(axis=0) - 0.5) * 2 * np.sqrt(len(bits))
    assert np.abs(z).max() < scipy.stats.norm.isf(ALMOST_SURE / 2 / 32)


@pytest.mark.parametrize("lag", [1, 2, 3, 4, 4096])
def test_words_are_independent_of_the_words_before_them(lag: int) -> None:
    leading = (words(1 << 22) >> np.uint32(28)).astype(np.int64)
    pairs = np.bincount(leading[lag:] * 16 + leading[:-lag], minlength=256)
    assert scipy.stats.chisquare(pairs).pvalue > ALMOST_SURE / 5


@pytest.mark.parametrize("position", range(5))
def test_streams_that_differ_in_one_bit_are_independent(position: int) -> None:
    neighbour = STREAM.copy()
    neighbour[position] ^= 1
    first, second = ((words(1 << 20, stream) >> np.uint32(28)).astype(np.int64) for stream in (STREAM, neighbour))
    assert scipy.stats.chisquare(np.bincount(first * 16 + second, minlength=256)).pvalue > ALMOST_SURE / 5


def test_uniform_draws_are_uniform() -> None:
    out = np.empty(MANY, dtype=np.float32)
    fill_uniform(STREAM, np.float32(0), np.float32(1), out)
    assert out.min() >= 0
    assert out.max() < 1
    assert scipy.stats.kstest(out, "uniform", method="asymp").pvalue > ALMOST_SURE


def test_uniform_draws_are_scaled_words() -> None:
    out = np.empty(CHUNK + 5, dtype=np.float32)  # ends within a chunk
    fill_uniform(STREAM, np.float32(-3), np.float32(8), out)
    expected = -3 + 8 * (words(2 * CHUNK)[: len(out)] / 2.0**32)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 6, 1000])
def test_integers_are_equally_likely(count: int) -> None:
    out = np.empty(1_000_003, dtype=np.int64)
    fill_integers(STREAM, np.int64(-2), np.uint64(count), out)
    frequencies = np.bincount(out + 2)
    assert len(frequencies) == count
    if count > 1:
        assert scipy.stats.chisquare(frequencies).pvalue > ALMOST_SURE / 4


def test_normal_draws_are_normal() -> None:
    assert scipy.stats.kstest(normal(MANY), "norm", method="asymp").pvalue > ALMOST_SURE


def test_normal_draws_are_the_quantiles_of_their_words() -> None:
    w = words(MANY)
    tail = ((w >> np.uint32(1)) + 0.5) / 2.0**32
    exact = np.where(w & np.uint32(1), 1, -1) * scipy.special.ndtri(tail)
    np.testing.assert_allclose(normal(MANY), exact, rtol=0, atol=2e-6)


def test_the_table_of_normal_quantiles_reaches_beyond_six_standard_deviations() -> None:
    table = normal_quantiles()
    octave, step = np.divmod(np.arange(len(table) - 2), 256)
    exact = scipy.special.ndtri((1 + step / 256) * 2.0 ** (octave - 33))
    np.testing.assert_allclose(table[:-2], exact, rtol=1e-7, atol=0)
    assert table[0] < -6.3


@pytest.mark.parametrize("sigmas", [3, 4, 5])
def test_normal_tails_hold_their_share(sigmas: float) -> None:
    share = 2 * scipy.stats.norm.sf(sigmas)
    beyond = int(np.count_nonzero(np.abs(normal(MANY)) > sigmas))
    assert scipy.stats.binomtest(beyond, MANY, share).pvalue > ALMOST_SURE / 3
