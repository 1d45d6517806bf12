"""Which comparisons a suite names as primary, and how its stores know."""

from dataclasses import replace

import numpy as np
import pytest

from robustbench_seg.store.plan import Comparison, Plan
from robustbench_seg.store.view import View
from robustbench_seg.studies.arms import arm_difference
from robustbench_seg.studies.comparisons import is_primary, pairs_of, with_primary
from robustbench_seg.studies.primary import primary_of
from robustbench_seg.studies.statistics import holm
from robustbench_seg.suites import expand, read_suite

SHIPPED = ("camvid-c", "camvid-resolution", "camvid-c-resolution", "streets-c", "demo", "demo-full")
PLAN = Plan(
    suite="camvid-c", description="", protocol="segformer", conditions=(), precision="fp32", images=0, gallery=(),
    views=("whole",), cells=(),
)  # fmt: skip
A_C = Comparison(arms=("a", "c"), quantity="retention")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_stored_plan_without_any_has_those_of_the_shipped_suite(name: str) -> None:
    plan = expand(read_suite(name), {"a": "cpu"})
    assert plan.primary
    assert primary_of(replace(plan, primary=())) == plan.primary


def test_a_plan_keeps_its_own_and_a_suite_of_ones_own_has_none() -> None:
    assert primary_of(replace(PLAN, primary=(A_C,))) == (A_C,)
    assert primary_of(replace(PLAN, suite="mine")) == ()
    assert primary_of(replace(PLAN, protocol="chosen")) == (), "options changed its protocol, so its quantities"


def test_a_comparison_is_of_the_leading_view_unless_it_names_another() -> None:
    whole, pad = View(), View.parse("pad-32")
    of = {str(view): is_primary([A_C], ("c", "a"), "retention", {str(view)}, pad) for view in (whole, pad)}
    assert of == {"whole": False, "pad-32": True}
    assert is_primary([replace(A_C, view="whole")], ("a", "c"), "retention", {"whole"}, pad)
    assert not is_primary([A_C], ("a", "b"), "retention", {"pad-32"}, pad)
    assert not is_primary([A_C], ("a", "c"), "mean", {"pad-32"}, pad)
    assert not is_primary([A_C], ("a", "c"), ("ece", "retention"), {"pad-32"}, pad)
    assert is_primary([replace(A_C, quantity="clean")], ("a", "c"), pad, {"pad-32"}, pad)


def test_of_six_arms_a_primary_pair_is_compared_too() -> None:
    arms = {arm: [arm] for arm in "abcdef"}
    pairs = pairs_of(arms, None, [Comparison(arms=("e", "c"), quantity="mean")])
    assert {frozenset(pair) for pair in pairs} == {frozenset(pair) for pair in ("ab", "ac", "ad", "ae", "af", "ce")}


def test_p_of_primary_comparisons_is_adjusted_for_all_of_the_suite() -> None:
    rng = np.random.default_rng(0)
    draws = {
        f"{arm}-s{k}": np.append(value, rng.normal(value, 0.01, 500))
        for arm, value in (("a", 0.6), ("c", 0.5))
        for k in (0, 1)
    }
    differences = {
        ("a", "c", name): replace(arm_difference(draws, "a", "c", 20), p_over_runs=p)
        for name, p in (("x", 0.01), ("y", 0.03), ("z", 0.001))
    }
    adjusted = with_primary(differences, [("a", "c", "x"), ("a", "c", "y")], 3)
    assert [adjusted["a", "c", name].primary for name in "xyz"] == [True, True, False]
    assert [adjusted["a", "c", name].p_over_runs for name in "xy"] == pytest.approx(holm(np.array([0.01, 0.03, 1]))[:2])
    assert adjusted["a", "c", "z"].p_over_runs == 0.001
