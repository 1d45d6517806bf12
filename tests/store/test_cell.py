"""A cell has its condition and its setting: whatever decides its numbers is in them, or names model and data."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from robustbench_seg.errors import UsageError
from robustbench_seg.files import digest
from robustbench_seg.store.cell import Condition, QualityCell, Setting
from robustbench_seg.store.record import KEY_VERSION, quality_key
from robustbench_seg.store.strict_json import from_json
from robustbench_seg.store.view import View

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
    usual = {**vars(CELL), "view": {name: value for name, value in vars(CELL.view).items() if name != "batchnorm"}}
    assert usual.pop("void") == "ignored"
    assert CELL.to_dict() == usual
    counted = replace(CELL, void="counted", metrics=())
    assert counted.to_dict() == {**usual, "metrics": (), "void": "counted"}


@pytest.mark.parametrize("place", [("fog", 0), ("fog", 6), ("clean", 1)])
def test_a_severity_out_of_range_is_refused(place: tuple[str, int]) -> None:
    message = "severity must be 1 .. 5, or 0 with clean, got"
    with pytest.raises(UsageError, match=message):
        Condition(*place)
    with pytest.raises(UsageError, match=message):
        replace(CELL, corruption=place[0], severity=place[1])


@pytest.mark.parametrize(
    ("scale", "name", "label"),
    [
        (1.5, "whole-x1.5", "whole-x1.5"),
        (1.06667, "whole-x1.06667", "whole-x1.06667"),
        (16 / 15, "whole-x1.0666666666666667", "whole-x1.06667"),
        (4 / 3, "whole-x1.3333333333333333", "whole-x1.33333"),
        (0.1 + 0.2, "whole-x0.30000000000000004", "whole-x0.3"),
        (1.25e-7, "whole-x1.25e-07", "whole-x1.25e-07"),
        ((0.5, 2 / 3), "whole-x0.5_0.6666666666666666", "whole-x0.5_0.666667"),
    ],
)
def test_a_view_is_read_from_its_name_to_the_last_digit_of_its_scales(
    scale: float | tuple[float, ...], name: str, label: str
) -> None:
    view = View(scale=scale)
    assert (str(view), view.label) == (name, label)
    assert View.parse(name) == view
    assert View.parse(label).label == label


def test_views_of_random_scales_are_read_from_their_names() -> None:
    rng = np.random.default_rng(7)
    for scale in [*rng.uniform(0, 8, 500), *(1 / rng.integers(1, 10**6, 500)), *np.exp(rng.uniform(-30, 2, 500))]:
        for view in (View(scale=float(scale)), View(mode="slide", crop=64, stride=32, scale=(1.0, float(scale)))):
            assert View.parse(str(view)) == view


def test_files_and_columns_have_the_label_of_a_view() -> None:
    cell = replace(CELL, view=View(scale=16 / 15))
    assert cell.slug == "m-d-fog-3-whole-x1.06667"


DECIDES = {"engine_version": 3, "checkpoint_sha256": "0" * 64, "fingerprint": "f", "ids": ("a", "b")}


def test_reestimated_statistics_are_part_of_the_name_the_key_and_the_record() -> None:
    """And a cell without them has the key and the record that it had before there were any."""
    cells = [replace(CELL, view=View(mode="pad-32", batchnorm=number)) for number in (None, 32, 59)]
    usual, _, reestimated = cells
    assert [cell.slug for cell in cells] == [
        "m-d-fog-3-pad-32", "m-d-fog-3-pad-32-bn32-transductive", "m-d-fog-3-pad-32-bn59-transductive"
    ]  # fmt: skip
    assert len({quality_key(cell, **DECIDES) for cell in cells}) == 3
    view = {"mode": "pad-32", "crop": None, "stride": None, "scale": 1.0, "flip": False}
    fields = {name: value for name, value in asdict(usual).items() if name != "void"}
    assert usual.to_dict() == {**fields, "view": view}
    assert reestimated.to_dict() == {**fields, "view": {**view, "batchnorm": 59}}
    older = ["quality", KEY_VERSION, {**fields, "view": view}, 3, "0" * 64, "f", ["a", "b"]]
    assert quality_key(usual, **DECIDES) == digest(older)
    assert [from_json(QualityCell, cell.to_dict(), "x") for cell in cells] == cells


@pytest.mark.parametrize("name", ["whole-bn2-transductive", "slide-64-32-x0.5_2-flip-bn59-transductive"])
def test_a_transductive_view_has_a_name_that_is_read_again(name: str) -> None:
    assert str(View.parse(name)) == name
    assert View.parse(name).batchnorm == (2 if "bn2" in name else 59)


@pytest.mark.parametrize("number", [0, 1, -3, 2.0, True, "59"])
def test_statistics_of_fewer_than_two_images_are_refused(number: object) -> None:
    with pytest.raises(UsageError, match=r"^view batchnorm must be a number of images, 2 or more, got"):
        View(batchnorm=number)
    for name in ("whole-bn1-transductive", "whole-bn059-transductive", "whole-bn59", "whole-transductive"):
        with pytest.raises(UsageError, match=f"^unknown view '{name}'"):
            View.parse(name)
