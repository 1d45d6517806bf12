"""The title of a report: which difference it states, and that it claims no more than the grade."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic import write_synthetic

from robustbench_seg import read_results
from robustbench_seg.store.view import View
from robustbench_seg.studies.findings import finding_under_corruption, pair_finding
from robustbench_seg.studies.grades import ArmDifference, Grade
from robustbench_seg.studies.statistics import Interval

CONDITIONS = {"gaussian_noise": [1], "defocus_blur": [1], "fog": [1]}


def difference(estimate: float, *, runs: int = 1, half: float = 0.01, wide: float = float("nan")) -> ArmDifference:
    """A minus B, of 40 blocks that all differ; half, wide: half the width of the interval over images, and runs."""
    return ArmDifference(
        first="a",
        second="b",
        interval=Interval(estimate, estimate - half, estimate + half),
        over_runs=Interval(estimate, estimate - wide, estimate + wide),
        p=0.001,
        p_over_runs=0.01,
        pairs={(f"a-s{k}", f"b-s{k}"): estimate for k in range(runs)},
        runs=(runs, runs),
        blocks=40,
        differing=40,
    )


@pytest.mark.parametrize(
    ("each", "grade", "title"),
    [
        (replace(difference(0.1, runs=2, wide=0.02), primary=True), Grade.SIGNIFICANT, "a has more clean mIoU than b"),
        (difference(0.1, runs=2, wide=0.02), Grade.SIGNIFICANT, "a has more clean mIoU than b (exploratory)"),
        (difference(-0.1, runs=2, wide=0.5), Grade.RUNS, "b has more clean mIoU than a (in all runs so far)"),
        (difference(0.1), Grade.WEIGHTS, "a has more clean mIoU than b (for these weights)"),
        (
            difference(-0.005, half=0.004),
            Grade.WEIGHTS,
            "b has more clean mIoU than a, by less than 1 point (for these weights)",
        ),
        (difference(-0.009, half=0.004), Grade.WEIGHTS, "b has more clean mIoU than a (for these weights)"),
        (
            difference(0.005, runs=2, half=0.004, wide=0.02),
            Grade.RUNS,
            "a has more clean mIoU than b (in all runs so far)",
        ),
        (difference(0.001, half=0.002), Grade.SAME, "a and b agree in clean mIoU within 1 point"),
        (difference(0.01, half=0.05), Grade.UNRESOLVED, "No difference in clean mIoU between a and b is resolved"),
        (replace(difference(0.1), blocks=4), Grade.UNKNOWN, "Whether a and b differ in clean mIoU is not known"),
    ],
)
def test_a_title_has_the_grade_of_its_difference(each: ArmDifference, grade: Grade, title: str) -> None:
    assert each.grade is grade
    assert pair_finding(each, "clean").title == title


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("quantity", ["clean", "drop", "extent", "growth"])
def test_the_difference_below_a_title_is_stated_from_the_arm_that_has_more(quantity: str, sign: int) -> None:
    each = replace(difference(0.1, runs=2, wide=0.02), by_group={"north": 0.1})
    made = pair_finding(each if sign > 0 else each.turned, quantity)
    assert made.difference == each
    assert made.title.startswith("a ")
    assert each.turned.interval == Interval(-0.1, pytest.approx(-0.11), pytest.approx(-0.09))
    assert each.turned.pairs == {("b-s0", "a-s0"): -0.1, ("b-s1", "a-s1"): -0.1}
    assert each.turned.grade is each.grade


def title_of(**differences: ArmDifference) -> str:
    of = {("a", "b", name): each for name, each in differences.items()}
    found = finding_under_corruption(of, ("a", "b"), CONDITIONS)
    assert found is not None
    return found.title


def test_categories_that_agree_are_named_once() -> None:
    ahead = difference(0.1)
    title = title_of(mean=ahead, noise=ahead, blur=ahead, weather=ahead)
    assert title == "a has more mIoU under corruption than b, under noise, blur and weather alike (for these weights)"


def test_categories_that_differ_have_their_own_grades_and_what_is_open_is_said() -> None:
    runs, sure = difference(0.1, runs=2, wide=0.5), difference(0.1, runs=2, wide=0.02)
    behind, nothing = difference(-0.1, runs=2, wide=0.5), difference(0.01, half=0.05)
    assert title_of(mean=runs, noise=sure, blur=behind, weather=nothing) == (
        "a has more mIoU under corruption than b (in all runs so far); a is ahead under noise (exploratory); "
        "b is ahead under blur (in all runs so far); as a whole, weather is not resolved"
    )
    little = difference(0.005, half=0.004)
    assert title_of(mean=runs, noise=sure, blur=little, weather=little).endswith(
        "; a is ahead under noise (exploratory); under blur and weather they are within 1 point"
    )
    assert title_of(mean=runs, noise=sure, blur=little, weather=nothing).endswith(
        "; a is ahead under noise (exploratory); elsewhere they are within 1 point or not resolved"
    )
    beyond = difference(0.009, half=0.008, runs=2, wide=0.1)  # a small estimate, and an interval beyond the margin
    assert title_of(mean=runs, noise=sure, blur=beyond, weather=little).endswith(
        "; a is ahead under noise (exploratory) and blur (in all runs so far); under weather they are within 1 point"
    )
    assert title_of(mean=runs, noise=sure, blur=nothing, weather=nothing).endswith(
        "; as a whole, blur and weather are not resolved"
    )
    assert title_of(mean=nothing, noise=nothing, blur=nothing, weather=nothing) == (
        "No difference in mIoU under corruption between a and b is resolved"
    )


def test_a_primary_comparison_takes_the_place_of_the_mean() -> None:
    ahead, first = difference(0.1), replace(difference(-0.1), primary=True)
    title = title_of(mean=ahead, retention=first, noise=ahead, blur=ahead, weather=ahead)
    assert title.startswith(
        "b keeps more of its mIoU under corruption than a (for these weights); a has more mIoU under noise, "
    )
    unmeasured = replace(difference(-0.1), primary=True, interval=Interval(*[float("nan")] * 3))
    assert title_of(drop=unmeasured, retention=first, noise=ahead, blur=ahead, weather=ahead) == title


@pytest.mark.parametrize("quantity", ["drop", "clean"])
def test_categories_of_miou_stand_next_to_no_other_quantity(quantity: str) -> None:
    ahead = replace(difference(0.1), primary=True)
    title = title_of(**{quantity: ahead}, noise=ahead, blur=ahead, weather=ahead)
    assert "noise" not in title
    assert title == pair_finding(ahead, quantity).title


def test_without_the_cells_of_the_primary_comparison_there_is_no_title() -> None:
    first = replace(difference(-0.1), primary=True)
    missing = replace(first, interval=Interval(*[float("nan")] * 3))
    assert finding_under_corruption({("a", "b", "retention"): missing}, None, CONDITIONS) is None


def test_a_lead_that_is_not_known_is_said_so_and_arms_of_one_score_share_the_first_place(tmp_path: Path) -> None:
    def title(folder: Path, **models: float) -> str:
        def accuracy(model: str, corruption: str, severity: int, view: View) -> float:
            return models[model]

        write_synthetic(folder, accuracy, models=list(models), conditions={"fog": [1, 3]}, images=6)
        (section,) = json.loads(read_results(folder).to_json())["sections"]
        return str(section["title"])

    assert re.fullmatch(
        r"Of 3 arms, a has the highest mIoU under corruption, [\d.]+ %; its lead over b: not known",
        title(tmp_path / "ahead", a=0.8, b=0.7, c=0.6),
    )
    tied = title(tmp_path / "tied", ab=0.8, ba=0.8, c=0.6)  # of one noise
    assert re.fullmatch(r"Of 3 arms, ab and ba have the highest mIoU under corruption, [\d.]+ %", tied)
