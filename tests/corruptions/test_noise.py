"""The noises' distributions: of every output byte given every input byte, 256 x 256 probabilities per condition.

All draws are fixed, so no outcome changes by itself. When draws change and the distributions don't, each
family of chi-square tests here fails with probability `FAMILY_LEVEL` at most, by Bonferroni's inequality.
"""

import functools
from typing import Any

import numpy as np
import oracle
import pytest
import scipy.stats
from numpy.typing import NDArray

from robustbench_seg.corruptions import CATEGORIES, corrupt
from robustbench_seg.corruptions.noise import TRANSITIONS
from robustbench_seg.corruptions.philox import CHUNK, fill_words
from robustbench_seg.corruptions.pixels import Image
from robustbench_seg.corruptions.transitions import aliases, sample

SEVERITIES = (1, 2, 3, 4, 5)
CONDITIONS = [(name, severity) for name in CATEGORIES["noise"] for severity in SEVERITIES]
FAMILY_LEVEL = 1e-3
LEAST_EXPECTED = 5  # draws in a cell of a chi-square test; cells with fewer are merged

# imagecorruptions' own tables.
GAUSSIAN = dict(zip(SEVERITIES, (0.08, 0.12, 0.18, 0.26, 0.38), strict=True))
SHOT = dict(zip(SEVERITIES, (60, 25, 12, 5, 3), strict=True))
IMPULSE = dict(zip(SEVERITIES, (0.03, 0.06, 0.09, 0.17, 0.27), strict=True))
SPECKLE = dict(zip(SEVERITIES, (0.15, 0.2, 0.35, 0.45, 0.6), strict=True))

BYTES = np.arange(256)
UNIT = BYTES / 255.0  # as imagecorruptions divides


def oracles_byte(unit: NDArray[np.float64]) -> NDArray[np.uint8]:
    """What imagecorruptions makes of a number, (H, W, 3) or not."""
    return np.uint8(np.clip(unit, 0, 1) * 255)


def normal_threshold(name: str, value: int) -> NDArray[np.float64]:
    """The noise, in units of the noise's scale, from which `value` turns into more than k = 0 .. 254."""
    distance = np.arange(1, 256) / 255 - value / 255
    return distance if name == "gaussian_noise" else distance / (value / 255)


def at_most(name: str, severity: int, value: int) -> NDArray[np.float64]:
    """The probability that `value` turns into k or less, k = 0 .. 255, by SciPy's distributions."""
    if name in ("gaussian_noise", "speckle_noise"):
        if name == "speckle_noise" and value == 0:
            return np.ones(256)
        scale = (GAUSSIAN if name == "gaussian_noise" else SPECKLE)[severity]
        return np.append(scipy.stats.norm.cdf(normal_threshold(name, value) / scale), 1.0)
    exact = np.zeros(256)
    if name == "shot_noise":
        white = SHOT[severity]
        photons = np.arange(500)
        np.add.at(exact, oracles_byte(photons / float(white)), scipy.stats.poisson.pmf(photons, UNIT[value] * white))
    else:
        amount = IMPULSE[severity]
        np.add.at(exact, [0, 255, oracles_byte(UNIT[value])], [amount / 2, amount / 2, 1 - amount])
    return np.cumsum(exact)


@functools.cache
def frequencies(name: str, severity: int) -> NDArray[np.int64]:
    """How often v turned into k, [v, k], of 49152 draws each."""
    return counted(corrupt(every_byte(49152), name, severity, seed=2, image_id="transitions"))


def every_byte(draws: int) -> Image:
    """Return an image whose row v is of value v, with `draws` values a row."""
    return np.repeat(BYTES.astype(np.uint8), draws).reshape(256, -1, 3)


def counted(result: Image) -> NDArray[np.int64]:
    return np.array([np.bincount(row.ravel(), minlength=256) for row in result])


