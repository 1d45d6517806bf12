"""Arms, their means and differences, and what may be said of these."""

from dataclasses import replace

import numpy as np
import pytest

from robustbench_seg.errors import UsageError
from robustbench_seg.studies.arms import arm_difference, arm_mean, arms_of
from robustbench_seg.studies.claims import TABLE_5, judge
from robustbench_seg.studies.grades import ArmDifference, Grade
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


def arms(first: tuple[float, ...], second: tuple[float, ...] = (0.5,), spread: float = 0.002) -> dict[str, np.ndarray]:
    """Make draws of the runs of two arms, a and c."""
    values = {f"{arm}-s{k}": value for arm, some in (("a", first), ("c", second)) for k, value in enumerate(some)}
    return {name: draws(value, spread, seed) for seed, (name, value) in enumerate(values.items())}


def primary(each: ArmDifference, p: float) -> ArmDifference:
    return replace(each, primary=True, p_over_runs=p)


def test_a_difference_is_of_the_means_over_runs_with_all_pairs() -> None:
    each = arm_difference(arms((0.6, 0.62)), "a", "c", 100)
    assert each.interval.estimate == pytest.approx(0.11)
    assert each.pairs == pytest.approx({("a-s0", "c-s0"): 0.1, ("a-s1", "c-s0"): 0.12})
    assert each.p == pytest.approx(2 / 1001)


def test_with_one_run_an_arm_a_difference_is_of_these_weights() -> None:
    each = arm_difference(arms((0.6,)), "a", "c", 100)
    assert each.grade is Grade.WEIGHTS
    assert np.isnan(each.over_runs.low)
    assert (each.mark, each.verdict) == ("", "seen for these weights, with one run an arm")


AGREEING = (
    ((0.6, 0.9), (0.5, 0.3), "1/3"),
    ((0.6, 0.9), (0.5,), "2/3"),
    ((0.9, 0.6, 0.55), (0.2, 0.5, 0.5), "1/10"),
)


@pytest.mark.parametrize(("first", "second", "chance"), AGREEING)
def test_runs_that_agree_in_sign_and_vary_much_are_no_more_than_that(
    first: tuple[float, ...], second: tuple[float, ...], chance: str
) -> None:
    each = arm_difference(arms(first, second), "a", "c", 100)
    assert not each.over_runs.excludes_zero
    assert each.grade is Grade.RUNS
    assert each.mark == ""
    assert each.verdict.endswith(f"agree in sign (by chance: {chance})")


def test_four_runs_an_arm_that_agree_are_not_significant_by_that() -> None:
    each = arm_difference(arms((0.9, 0.51, 0.505, 0.51), (0.5, 0.1, 0.495, 0.49), 0.0001), "a", "c", 100)
    assert each.grade is Grade.RUNS
    assert "by chance: 1/35" in each.verdict


def test_runs_that_vary_little_are_significant_and_have_a_star_only_in_a_primary_comparison() -> None:
    each = arm_difference(arms((0.6, 0.61), (0.5, 0.51)), "a", "c", 100)
    assert each.over_runs.excludes_zero
    assert each.grade is Grade.SIGNIFICANT
    assert (each.significant, each.mark, each.verdict) == (False, "(*)", "significant in itself, but exploratory")
    named = primary(each, 0.04)
    assert (named.significant, named.mark, named.verdict) == (True, "*", "significant")


def test_a_primary_comparison_needs_holm() -> None:
    each = primary(arm_difference(arms((0.6, 0.61), (0.5, 0.51)), "a", "c", 100), 0.051)
    assert each.grade is Grade.RUNS
    assert not each.significant
    assert each.mark == ""


def test_a_claim_is_matched_by_a_star_alone_and_else_supported_as_far_as_the_grade_goes() -> None:
    single = arm_difference(arms((0.6,)), "a", "c", 100)
    several = arm_difference(arms((0.6, 0.9), (0.5, 0.3)), "a", "c", 100)
    clear = arm_difference(arms((0.6, 0.61), (0.5, 0.51)), "a", "c", 100)
    same = arm_difference(arms((0.5,), spread=0.1), "a", "c", 100)
    judged = [judge(TABLE_5, each) for each in (single, several, clear, primary(clear, 0.01), same)]
    assert judged == [
        "supports in direction (for these weights), which alone is comparable",
        "supports in direction (in all runs so far), which alone is comparable",
        "supports in direction (exploratory), which alone is comparable",
        "matches in direction, which alone is comparable",
        "does not confirm",
    ]


def test_significance_needs_no_agreement_of_all_pairs() -> None:
    each = arm_difference(arms((0.6, 0.61, 0.6, 0.549), (0.5, 0.51, 0.5, 0.55)), "a", "c", 100)
    assert not each.same_sign
    assert each.grade is Grade.SIGNIFICANT


def test_runs_that_disagree_in_sign_are_not_resolved_however_narrow_the_interval_over_images() -> None:
    each = arm_difference(arms((0.9, 0.49)), "a", "c", 100)
    assert each.interval.excludes_zero
    assert each.grade is Grade.UNRESOLVED
    assert each.verdict == "not resolved, since pairs of runs disagree in sign"


def test_an_interval_with_zero_is_not_resolved_however_the_runs_agree() -> None:
    each = arm_difference(arms((0.51, 0.52), (0.5,), spread=0.1), "a", "c", 100)
    assert each.same_sign
    assert each.verdict == "not resolved, since the interval over images includes zero"


