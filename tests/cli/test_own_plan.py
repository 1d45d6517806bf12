"""Which plan of a folder is a run's own, and what a run says of its suite's primary comparisons."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from program import program
from small import write_suite
from synthetic import write_synthetic

from robustbench_seg.cli.own_plan import OwnPlan
from robustbench_seg.store.folder import Store


def test_the_missing_cells_are_those_of_the_runs_own_plan(tmp_path: Path) -> None:
    conditions = {"gaussian_noise": [1, 3]}
    fields: dict[str, Any] = {"models": ["a"], "conditions": conditions, "images": 2}
    write_synthetic(tmp_path, lambda *_: 0.5, skip=["a-*gaussian_noise*"], **fields)
    (plan,) = Store(tmp_path).plans()
    own = OwnPlan(tmp_path)
    own.written(plan)
    write_synthetic(tmp_path, lambda *_: 0.5, draw=1, **fields)  # another run of the suite meanwhile
    Store(tmp_path).write_plan(replace(plan, suite="other"))
    assert own.missing() == 2


@pytest.mark.parametrize(
    ("arms", "options", "line"),
    [
        (["constant", "zz"], [], "constant minus zz, clean; the arms of its models are constant, b0"),
        (["constant", "b0-s0"], [], "constant minus b0-s0, clean; the arms of its models are constant, b0"),
        (
            ["constant", "b0"],
            ["--model", "b0-s0=segformer-b0@random"],
            "constant minus b0, clean; the arms of its models are b0",
        ),
        (["constant", "b0"], [], ""),
        (["one", "two"], ["--model", "one-s0=constant", "--model", "two-s1=constant"], ""),
    ],
)
def test_a_primary_comparison_of_an_arm_without_a_model_is_named_before_the_run(
    tmp_path: Path, arms: list[str], options: list[str], line: str
) -> None:
    fields: dict[str, Any] = {"views": ["whole"], "gallery": []}
    models = [{"name": "constant"}, {"name": "b0-s0", "model": "segformer-b0", "weights": "random"}]
    dataset = {"name": "streets", "split": "test", "size": [64, 96], "count": 2}
    primary = [{"arms": arms, "quantity": "clean"}]
    suite = write_suite(tmp_path, conditions={}, models=models, dataset=dataset, primary=primary, **fields)
    done = program("run", str(suite), "--out", str(tmp_path / "out"), "--workers", "0", *options)
    assert (done.returncode, done.stderr) == (0, "")
    start = "primary comparisons that this run has no models for: "
    assert [text for text in done.stdout.splitlines() if text.startswith(start)] == ([start + line] if line else [])
