"""When a difference between arms counts as found."""

import numpy as np
import pytest

from robustbench_seg.errors import UsageError
from robustbench_seg.studies.arms import arm_difference, arm_mean, arms_of


def draws(estimate: float, spread: float = 0.01, seed: int = 0) -> np.ndarray:
    return np.concatenate([[estimate], estimate + np.random.default_rng(seed).normal(0, spread, 1000)])


def test_models_are_grouped_by_arm_in_the_order_of_seeds() -> None:
    assert arms_of(["b0-mix-s10", "b0-mix-s2", "c", "x-s", "b0-s0"]) == {
        "b0-mix": ["b0-mix-s2", "b0-mix-s10"],
        "c": ["c"],
        "x-s": ["x-s"],
        "b0": ["b0-s0"],
    }


def test_weights_without_a_seed_are_no_seed_of_the_arm_of_their_name() -> None:
    assert arms_of(["b0", "b0-s1", "b0-s2"]) == {"b0": ["b0"], "b0 (seeds)": ["b0-s1", "b0-s2"]}


def test_an_arms_value_is_the_mean_over_its_seeds() -> None:
    one, two = draws(0.5, seed=1), draws(0.7, seed=2)
    assert np.allclose(arm_mean({"a-s0": one, "a-s1": two}, "a"), (one + two) / 2, atol=1e-15)
    with pytest.raises(UsageError, match="no model of arm 'b'; arms are: a"):
        arm_mean({"a-s0": one}, "b")


def test_a_difference_of_one_sign_and_without_zero_is_found() -> None:
    found = arm_difference({"a-s0": draws(0.6), "a-s1": draws(0.62), "c-s0": draws(0.5, seed=1)}, "a", "c", 100)
    assert found.interval.estimate == pytest.approx(0.11)
    assert found.pairs == pytest.approx({("a-s0", "c-s0"): 0.1, ("a-s1", "c-s0"): 0.12})
    assert found.found
    assert found.p == pytest.approx(2 / 1001)


def test_seeds_that_disagree_in_sign_are_no_difference_however_sure_the_interval() -> None:
    found = arm_difference({"a-s0": draws(0.9), "a-s1": draws(0.49), "c-s0": draws(0.5, seed=1)}, "a", "c", 100)
    assert found.interval.excludes_zero
    assert not found.found


def test_an_interval_with_zero_is_no_difference_however_the_seeds_agree() -> None:
    found = arm_difference({"a-s0": draws(0.51, 0.1), "c-s0": draws(0.5, 0.1, seed=1)}, "a", "c", 100)
    assert found.same_sign
    assert not found.interval.excludes_zero
    assert not found.found


def test_a_missing_cell_finds_nothing() -> None:
    found = arm_difference({"a": np.full(11, np.nan), "c": draws(0.5)[:11]}, "a", "c", 100)
    assert not found.found
    assert found.agreement == "cells are missing"


def test_equal_arms_of_one_seed_have_no_seeds_to_disagree() -> None:
    found = arm_difference({"a": draws(0.5), "c": draws(0.5)}, "a", "c", 100)
    assert found.verdict == "not found, since the interval includes zero"


def test_a_resample_without_the_number_is_not_called_a_missing_cell() -> None:
    draws = {"a": np.array([0.5, np.nan, 0.6]), "b": np.array([0.4, 0.3, 0.5])}  # a resample of unlabelled images alone
    found = arm_difference(draws, "a", "b", 4)
    assert found.interval.estimate == pytest.approx(0.1)
    assert not found.known
    assert found.verdict == "not known, since some resamples of so few images have no such number"
