"""The interval over images and training runs together."""

from itertools import permutations

import numpy as np
import pytest
import scipy.stats

from robustbench_seg.studies.runs import Runs, chance_of_agreement
from robustbench_seg.studies.statistics import holm, is_bound, percentiles

FIXED = 1001  # values of a statistic that is the same in all resamples


def constant(*values: float) -> list[np.ndarray]:
    return [np.full(FIXED, value) for value in values]


def drawn(*values: float, spread: float = 0.01) -> list[np.ndarray]:
    """Runs whose resamples vary together, as those of the same images do, and a little by themselves."""
    rng = np.random.default_rng(0)
    shared = rng.normal(0, spread, FIXED - 1)
    own = [rng.normal(0, spread / 4, FIXED - 1) for _ in values]
    return [
        np.concatenate([[v], v + shared * (1 if k % 2 else 0.5) + each])
        for k, (v, each) in enumerate(zip(values, own, strict=True))
    ]


@pytest.mark.parametrize("first", [(0.28, 0.3), (0.28, 0.3, 0.31), (0.5, 0.6, 0.4, 0.7)])
def test_without_variation_of_images_it_is_students_interval(first: tuple[float, ...]) -> None:
    second = tuple(0.9 * value - 0.01 for value in first)
    expected = scipy.stats.ttest_ind(first, second).confidence_interval(0.95)
    runs = Runs(constant(*first), constant(*second), 17)
    assert runs.interval.low == pytest.approx(expected.low, rel=1e-9)
    assert runs.interval.high == pytest.approx(expected.high, rel=1e-9)
    assert runs.interval.estimate == pytest.approx(np.mean(first) - np.mean(second))
    assert runs.p == pytest.approx(scipy.stats.ttest_ind(first, second).pvalue, rel=1e-6)


@pytest.mark.parametrize("values", [(0.28, 0.3), (0.28, 0.3, 0.31), (0.5, 0.6, 0.4, 0.7)])
def test_of_a_single_arm_it_is_students_interval_of_a_mean(values: tuple[float, ...]) -> None:
    expected = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    interval = Runs(constant(*values), (), 17).interval
    assert [interval.low, interval.high] == pytest.approx([expected.low, expected.high], rel=1e-9)
    assert interval.estimate == pytest.approx(np.mean(values))
    alone = Runs(constant(values[0]), (), 17).interval
    assert alone.estimate == pytest.approx(values[0])
    assert np.isnan([alone.low, alone.high]).all()


def test_of_unlike_numbers_of_runs_the_smaller_decides_the_degrees_of_freedom() -> None:
    first, second = (0.5, 0.52), (0.4, 0.41, 0.45, 0.43)
    error = np.sqrt(np.var(first, ddof=1) / 2 + np.var(second, ddof=1) / 4)
    low, high = scipy.stats.t.interval(0.95, 2, loc=np.mean(first) - np.mean(second), scale=error)
    runs = Runs(constant(*first), constant(*second), 17)
    assert [runs.interval.low, runs.interval.high] == pytest.approx([low, high])


def test_runs_that_do_not_vary_leave_the_interval_over_images() -> None:
    first, second = drawn(0.5, 0.4)
    copies = [first + 1e-15, first], [second, second + 1e-15]
    runs = Runs(*copies, 17)
    images = percentiles(first - second, 17)
    assert [runs.interval.low, runs.interval.high] == pytest.approx([images.low, images.high], abs=1e-9)


def test_distances_from_the_estimate_add_as_squares() -> None:
    first, second = drawn(0.5, 0.54, 0.55, spread=0.02), drawn(0.4, 0.41, 0.39)
    runs = Runs(first, second, 17)
    values = ([draws[0] for draws in arm] for arm in (first, second))
    student = scipy.stats.ttest_ind(*values).confidence_interval(0.95)
    for end in ("low", "high"):
        images, of_runs, both = (
            abs(getattr(each, end) - runs.images.estimate) for each in (runs.images, student, runs.interval)
        )
        assert both**2 == pytest.approx(images**2 + of_runs**2)
        assert both > max(images, of_runs)


def test_with_one_run_in_an_arm_there_is_none() -> None:
    for first, second in ((drawn(0.5), drawn(0.4)), (drawn(0.5, 0.6), drawn(0.4))):
        runs = Runs(first, second, 17)
        assert np.isnan([runs.interval.low, runs.interval.high, runs.p]).all()
        assert np.isfinite(runs.images.low)


def test_the_same_weights_twice_are_one_run() -> None:
    (first,) = drawn(0.5)
    runs = Runs([first, first], drawn(0.4, 0.41), 17)
    assert runs.counts == (1, 2)
    assert np.isnan(runs.interval.low)


def test_of_too_few_blocks_there_is_none() -> None:
    runs = Runs(drawn(0.5, 0.6), drawn(0.4, 0.41), 9)
    assert np.isnan([runs.interval.low, runs.p]).all()


@pytest.mark.parametrize("gap", [0.01, 0.03, 0.06])
def test_at_the_level_of_p_the_interval_ends_at_zero(gap: float) -> None:
    runs = Runs(drawn(0.4 + gap, 0.41 + gap, 0.43 + gap), drawn(0.4, 0.42, 0.41), 17)
    images = percentiles(runs.difference, 17, 1 - runs.p)
    at_p = runs.widened(images.estimate, images.low, images.high, runs.p)
    assert at_p.low == pytest.approx(0, abs=1e-6)
    assert (runs.p < 0.05) == runs.interval.excludes_zero


@pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 1), (2, 2), (3, 2), (3, 3)])
def test_the_chance_of_agreement_is_that_of_all_orders(first: int, second: int) -> None:
    orders = list(permutations(range(first + second)))
    agree = sum(min(o[:first]) > max(o[first:]) or max(o[:first]) < min(o[first:]) for o in orders)
    assert float(chance_of_agreement(first, second)) == pytest.approx(agree / len(orders))


def test_holm_counts_tests_that_are_elsewhere_as_larger() -> None:
    p = np.array([0.01, 0.02, 0.2])
    assert holm(p[:2], 3) == pytest.approx(holm(p)[:2])
    assert holm(np.array([0.02, np.nan]), 2)[0] == 0.04


def test_an_adjusted_p_is_a_bound_where_a_p_at_the_floor_decides_it() -> None:
    floor = 2 / 10_001
    p = np.array([floor, 0.00025, 0.3, np.nan])
    adjusted = holm(p)
    assert is_bound(p, 10_000).tolist() == [True, True, False, False]
    assert adjusted[1] == adjusted[0], "the second is no smaller than the first"
