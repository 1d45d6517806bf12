"""Primary comparisons in a suite's file."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from robustbench_seg.errors import UsageError
from robustbench_seg.store.view import View
from robustbench_seg.suites import Suite, expand, read_suite, with_options

RETENTION = {"arms": ["a", "c"], "quantity": "retention"}
EXTENT = {"arms": ["b", "a"], "quantity": "extent"}
SLIDE = {"mode": "slide", "crop": 64, "stride": 32}


def suite(folder: Path, **fields: Any) -> Suite:
    content = {
        "name": "mine", "description": "", "dataset": {"name": "streets", "split": "test"},
        "protocol": "own", "conditions": {"fog": [1], "frost": [1]}, "views": ["whole", SLIDE], **fields,
    }  # fmt: skip
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return read_suite(str(path))


def test_they_are_in_the_plan_with_the_margin(tmp_path: Path) -> None:
    plan = expand(suite(tmp_path, primary=[RETENTION, EXTENT | {"view": "whole"}], margin=0.5), {"a": "cpu"})
    assert [str(each) for each in plan.primary] == ["a minus c, retention", "b minus a, extent, view whole"]
    assert plan.margin == 0.5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"primary": [RETENTION | {"quantity": "rain"}]}, "unknown quantity 'rain'; known here: clean, fog, frost, w"),
        ({"primary": [RETENTION | {"arms": ["a", "a"]}]}, "needs two arms that differ, got a twice"),
        ({"primary": [RETENTION | {"arms": ["a"]}]}, "primary"),
        ({"primary": [RETENTION | {"view": "pad-32"}]}, "view pad-32 is not among the views"),
        ({"primary": [RETENTION, RETENTION]}, "comparisons must differ"),
        (
            {"primary": [RETENTION, RETENTION | {"arms": ["c", "a"]}]},
            "comparisons must differ, whichever arm is first, got c minus a, retention again",
        ),
        ({"primary": [EXTENT], "views": ["whole"]}, "unknown quantity 'extent'"),
        ({"margin": 0}, "margin"),
        ({"margin": 101}, "margin"),
    ],
)  # fmt: skip
def test_what_it_does_not_measure_is_refused(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        suite(tmp_path, **fields)


def test_other_conditions_and_views_leave_out_what_is_not_measured(tmp_path: Path) -> None:
    own = suite(tmp_path, primary=[RETENTION, EXTENT])
    assert with_options(own, protocol="clean").primary == ()
    assert with_options(own, conditions={"fog": [1]}).primary == (), "retention would be another quantity"
    assert [each.quantity for each in with_options(own, views=[View()]).primary] == ["retention"]
    assert with_options(own, seeds=[1, 2]).primary == own.primary
