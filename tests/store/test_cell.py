"""A cell has its condition and its setting: whatever decides its numbers is in them, or names model and data."""

from dataclasses import replace

import pytest

from robustbench_seg.errors import UsageError
from robustbench_seg.store.cell import Condition, QualityCell, Setting, View, stated

CELL = QualityCell(
    model="m", dataset="d", split="s", corruption="fog", severity=3, view=View(scale=2), precision="bf16", seed=5,
    metrics=("boundary", "likelihood"),
)  # fmt: skip
PLAIN = replace(CELL, metrics=())
CHANGES = {
    "corruption": "snow", "severity": 2, "seed": 6, "view": View(), "precision": "fp32", "metrics": ("boundary",),
    "void": "counted",
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
    assert replace(PLAIN, **{name: CHANGES[name]}).setting != PLAIN.setting


def test_the_rule_for_void_pixels_is_in_the_name_of_a_cell_and_is_of_the_miou_alone() -> None:
    counted = replace(PLAIN, void="counted", metrics=())
    assert counted.slug == f"{PLAIN.slug}-void-counted" == "m-d-fog-3-whole-x2-void-counted"
    with pytest.raises(UsageError, match="void: counted is a rule for the mIoU alone, got the metrics boundary"):
        replace(counted, metrics=("boundary",))


def test_a_cell_states_its_rule_for_void_pixels_only_where_it_is_not_the_usual_one() -> None:
    usual = {**vars(CELL), "view": vars(CELL.view)}
    assert usual.pop("void") == "ignored"
    assert stated(CELL) == usual
    counted = replace(CELL, void="counted", metrics=())
    assert stated(counted) == {**usual, "metrics": (), "void": "counted"}


@pytest.mark.parametrize("place", [("fog", 0), ("fog", 6), ("clean", 1)])
def test_a_severity_out_of_range_is_refused(place: tuple[str, int]) -> None:
    message = "severity must be 1 .. 5, or 0 with clean, got"
    with pytest.raises(UsageError, match=message):
        Condition(*place)
    with pytest.raises(UsageError, match=message):
        replace(CELL, corruption=place[0], severity=place[1])