def test_arms_are_the_same_only_where_the_interval_lies_inside_the_margin() -> None:
    same = arm_difference(arms((0.5001,), spread=0.001), "a", "c", 100)
    assert same.verdict == "within 1 point for these weights"
    assert arm_difference(arms((0.5001,), spread=0.01), "a", "c", 100).grade is Grade.UNRESOLVED
    wider = arm_difference(arms((0.5001,), spread=0.01), "a", "c", 100, margin=0.05)
    assert wider.verdict == "within 5 points for these weights"
    assert arm_difference(arms((0.5001,), spread=0.001), "a", "c", 100, margin=None).grade is Grade.UNRESOLVED


def test_of_several_runs_the_interval_over_images_and_runs_must_lie_inside_the_margin() -> None:
    near = arm_difference(arms((0.5, 0.501), (0.501, 0.5), 0.0005), "a", "c", 100)
    assert near.verdict == "within 1 point for images and runs"
    far = arm_difference(arms((0.49, 0.511), (0.511, 0.49), 0.0005), "a", "c", 100)
    assert abs(far.interval.low) < 0.01
    assert far.grade is Grade.UNRESOLVED


def test_of_a_missing_cell_nothing_is_known() -> None:
    each = arm_difference({"a": np.full(11, np.nan), "c": draws(0.5)[:11]}, "a", "c", 100)
    assert each.grade is Grade.UNKNOWN
    assert each.agreement == "cells are missing"


def test_a_resample_without_the_number_is_not_called_a_missing_cell() -> None:
    draws = {"a": np.array([0.5, np.nan, 0.6]), "b": np.array([0.4, 0.3, 0.5])}  # a resample of unlabelled images alone
    each = arm_difference(draws, "a", "b", 10)
    assert each.interval.estimate == pytest.approx(0.1)
    assert each.obstacle
    assert each.verdict == "not known, since some resamples of so few images have no such number"


@pytest.mark.parametrize("blocks", [1, 2, 9])
def test_of_fewer_than_ten_blocks_nothing_is_known_however_far_the_arms_are_apart(blocks: int) -> None:
    each = arm_difference(arms((0.9, 0.91), (0.1, 0.11)), "a", "c", blocks)
    assert each.grade is Grade.UNKNOWN
    assert each.mark == ""
    ends = [getattr(one, end) for one in (each.interval, each.over_runs) for end in ("low", "high")]
    assert np.isnan([each.p, each.p_over_runs, *ends]).all()
    assert each.interval.estimate == pytest.approx(0.8)
    words = "1 block of images is" if blocks == 1 else f"{blocks} blocks of images are"
    assert each.verdict == f"not known, since {words} too few (it takes 10)"
    assert arm_difference(arms((0.9, 0.91), (0.1, 0.11)), "a", "c", LEAST_BLOCKS).grade is Grade.SIGNIFICANT


def alone(*differences: float) -> dict[str, np.ndarray]:
    """What each block has alone: c has 0.5 everywhere."""
    return {"a": 0.5 + np.array(differences), "c": np.full(len(differences), 0.5)}


@pytest.mark.parametrize(("differing", "p", "seen"), [(0, 1, False), (5, 0.0625, False), (6, 0.03125, True)])
def test_only_blocks_that_tell_the_arms_apart_count_for_p(differing: int, p: float, seen: bool) -> None:
    """Five blocks agree in sign by chance with probability 1 in 16; 95 blocks without a difference change nothing."""
    own = {"a": draws(0.6, 0.001), "c": draws(0.5, 0.001, seed=1)}
    blocks = alone(*[0.3] * differing, *[0.0] * (100 - differing))
    each = arm_difference(own, "a", "c", 100, alone=blocks)
    assert each.interval.excludes_zero
    assert each.p == p
    assert (each.grade is Grade.WEIGHTS) == seen
    if not seen:
        assert each.verdict == f"not resolved, since the two differ in no more than {differing} blocks of images"


def test_arms_that_differ_by_the_same_in_every_block_have_the_least_p_that_the_blocks_allow() -> None:
    own = {"a": np.full(10_001, 0.6), "c": np.full(10_001, 0.5)}
    each = arm_difference(own, "a", "c", 10, alone=alone(*[0.1] * 10))
    assert each.grade is Grade.WEIGHTS
    assert each.p == 2 / 2**10


def test_of_a_model_that_names_one_class_nothing_is_known() -> None:
    own = {"a-s0": draws(0.6), "a-s1": draws(0.61), "c": draws(0.5, seed=1), "d": draws(0.1, seed=2)}
    assert arm_difference(own, "a", "c", 100, blank={"d"}).grade is Grade.RUNS
    one = arm_difference(own, "a", "c", 100, blank={"a-s1"})
    assert one.grade is Grade.UNKNOWN
    assert one.p < 0.01
    assert one.verdict == "not known, since a does no better than one class for every pixel"
    both = arm_difference(own, "c", "d", 100, blank={"c", "d"})
    assert both.verdict == "not known, since c and d do no better than one class for every pixel"


def test_a_block_without_a_number_tells_nothing_apart() -> None:
    assert differing_blocks(np.array([np.nan] * 17 + [0.1, -0.2, 0.3, 0.0])) == 3
