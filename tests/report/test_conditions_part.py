"""A column for each condition of the data, on a store whose scores are known."""

from pathlib import Path

import numpy as np
import pytest
from synthetic import write_synthetic
from tables import lines, readable, table_of

from robustbench_seg.report.csv import SCHEMA
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.view import View
from robustbench_seg.studies.conditions import condition_scores
from robustbench_seg.studies.frame import quality_frame

pytestmark = pytest.mark.usefixtures("few_resamples")
SIZES = {"fog": 12, "night": 5, "reference": 23}
IDS = [f"{name}/{k:02d}" for name, size in SIZES.items() for k in range(size)]
MODELS = ["segformer-b0-mix-s0", "segformer-b0-mix-s1", "deeplabv3plus-s0"]


def accuracy(model: str, corruption: str, severity: int, view: View) -> float:
    return 0.8 if model.startswith("segformer") else 0.7


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
    first = lines(table, "condition", row="segformer-b0-mix (mean of 2)")["value"]
    for name, values in own.items():
        assert first[name] == pytest.approx(np.mean(values))
    kept = [(own["fog"][k] + own["night"][k]) / 2 / own["reference"][k] for k in range(2)]
    assert first["mean"] == pytest.approx(np.mean(kept))
    assert "reference 23 images in 23 blocks, fog 12 images in 12 blocks, night 5 images in 5 blocks" in table.caption


def test_a_condition_with_too_few_blocks_has_no_interval_and_retention_has_none_either(folder: Path) -> None:
    (section,) = sections_of([folder], pictures=False)
    found = lines(table_of(section, "conditions-whole"), "condition", row="deeplabv3plus-s0")
    assert found["low"].notna().to_dict() == {"reference": True, "fog": True, "night": False, "mean": False}


def test_the_worst_condition_is_named_in_a_sentence(folder: Path) -> None:
    (section,) = sections_of([folder], pictures=False)
    sentence = next(one for one in section.sentences if one.startswith("mIoU under the data's own conditions"))
    table = lines(table_of(section, "conditions-whole"), "condition", row="deeplabv3plus-s0")["value"]
    worst = table[["fog", "night"]].idxmin()
    assert f"deeplabv3plus-s0 {100 * table[worst]:.1f} %" in sentence
    assert f"in {worst}, the worst, and {100 * table['mean']:.1f} % of its reference score on average" in sentence


def test_images_of_one_condition_have_no_such_table(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=MODELS, conditions={})
    (section,) = sections_of([tmp_path], pictures=False)
    assert not [table for table in section.tables if table.file.startswith("conditions")]


def test_the_interval_over_runs_is_of_the_conditions_own_blocks_and_contains_that_over_images(folder: Path) -> None:
    (section,) = sections_of([folder], pictures=False)
    found = lines(table_of(section, "conditions-whole"), "condition", row="segformer-b0-mix (mean of 2)")
    assert found["low_runs"].notna().to_dict() == {"reference": True, "fog": True, "night": False, "mean": False}
    for name in ("reference", "fog"):
        assert found.loc[name, "low_runs"] <= found.loc[name, "low"]
        assert found.loc[name, "high"] <= found.loc[name, "high_runs"]
    one = lines(table_of(section, "conditions-whole"), "condition", row="deeplabv3plus-s0")
    assert one["low_runs"].isna().all()
