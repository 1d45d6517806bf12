"""`void: counted` from the option to the report: its numbers, that they name it, and that columns never mix."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from networks import Small, drawn
from program import program
from torch.nn.functional import interpolate

import robustbench_seg as rb
from robustbench_seg.datasets.camvid import CamVid
from robustbench_seg.errors import StoreError, UsageError
from robustbench_seg.metrics import ImageCounts
from robustbench_seg.report.csv import csv
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.file import read_cell
from robustbench_seg.store.folder import Store
from robustbench_seg.studies.alarms import same_counts
from robustbench_seg.studies.regression import compare_stores
from robustbench_seg.suites import read_suite, suite_for, with_options

INPUT = {"mean": [0.5] * 3, "std": [0.25] * 3}
FOG = {"fog": [1]}


def measured(data: CamVid, out: Path, void: str) -> rb.Results:
    return rb.evaluate(
        drawn(Small(11)), data, corruptions=FOG, preprocess=INPUT, metrics=[], out=out, void=void, progress=False
    )


def slow_miou(data: CamVid, predictions: dict[str, np.ndarray]) -> float:
    """The mean IoU of the 11 classes in a table of 12 by 12, in which unlabelled is the last; pixel by pixel."""
    table = np.zeros((12, 12), int)
    for name, prediction in predictions.items():
        for truth, found in zip(data.load(name).label.ravel(), prediction.ravel(), strict=True):
            table[min(truth, 11), found] += 1
    return float(np.mean([table[k, k] / (table[k].sum() + table[:, k].sum() - table[k, k]) for k in range(11)]))


@pytest.fixture
def both(tmp_path: Path, camvid_folder: Path) -> tuple[rb.Results, rb.Results]:
    data = CamVid(camvid_folder)
    return measured(data, tmp_path / "usual", "ignored"), measured(data, tmp_path / "counted", "counted")


def test_a_run_has_the_miou_of_a_table_with_one_more_class(
    both: tuple[rb.Results, rb.Results], camvid_folder: Path
) -> None:
    data = CamVid(camvid_folder)
    predictions = {name: predict(data.load(name).image) for name in data.ids}
    usual, counted = (results.frame().query("corruption == 'clean'").iloc[0] for results in both)
    assert counted["miou"] == pytest.approx(slow_miou(data, predictions), abs=1e-15)
    assert counted["miou"] < usual["miou"]
    assert (usual["void"], counted["void"]) == ("ignored", "counted")
    assert usual["key"] != counted["key"]


def predict(image: np.ndarray) -> np.ndarray:
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        logits = drawn(Small(11)).eval()((pixels - 0.5) / 0.25)["out"]
    return interpolate(logits, image.shape[:2], mode="bilinear", align_corners=False).argmax(1)[0].numpy()


def test_numbers_of_the_two_rules_share_no_table_and_name_the_rule(both: tuple[rb.Results, rb.Results]) -> None:
    (section,) = sections_of([results.folder for results in both], pictures=False)
    rules = {}
    for table in section.tables:
        own = {row.get("void") for row in map(dict, [table.where, *(row.where for row in table.rows)]) if row}
        assert ("void counted" in table.legend + table.title) == ("counted" in own) == (",counted" in csv(table))
        rules[table.title] = own
    assert any("whole-void-counted" in title for title in rules)
    assert any("whole-void-counted" not in title for title in rules)
    (alone,) = sections_of([both[1].folder], pictures=False)
    assert all(line.startswith("Void counted: ") for line in alone.sentences)
    assert "whole-void-counted" in repr(both[1])
    assert "void" not in repr(both[0])


def test_two_rules_are_no_change_between_stores_and_no_copies(both: tuple[rb.Results, rb.Results]) -> None:
    usual, counted = (results.cells for results in both)
    with pytest.raises(StoreError, match="no cell of BASE is in NEW"):
        compare_stores(usual, counted, [])
    assert not same_counts(pd.concat([usual, counted.assign(model="other")]))


def test_a_stored_cell_of_either_rule_is_checked_by_its_rule(both: tuple[rb.Results, rb.Results]) -> None:
    counted = read_cell(next(iter(Store(both[1].folder).files("quality"))))
    rows = [
        ImageCounts(
            image_id=name, height=40, width=48,
            counts={column: counted.arrays[column][k] for column in ("intersection", "predicted", "labelled")},
        )
        for k, name in enumerate(counted.arrays["image_id"])
    ]  # fmt: skip
    cell = replace(counted.record.cell, void="ignored")  # type: ignore[type-var]
    ids = [row.image_id for row in rows]
    usual = replace(counted.record, cell=cell)
    with pytest.raises(StoreError, match="predicted sums to more than labelled"):
        Store(both[1].folder / "other").write_quality(rows, replace(usual, key=usual.expected_key(ids)))
    more = rows[0].counts | {"predicted": rows[0].counts["predicted"] + np.eye(1, 11, 0, dtype=int)[0]}
    with pytest.raises(StoreError, match="predicted sums to more than its pixels"):
        Store(both[1].folder / "other").write_quality([replace(rows[0], counts=more), *rows[1:]], counted.record)


def test_the_option_of_the_command_line_gives_the_same_cells(tmp_path: Path, camvid_folder: Path) -> None:
    done = program(
        *("run", "--data", f"camvid={camvid_folder}", "--weights", "segformer-b0=random", "--workers", "0"),
        *("--corruptions", "fog", "--severities", "1", "--void", "counted", "--out", str(tmp_path / "out")),
    )
    assert done.returncode == 0, done.stderr
    assert "view whole-void-counted" in done.stdout
    cells = rb.read_results(tmp_path / "out").frame()
    assert set(cells["void"]) == {"counted"}
    assert set(cells["metrics"]) == {()}
    assert cells["slug"].tolist() == [f"segformer-b0-camvid-{name}-whole-void-counted" for name in ("clean", "fog-1")]
    done = program("plan", "camvid-c", "--void", "counted")
    assert "void: counted" in done.stdout
    done = program("plan", "camvid-c", "--void", "void")
    assert done.returncode == 2


def test_a_suite_that_counts_void_has_no_other_metric() -> None:
    suite = with_options(suite_for("camvid", "test", "clean"), void="counted")
    assert (suite.void, suite.metrics) == ("counted", ())
    assert with_options(suite, void="ignored").metrics == suite_for("camvid", "test", "clean").metrics
    shipped = with_options(read_suite("camvid-c"), void="counted")
    assert (shipped.void, shipped.metrics) == ("counted", ())
    with pytest.raises(UsageError, match="void: counted is a rule for the mIoU alone, so metrics must be empty"):
        with_options(suite, metrics=["boundary"])
    with pytest.raises(UsageError, match="void"):
        with_options(suite, void="other")
