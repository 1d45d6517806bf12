"""Intervals and p-values against their definitions."""

import itertools

import numpy as np
import pytest
import scipy.stats

from robustbench_seg.studies.statistics import (
    LEAST_BLOCKS,
    Interval,
    holm,
    interval,
    least_p,
    p_value,
    percentiles,
    too_few,
)


def test_an_interval_is_of_percentiles_where_blocks_are_many() -> None:
    draws = np.concatenate([[7.0], np.random.default_rng(0).permutation(np.arange(1001.0))])
    result = interval(draws, 1_000_000)
    assert result.estimate == 7
    assert (result.low, result.high) == (pytest.approx(25, abs=0.01), pytest.approx(975, abs=0.01))
    assert interval(draws, 1_000_000, 0.5).high == pytest.approx(750, abs=0.01)


@pytest.mark.parametrize("blocks", [6, 17, 100])
def test_an_interval_from_few_blocks_is_as_wide_as_students(blocks: int) -> None:
    """The resamples of a mean have standard deviation s sqrt((n - 1) / n) / sqrt(n); Student's interval has s."""
    s = 2.0
    spread = s * np.sqrt((blocks - 1) / blocks) / np.sqrt(blocks)
    quantiles = scipy.stats.norm.ppf((np.arange(200_001) + 0.5) / 200_001)
    result = percentiles(np.concatenate([[0.0], spread * quantiles]), blocks)
    low, high = scipy.stats.t.interval(0.95, blocks - 1, scale=s / np.sqrt(blocks))
    assert (result.low, result.high) == (pytest.approx(low, rel=1e-3), pytest.approx(high, rel=1e-3))


def test_p_counts_the_resamples_on_the_other_side_of_zero() -> None:
    resampled = [-1.0] * 3 + [0.0] * 2 + [1.0] * 94  # 99 resamples: 5 at or below 0
    assert p_value(np.array([0.5, *resampled]), 50) == pytest.approx(2 * (1 + 5) / 100)
    assert p_value(-np.array([0.5, *resampled]), 50) == pytest.approx(2 * (1 + 5) / 100)
    assert p_value(np.array([0.5] + [1.0] * 99), 50) == pytest.approx(0.02)  # the least p of 99 resamples
    assert p_value(np.zeros(100), 50) == 1
    assert np.isnan(p_value(np.array([np.nan, 1.0]), 50))


def signs_flipped(differences: np.ndarray) -> float:
    """The p of Fisher's randomisation test: the share of all choices of signs whose mean is as far from 0."""
    signs = np.array(list(itertools.product((1, -1), repeat=len(differences))))
    return float(np.mean(np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12))


@pytest.mark.parametrize("blocks", [10, 11, 12, 14])
def test_no_p_is_below_the_p_of_the_most_extreme_choice_of_signs(blocks: int) -> None:
    """If all blocks agree, resampling gives 2 / 10,001 for any number of blocks, and the choices of signs give more."""
    differences = np.random.default_rng(blocks).uniform(1, 2, blocks)
    drawn = np.random.default_rng(0).multinomial(blocks, [1 / blocks] * blocks, 10_000) @ differences / blocks
    p = p_value(np.array([differences.mean(), *drawn]), blocks)
    assert least_p(blocks) == signs_flipped(differences)
    assert p == max(2 / 10_001, signs_flipped(differences))


@pytest.mark.parametrize("blocks", [0, 1, 2, 9])
def test_of_fewer_than_ten_blocks_there_is_neither_interval_nor_p(blocks: int) -> None:
    draws = np.array([0.5] + [0.6] * 99)
    assert vars(interval(draws, blocks)) == pytest.approx({"estimate": 0.5, "low": np.nan, "high": np.nan}, nan_ok=True)
    assert np.isnan(p_value(draws, blocks))
    assert "too few" in too_few(blocks)


def test_ten_blocks_have_an_interval_and_a_p() -> None:
    draws = np.array([0.5] + [0.6] * 1999)
    assert vars(interval(draws, LEAST_BLOCKS)) == {"estimate": 0.5, "low": 0.6, "high": 0.6}
    assert p_value(draws, LEAST_BLOCKS) == 2 / 2**10
    assert too_few(LEAST_BLOCKS) == ""


def test_p_is_uniform_where_there_is_no_difference() -> None:
    """Of 2,000 samples of 100 from a normal about 0, 5 % have p <= 0.05 (Monte-Carlo error 0.5 %)."""
    rng = np.random.default_rng(1)
    means = rng.standard_normal((2000, 1)) / 10
    draws = np.concatenate([means, means + rng.standard_normal((2000, 999)) / 10], axis=1)
    share = np.mean([p_value(row, 100) <= 0.05 for row in draws])
    assert 0.035 < share < 0.065


def test_holms_steps_equal_a_worked_example() -> None:
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])) == pytest.approx([1, 1])
    with_missing = holm(np.array([np.nan, 0.01, 0.04]))
    assert np.isnan(with_missing[0])
    assert with_missing[1:] == pytest.approx([0.02, 0.04])


def test_p_of_a_table_is_adjusted_over_all_of_its_rows() -> None:
    rng = np.random.default_rng(2)
    sure, unsure, missing = rng.normal(1, 0.1, 1000), rng.normal(0.0, 1, 1000), np.full(1000, np.nan)
    p = np.array([p_value(draws, 100) for draws in (sure, unsure, missing)])
    assert p[0] == pytest.approx(2 / 1000)
    assert holm(p)[0] == pytest.approx(4 / 1000)
    assert interval(sure, 100).low > 0
    assert np.isnan([*vars(interval(missing, 100)).values(), p[2], holm(p)[2]]).all()


def test_an_interval_excludes_zero_only_on_one_side() -> None:
    assert Interval(1, 0.5, 2).excludes_zero
    assert Interval(-1, -2, -0.5).excludes_zero
    assert not Interval(1, -0.5, 2).excludes_zero
    assert not Interval(float("nan"), float("nan"), float("nan")).excludes_zero
