"""The columns of a folder, read as they are: they tell the rows of any two cells apart, and no mean mixes these."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from counted import as_version, random_counts, write_cell
from whole import read_all

from robustbench_seg.errors import StoreError, UsageError
from robustbench_seg.store.file import read_record
from robustbench_seg.store.folder import Store
from robustbench_seg.studies.bootstrap import bootstrap
from robustbench_seg.studies.counts import read_counts
from robustbench_seg.studies.evidence import evidence_of
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.regression import compare_stores
from robustbench_seg.studies.robustness import by_corruption, headline

DOCS = Path(__file__).parents[2] / "docs"
COLUMNS = (DOCS / "results.md").read_text("utf-8").partition("\n## Columns\n")[2].partition("\n## ")[0]
IDS = ["a", "b", "c", "d"]


def write_alike(folder: Path) -> pd.DataFrame:
    """Cells of one name that differ in one thing each, and so in their counts; return their mIoU by key."""
    rng = np.random.default_rng(0)
    for fields in ({}, {"seed": 1}, {"precision": "bf16"}, {"split": "val"}, {"checkpoint_sha256": "1" * 64},
                   {"fingerprint": "g"}, {"corruption_source": "own"}):  # fmt: skip
        write_cell(folder, random_counts(rng, 4, 3), IDS, ("fog", 3), **fields)
    counts = random_counts(rng, 4, 3)
    write_cell(folder, tuple(part[:2] for part in counts), IDS[:2], ("fog", 3), fingerprint="of two")
    return quality_frame(folder).set_index("key")["miou"]


def test_the_example_of_the_documentation_gives_the_miou_of_each_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is written there."""
    miou = write_alike(tmp_path / "results/demo")
    assert miou.nunique() == len(miou) == 8
    (example,) = re.findall(r"```python\n(.*?)```", COLUMNS, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(example, {})
    lines = [line.split() for line in printed.getvalue().splitlines()]
    assert {key: float(value) for key, _, value in lines} == pytest.approx(miou.to_dict(), rel=1e-12)


def test_the_columns_that_documentation_names_are_those_of_the_files(tmp_path: Path) -> None:
    rows = re.findall(r"^\| (`.*?) \|", COLUMNS, re.MULTILINE)
    write_alike(tmp_path)
    frame = pd.read_parquet(tmp_path / "cells")
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == set(frame.columns)
    named = frame.columns[: list(frame.columns).index("image_id")]
    assert (frame.groupby("key", observed=True)[list(named)].nunique() == 1).all(axis=None)
    assert len(frame[list(named)].drop_duplicates()) == 8


def test_a_folder_of_two_versions_is_read_and_each_cell_is_itself(tmp_path: Path) -> None:
    write_alike(tmp_path)
    before = quality_frame(tmp_path).drop(columns=["counts", "path"])
    ours = [path for path in Store(tmp_path).files("quality") if not read_record(path).corruption_source]
    for path in ours[::2]:
        as_version(path, 2)
    assert quality_frame(tmp_path).drop(columns=["counts", "path"]).equals(before)
    as_version(ours[1], 1)
    assert sorted(quality_frame(tmp_path)["miou"]) == sorted(before["miou"])


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"seed": 1}, "seed 0 and 1"),
        ({"precision": "bf16"}, "precision fp32 and bf16"),
        ({"split": "val"}, "split test and val"),
        ({"checkpoint_sha256": "1" * 64}, "checkpoint_sha256 0"),
    ],
)
def test_a_mean_over_corruptions_is_of_one_setting_and_model(
    tmp_path: Path, fields: dict[str, object], name: str
) -> None:
    """Each condition has one cell, so nothing but the setting tells that they do not belong together."""
    rng = np.random.default_rng(1)
    write_cell(tmp_path, random_counts(rng, 4, 3), IDS, ("fog", 1))
    write_cell(tmp_path, random_counts(rng, 4, 3), IDS, ("fog", 3), **fields)
    frame = quality_frame(tmp_path)
    scores = bootstrap(read_counts(frame), resamples=3)
    with pytest.raises(UsageError, match=f"cells of {name}.* would share a mean; choose one of them"):
        scores.under(model="m")
    (field,) = fields
    alone = scores.under(model="m", **{field: frame[field].iloc[0]})
    assert np.isnan(headline(alone, {"fog": (1, 3)})).all(), "the other severity is of another setting"
    table = by_corruption(frame, {"fog": (1, 3)})
    assert len(table) == 2
    assert table["mean"].isna().all()


def test_two_cells_of_one_condition_share_no_mean(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    for source in ("", "own"):
        write_cell(tmp_path, random_counts(rng, 4, 3), IDS, ("fog", 1), corruption_source=source)
    frame = quality_frame(tmp_path)
    message = "several cells have corruption fog, severity 1; choose one, by corruption_source"
    with pytest.raises(UsageError, match=message):
        by_corruption(frame, {"fog": (1,)})
    with pytest.raises(UsageError, match=message):
        bootstrap(read_counts(frame), resamples=3).under(model="m")
    with pytest.raises(StoreError, match=r"of another source of its corruption than .*; remove the one that is past"):
        evidence_of(frame)


def test_cells_of_a_corruption_whose_source_changed_are_not_compared(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for folder, source in (("base", "one"), ("new", "two")):
        write_cell(tmp_path / folder, random_counts(rng, 4, 3), IDS, ("fog", 1), corruption_source=source)
        write_cell(tmp_path / folder, random_counts(rng, 4, 3), IDS)
    base, new = (quality_frame(tmp_path / name) for name in ("base", "new"))
    changes = compare_stores(base, new, [])
    assert set(changes.table["quantity"]) == {"clean"}
    assert len(changes.lacking) == len(changes.added) == 1


def test_speed_cells_of_two_machines_or_weights_have_rows_of_their_own(whole: Path) -> None:
    frame = pd.read_parquet(whole / "latency")
    assert list(frame.columns) == [
        *("cell", "model", "height", "width", "batch", "precision", "device"),
        *("num_classes", "machine", "checkpoint_sha256", "key"),
        *("sample", "latency_ms", "classify_ms"),
    ]
    assert frame["machine"].unique().tolist() == ["none, 2 threads, torch 2"]
    assert frame["key"].unique().tolist() == list(read_all(whole)["latency"])
