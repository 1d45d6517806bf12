"""A column for each condition of the data, on a store whose scores are known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import synthetic
from synthetic import write_synthetic
from tables import lines, readable, table_of

from robustbench_seg.metrics import ImageCounts
from robustbench_seg.report.csv import SCHEMA
from robustbench_seg.report.sections import sections_of
from robustbench_seg.report.table import Table
from robustbench_seg.store.view import View
from robustbench_seg.studies.conditions import condition_scores
from robustbench_seg.studies.frame import quality_frame

pytestmark = pytest.mark.usefixtures("few_resamples")
SIZES = {"fog": 12, "night": 5, "reference": 23}
IDS = [f"{name}/{k:02d}" for name, size in SIZES.items() for k in range(size)]
MODELS = ["segformer-b0-mix-s0", "segformer-b0-mix-s1", "deeplabv3plus-s0"]


def accuracy(model: str, corruption: str, severity: int, view: View) -> float:
    return 0.8 if model.startswith("segformer") else 0.7


def scores_in(table: Table, row: str) -> pd.DataFrame:
    """The scores of a row in the CSV, by condition."""
    own = lines(table, "condition", row=row)
    return own[own["quantity"] != "classes"]


def write_without_cars(folder: Path, patch: pytest.MonkeyPatch, conditions: tuple[str, ...]) -> None:
    """Write a store in which no image of these conditions has a pixel of the last class."""

    def image_counts(ids: list[str], shares: np.ndarray, right: np.ndarray) -> list[ImageCounts]:
        for k, name in enumerate(ids):
            if name.startswith(conditions):
                shares[k, -1], right[k] = 0, 1
        return made(ids, shares, right)

    made = synthetic.image_counts
    patch.setattr(synthetic, "image_counts", image_counts)
    write_synthetic(folder, accuracy, models=MODELS[2:], conditions={}, ids=IDS, suite="acdc", dataset="acdc")


@pytest.mark.parametrize("missing", [("fog",), ("fog", "night")])
def test_scores_over_other_classes_are_not_ranked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]
) -> None:
    write_without_cars(tmp_path, monkeypatch, missing)
    (section,) = sections_of([tmp_path], pictures=False)
    table = table_of(section, "conditions-whole")
    numbers = lines(table, "condition", quantity="classes")["value"]
    assert numbers.to_dict() == {name: 4 if name in missing else 5 for name in SIZES}
    assert "retention" not in readable(table).columns
    assert table.caption.endswith(
        "Classes with a label differ between the conditions (4 to 5), so their scores do not compare."
    )
    sentence = next(one for one in section.sentences if one.startswith("mIoU under the data's own conditions"))
    if len(missing) == 1:
        assert "no condition is the worst, since their scores are over other classes (4 to 5)" in sentence
    else:
        assert ", the worst" in sentence, "these two have the same"
        assert "there is no share of the reference score, since it is over other classes (4 to 5)" in sentence
    scores = condition_scores(quality_frame(tmp_path))
    assert scores is not None
    assert np.isnan(scores.values(model=MODELS[2])["retention"]).all()


def test_one_condition_next_to_the_reference_is_not_the_worst(tmp_path: Path) -> None:
    ids = [name for name in IDS if "night" not in name]
    write_synthetic(tmp_path, accuracy, models=MODELS[2:], conditions={}, ids=ids, images=len(ids))
    (section,) = sections_of([tmp_path], pictures=False)
    sentence = next(one for one in section.sentences if one.startswith("mIoU under the data's own conditions"))
    assert " in fog, and " in sentence
    assert "worst" not in sentence


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conditions")
    write_synthetic(folder, accuracy, models=MODELS, conditions={}, ids=IDS, suite="acdc", dataset="acdc")
    return folder


def test_the_table_has_a_column_for_each_condition_the_reference_first(folder: Path) -> None:
    (section,) = sections_of([folder], pictures=False)
    table = table_of(section, "conditions-whole")
    assert table.group == "Conditions of the data"
    assert list(lines(table).columns) == list(SCHEMA)
    shown = readable(table)
    assert list(shown.columns) == ["model", "run", "reference", "fog", "night", "retention"]
    assert shown[["model", "run"]].to_numpy().tolist() == [
        ["segformer-b0-mix", "mean of 2"],
        ["segformer-b0-mix", "s0"],
        ["segformer-b0-mix", "s1"],
        ["deeplabv3plus-s0", ""],
    ]
    cells = quality_frame(folder)
    scores = condition_scores(cells)
    assert scores is not None
    own = {name: [scores.draws(name, model=model)[0] for model in MODELS[:2]] for name in SIZES}
    first = scores_in(table, "segformer-b0-mix (mean of 2)")["value"]
    for name, values in own.items():
        assert first[name] == pytest.approx(np.mean(values))
    kept = [(own["fog"][k] + own["night"][k]) / 2 / own["reference"][k] for k in range(2)]
    assert first["mean"] == pytest.approx(np.mean(kept))
    sizes = ("reference 23 images in 23 blocks", "fog 12 images in 12 blocks", "night 5 images in 5 blocks")
    assert ", ".join(f"{size}, 5 classes" for size in sizes) in table.caption
    assert (lines(table, "condition", quantity="classes")["value"] == 5).all()


def test_a_condition_with_too_few_blocks_has_no_interval_and_retention_has_none_either(folder: Path) -> None:
    (section,) = sections_of([folder], pictures=False)
    found = scores_in(table_of(section, "conditions-whole"), "deeplabv3plus-s0")
    assert found["low"].notna().to_dict() == {"reference": True, "fog": True, "night": False, "mean": False}


def test_the_worst_condition_is_named_in_a_sentence(folder: Path) -> None:
    (section,) = sections_of([folder], pictures=False)
    sentence = next(one for one in section.sentences if one.startswith("mIoU under the data's own conditions"))
    table = scores_in(table_of(section, "conditions-whole"), "deeplabv3plus-s0")["value"]
    worst = table[["fog", "night"]].idxmin()
    assert f"deeplabv3plus-s0 {100 * table[worst]:.1f} %" in sentence
    assert f"in {worst}, the worst, and {100 * table['mean']:.1f} % of its reference score on average" in sentence


def test_images_of_one_condition_have_no_such_table(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=MODELS, conditions={})
    (section,) = sections_of([tmp_path], pictures=False)
    assert not [table for table in section.tables if table.file.startswith("conditions")]


def test_the_interval_over_runs_is_of_the_conditions_own_blocks_and_contains_that_over_images(folder: Path) -> None:
    (section,) = sections_of([folder], pictures=False)
    found = scores_in(table_of(section, "conditions-whole"), "segformer-b0-mix (mean of 2)")
    assert found["low_runs"].notna().to_dict() == {"reference": True, "fog": True, "night": False, "mean": False}
    for name in ("reference", "fog"):
        assert found.loc[name, "low_runs"] <= found.loc[name, "low"]
        assert found.loc[name, "high"] <= found.loc[name, "high_runs"]
    one = scores_in(table_of(section, "conditions-whole"), "deeplabv3plus-s0")
    assert one["low_runs"].isna().all()
