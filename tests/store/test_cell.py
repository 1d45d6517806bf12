"""A cell has its condition and its setting: whatever decides its numbers is in them, or names model and data."""

from dataclasses import replace

import pytest

from robustbench_seg.errors import UsageError
from robustbench_seg.store.cell import Condition, QualityCell, Setting, View

CELL = QualityCell(
    model="m", dataset="d", split="s", corruption="fog", severity=3, view=View(scale=2), precision="bf16", seed=5,
    metrics=("boundary", "likelihood"),
)  # fmt: skip
CHANGES = {
    "corruption": "snow", "severity": 2, "seed": 6, "view": View(), "precision": "fp32", "metrics": (),
}  # fmt: skip


def test_a_cell_has_its_condition_and_its_setting() -> None:
    assert CELL.condition == Condition("fog", 3, 5)
    assert CELL.setting == Setting(
        condition=Condition("fog", 3, 5), view=View(scale=2), precision="bf16", metrics=("boundary", "likelihood")
    )
    assert (CELL.slug, str(CELL.condition)) == ("m-d-fog-3-whole-x2", "fog-3")
    clean = replace(CELL, corruption="clean", severity=0)
    assert (clean.slug, str(clean.condition)) == ("m-d-clean-whole-x2", "clean")


@pytest.mark.parametrize("name", CHANGES)
def test_each_field_that_is_no_name_reaches_the_setting(name: str) -> None:
    assert {"model", "dataset", "split", *CHANGES} == vars(CELL).keys()
    assert replace(CELL, **{name: CHANGES[name]}).setting != CELL.setting


@pytest.mark.parametrize("place", [("fog", 0), ("fog", 6), ("clean", 1)])
def test_a_severity_out_of_range_is_refused(place: tuple[str, int]) -> None:
    message = "severity must be 1 .. 5, or 0 with clean, got"
    with pytest.raises(UsageError, match=message):
        Condition(*place)
    with pytest.raises(UsageError, match=message):
        replace(CELL, corruption=place[0], severity=place[1])
