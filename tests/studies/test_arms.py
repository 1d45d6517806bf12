"""When a difference between arms counts as significant."""

import numpy as np
import pytest

from robustbench_seg.errors import UsageError
from robustbench_seg.studies.arms import arm_difference, arm_mean, arms_of
from robustbench_seg.studies.statistics import LEAST_BLOCKS, differing_blocks


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


def test_a_difference_of_one_sign_and_without_zero_is_significant() -> None:
    found = arm_difference({"a-s0": draws(0.6), "a-s1": draws(0.62), "c-s0": draws(0.5, seed=1)}, "a", "c", 100)
    assert found.interval.estimate == pytest.approx(0.11)
    assert found.pairs == pytest.approx({("a-s0", "c-s0"): 0.1, ("a-s1", "c-s0"): 0.12})
    assert found.significant
    assert found.p == pytest.approx(2 / 1001)


def test_seeds_that_disagree_in_sign_are_no_difference_however_narrow_the_interval() -> None:
    found = arm_difference({"a-s0": draws(0.9), "a-s1": draws(0.49), "c-s0": draws(0.5, seed=1)}, "a", "c", 100)
    assert found.interval.excludes_zero
    assert not found.significant


def test_an_interval_with_zero_is_no_difference_however_the_seeds_agree() -> None:
    found = arm_difference({"a-s0": draws(0.51, 0.1), "c-s0": draws(0.5, 0.1, seed=1)}, "a", "c", 100)
    assert found.same_sign
    assert not found.interval.excludes_zero
    assert not found.significant


def test_of_a_missing_cell_nothing_is_significant() -> None:
    found = arm_difference({"a": np.full(11, np.nan), "c": draws(0.5)[:11]}, "a", "c", 100)
    assert not found.significant
    assert found.agreement == "cells are missing"


def test_equal_arms_of_one_seed_have_no_seeds_to_disagree() -> None:
    found = arm_difference({"a": draws(0.5), "c": draws(0.5)}, "a", "c", 100)
    assert found.verdict == "not significant, since the interval includes zero"


def test_a_resample_without_the_number_is_not_called_a_missing_cell() -> None:
    draws = {"a": np.array([0.5, np.nan, 0.6]), "b": np.array([0.4, 0.3, 0.5])}  # a resample of unlabelled images alone
    found = arm_difference(draws, "a", "b", 10)
    assert found.interval.estimate == pytest.approx(0.1)
    assert found.obstacle
    assert found.verdict == "not known, since some resamples of so few images have no such number"


@pytest.mark.parametrize("blocks", [1, 2, 9])
def test_of_fewer_than_ten_blocks_nothing_is_significant_however_far_the_arms_are_apart(blocks: int) -> None:
    found = arm_difference({"a": draws(0.9), "c": draws(0.1, seed=1)}, "a", "c", blocks)
    assert not found.significant
    assert found.obstacle
    assert np.isnan([found.p, found.interval.low, found.interval.high]).all()
    assert found.interval.estimate == pytest.approx(0.8)
    words = "1 block of images is" if blocks == 1 else f"{blocks} blocks of images are"
    assert found.verdict == f"not known, since {words} too few (it takes 10)"
    assert arm_difference({"a": draws(0.9), "c": draws(0.1, seed=1)}, "a", "c", LEAST_BLOCKS).significant


def alone(*differences: float) -> dict[str, np.ndarray]:
    """What each block has alone: c has 0.5 everywhere."""
    return {"a": 0.5 + np.array(differences), "c": np.full(len(differences), 0.5)}


@pytest.mark.parametrize(("differing", "p", "significant"), [(0, 1, False), (5, 0.0625, False), (6, 0.03125, True)])
def test_only_blocks_that_tell_the_arms_apart_count_for_p(differing: int, p: float, significant: bool) -> None:
    """Five blocks agree in sign by chance with probability 1 in 16; 95 blocks without a difference change nothing."""
    arms = {"a": draws(0.6, 0.001), "c": draws(0.5, 0.001, seed=1)}
    blocks = alone(*[0.3] * differing, *[0.0] * (100 - differing))
    difference = arm_difference(arms, "a", "c", 100, alone=blocks)
    assert difference.interval.excludes_zero
    assert difference.p == p
    assert difference.significant == significant
    if not significant:
        assert difference.verdict == (
            f"not significant, since the two differ in no more than {differing} blocks of images"
        )


def test_arms_that_differ_by_the_same_in_every_block_have_the_least_p_that_the_blocks_allow() -> None:
    arms = {"a": np.full(10_001, 0.6), "c": np.full(10_001, 0.5)}
    found = arm_difference(arms, "a", "c", 10, alone=alone(*[0.1] * 10))
    assert found.significant
    assert found.p == 2 / 2**10


def test_a_model_that_names_one_class_does_not_differ_significantly() -> None:
    arms = {"a-s0": draws(0.6), "a-s1": draws(0.61), "c": draws(0.5, seed=1), "d": draws(0.1, seed=2)}
    assert arm_difference(arms, "a", "c", 100, blank={"d"}).significant
    one = arm_difference(arms, "a", "c", 100, blank={"a-s1"})
    assert not one.significant
    assert one.p < 0.01
    assert one.verdict == "not known, since a does no better than one class for every pixel"
    both = arm_difference(arms, "c", "d", 100, blank={"c", "d"})
    assert both.verdict == "not known, since c and d do no better than one class for every pixel"


def test_a_block_without_a_number_tells_nothing_apart() -> None:
    assert differing_blocks(np.array([np.nan] * 17 + [0.1, -0.2, 0.3, 0.0])) == 3