def cells(expected: NDArray[np.float64]) -> NDArray[np.intp]:
    """Where to split 256 bytes into cells that hold `LEAST_EXPECTED` draws each or more."""
    split, total = [0], 0.0
    for k, (count, remaining) in enumerate(zip(expected, np.cumsum(expected[::-1])[::-1], strict=True)):
        if total >= LEAST_EXPECTED and remaining >= LEAST_EXPECTED:
            split.append(k)
            total = 0.0
        total += count
    return np.array(split)


def chi_square(
    observed: NDArray[np.int64], expected: NDArray[np.float64], split: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Pearson's sum over cells of counts (..., 256)."""
    observed, expected = (np.add.reduceat(counts, split, axis=-1) for counts in (observed, expected))
    return np.sum((observed - expected) ** 2 / expected)


def assert_plausible(tests: list[tuple[Any, int]], level: float = FAMILY_LEVEL) -> None:
    """No chi-square of a byte, given with its degrees of freedom, nor the sum over a condition's is too high."""
    conditions = np.array(tests).reshape(-1, 256, 2)
    every = np.concatenate([*conditions, conditions.sum(axis=1)])
    statistics, freedom = every[every[:, 1] > 0].T  # nothing to test where all draws are in one cell
    p_values = scipy.stats.chi2.sf(statistics, freedom)
    assert p_values.min() * len(p_values) > level


@pytest.mark.parametrize("name", ["gaussian_noise", "speckle_noise"])
def test_the_thresholds_of_normal_noise_equal_the_oracles_arithmetic(name: str) -> None:
    for value in range(name == "speckle_noise", 256):
        threshold = normal_threshold(name, value)
        for noise, byte in ((threshold - 1e-12 / UNIT[1], BYTES[:255]), (threshold + 1e-12 / UNIT[1], BYTES[1:])):
            clean = UNIT[value]
            noisy = clean + noise if name == "gaussian_noise" else clean + clean * noise
            assert np.array_equal(oracles_byte(noisy), byte)


@pytest.mark.parametrize(("name", "severity"), CONDITIONS)
def test_the_columns_hold_each_probability_to_the_last_of_32_bits(name: str, severity: int) -> None:
    transition, by_severity = TRANSITIONS[name]
    table = aliases(transition(by_severity[severity - 1])).astype(np.int64)
    own, alias = table >> 8, table & 255
    for value in range(256):
        mass = own[value].copy()
        np.add.at(mass, alias[value], (1 << 24) - own[value])
        # Half a unit of rounding, and what two ways of computing the same may differ by.
        np.testing.assert_allclose(
            np.cumsum(mass) / 2.0**32, at_most(name, severity, value), rtol=0, atol=2.0**-33 + 1e-14
        )


def test_every_byte_turns_into_every_other_as_often_as_in_the_closed_form() -> None:
    tests = []
    for name, severity in CONDITIONS:
        for value, observed in enumerate(frequencies(name, severity)):
            expected = np.diff(at_most(name, severity, value), prepend=0) * observed.sum()
            split = cells(expected)
            tests.append((chi_square(observed, expected, split), len(split) - 1))
    assert_plausible(tests)


def test_a_word_of_the_stream_picks_a_column_and_one_of_the_two_bytes_in_it() -> None:
    image = np.random.RandomState(0).randint(0, 256, size=(50, 60, 3)).astype(np.uint8)  # ends within a chunk
    stream = np.arange(5, dtype=np.uint32)
    words = np.empty(4 * CHUNK, dtype=np.uint32)
    fill_words(stream, 0, words)
    table = aliases(TRANSITIONS["gaussian_noise"][0](0.1))
    expected = []
    for value, word in zip(image.ravel().tolist(), words.tolist(), strict=False):
        own, alias = divmod(int(table[value, word % 256]), 256)
        expected.append(word % 256 if word // 256 < own else alias)
    assert np.array_equal(sample(image, table, stream).ravel(), expected)


@pytest.mark.parametrize(("name", "severity"), CONDITIONS)
def test_no_byte_turns_into_one_that_it_cannot(name: str, severity: int) -> None:
    for value, observed in enumerate(frequencies(name, severity)):
        probability = np.diff(at_most(name, severity, value), prepend=0)
        assert not observed[probability < 1e-13].any()


def test_every_byte_turns_into_every_other_as_often_as_in_the_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)  # scikit-image would make a fresh one for impulse_noise
    monkeypatch.setattr(np.random, "default_rng", lambda *_: generator)
    tests = []
    for name, severity in CONDITIONS:
        published = counted(oracle.corrupt(every_byte(6144), name, severity, severity))
        for observed in np.stack([frequencies(name, severity), published], axis=1):
            shares = observed.sum(axis=1, keepdims=True) / observed.sum()
            expected = observed.sum(axis=0) * shares
            split = cells(expected[1])
            tests.append((chi_square(observed, expected, split), len(split) - 1))
    assert_plausible(tests)


@pytest.mark.parametrize("name", CATEGORIES["noise"])
def test_neighbours_in_every_direction_draw_their_own_noise(name: str) -> None:
    grey = np.full((512, 600, 3), 128, dtype=np.uint8)
    values = corrupt(grey, name, 3, image_id="neighbours").astype(float)
    values -= values.mean()
    shifts = [(0, 0, 1), (0, 0, 2), (0, 1, 0), (1, 0, 0), (1, 1, 0), (0, 2, 0), (0, 0, -1)]
    for dy, dx, dc in shifts:
        neighbours = np.roll(values, (dy, dx, dc), axis=(0, 1, 2))
        # The correlation of n independent pairs has standard deviation 1 / sqrt(n).
        z = np.mean(values * neighbours) / values.var() * np.sqrt(values.size)
        assert abs(z) < scipy.stats.norm.isf(FAMILY_LEVEL / 2 / (len(shifts) * 4))


@pytest.mark.parametrize("name", CATEGORIES["noise"])
def test_images_draw_their_own_noise(name: str) -> None:
    grey = np.full((256, 256, 3), 128, dtype=np.uint8)
    first, second = (corrupt(grey, name, 3, image_id=image_id).ravel() for image_id in "ab")
    z = np.corrcoef(first, second)[0, 1] * np.sqrt(grey.size)
    assert abs(z) < scipy.stats.norm.isf(FAMILY_LEVEL / 2 / 4)


def test_the_noise_of_a_pixel_does_not_depend_on_the_size_of_the_image() -> None:
    image = np.random.RandomState(0).randint(0, 256, size=(100, 64, 3)).astype(np.uint8)
    for name in CATEGORIES["noise"]:
        assert np.array_equal(corrupt(image, name, 3)[:50], corrupt(image[:50], name, 3))


def test_impulse_noise_draws_as_scikit_image_did_at_the_time(noise: Image) -> None:
    # random_noise's own lines then: two arrays of numpy.random.choice over True and False.
    rng = np.random.RandomState(3)
    flipped = rng.choice([True, False], size=noise.shape, p=[0.09, 1 - 0.09])
    salted = rng.choice([True, False], size=noise.shape, p=[0.5, 1 - 0.5])
    ours = corrupt(noise, "impulse_noise", 3, rng=np.random.RandomState(3))
    assert np.array_equal(ours, np.where(flipped, np.where(salted, 255, 0), oracles_byte(noise / 255.0)))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulse_noise_of_a_random_state_is_distributed_as_the_oracles(severity: int) -> None:
    result = corrupt(every_byte(6144), "impulse_noise", severity, rng=np.random.RandomState(severity))
    tests = []
    for value, observed in enumerate(counted(result)):
        expected = np.diff(at_most("impulse_noise", severity, value), prepend=0) * observed.sum()
        assert not observed[expected == 0].any()
        split = np.flatnonzero(expected)
        tests.append((chi_square(observed, expected, split), len(split) - 1))
    assert_plausible(tests, FAMILY_LEVEL / len(SEVERITIES))


@pytest.mark.parametrize("name", ["speckle_noise", "shot_noise"])
def test_noise_of_the_value_leaves_black_black(name: str) -> None:
    black = np.zeros((64, 64, 3), dtype=np.uint8)
    assert not corrupt(black, name, 5).any()
    assert not corrupt(black, name, 5, rng=np.random.RandomState(0)).any()
