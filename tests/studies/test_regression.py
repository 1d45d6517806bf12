"""Two stores against each other: which cells are matched, which differences are reported, and when the gate closes."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import synthetic
from counted import random_counts, write_cell
from program import program
from rich.console import Console
from synthetic import write_synthetic
from typer.testing import CliRunner, Result

from robustbench_seg.cli import app
from robustbench_seg.cli.changes import show_changes
from robustbench_seg.errors import StoreError, UsageError
from robustbench_seg.store.view import View
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.newest import newest
from robustbench_seg.studies.plans import read_plans
from robustbench_seg.studies.regression import Changes, compare_stores
from robustbench_seg.studies.robustness import BASIS

CONDITIONS = {"gaussian_noise": [1, 3], "fog": [3]}
SHOWN = "toy test (f), 20 of 20 images, fp32, engine version 2, seed 0"


def worse_by(points: float) -> Callable[[str, str, int, View], float]:
    return lambda model, corruption, severity, view: 0.85 - 0.05 * severity - points


def gate(base: Path, new: Path, points: str = "1") -> Result:
    """Run the command; what it would print of an error is in `exception`."""
    arguments = ["compare", str(base), str(new), "--fail-on-drop", points]
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def compared(base: Path, new: Path) -> Changes:
    frames = quality_frame(base), quality_frame(new)
    return compare_stores(*frames, [*read_plans(base, frames[0]), *read_plans(new, frames[1])])


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same cells by three weights: the first, the same with another hash, one that is worse by much."""
    folder = tmp_path_factory.mktemp("stores")
    for name, loss in (("base", 0.0), ("same", 0.0), ("worse", 0.1)):
        write_synthetic(
            folder / name, worse_by(loss), models=["m"], conditions=CONDITIONS, images=20, sha256=name.ljust(64, "0")
        )
    return {name: folder / name for name in ("base", "same", "worse")}


def test_differences_are_those_of_the_frames(stores: dict[str, Path]) -> None:
    frames = [quality_frame(stores[name]) for name in ("base", "worse")]
    changes = compared(stores["base"], stores["worse"])
    base, new = (frame.set_index(["corruption", "severity"])["miou"] for frame in frames)
    table = changes.table.set_index("quantity")
    assert set(table.index) == {"clean", "mean", "gaussian_noise-1", "gaussian_noise-3", "fog-3"}
    assert table.loc["clean", "estimate"] == pytest.approx(new["clean", 0] - base["clean", 0], abs=1e-12)
    mean = [((m["gaussian_noise", 1] + m["gaussian_noise", 3]) / 2 + m["fog", 3]) / 2 for m in (base, new)]
    assert table.loc["mean", "estimate"] == pytest.approx(mean[1] - mean[0], abs=1e-12)
    assert (table["low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["high"]).all()
    assert not changes.lacking + changes.added


def test_the_same_counts_differ_by_nothing(stores: dict[str, Path]) -> None:
    changes = compared(stores["base"], stores["same"])
    assert np.array_equal(changes.table[["estimate", "low", "high"]].to_numpy(float), np.zeros((5, 3)))
    assert (changes.table["p_holm"] == 1).all()
    assert not len(changes.dropped(0))


def test_a_drop_is_one_whose_whole_interval_lies_below_it(stores: dict[str, Path]) -> None:
    changes = compared(stores["base"], stores["worse"])
    high = -100 * changes.table.set_index("quantity")["high"]
    assert high["clean"] > high["mean"] + 0.02
    dropped = {points: set(changes.dropped(points)["quantity"]) for points in (0.0, 1.0, 90.0)}
    assert dropped == {0.0: {"clean", "mean"}, 1.0: {"clean", "mean"}, 90.0: set()}
    assert set(changes.dropped(high["clean"] - 0.01)["quantity"]) == {"clean"}
    assert set(changes.dropped(high["clean"] + 0.01)["quantity"]) == set()
    assert not len(compared(stores["worse"], stores["base"]).dropped(0))


def test_what_only_one_store_has_is_listed_and_its_corruption_is_in_no_mean(
    stores: dict[str, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(stores["worse"], copy)
    next(copy.glob("cells/m-toy-gaussian_noise-3-*")).unlink()
    changes = compared(stores["base"], copy)
    assert changes.lacking == ["m-toy-gaussian_noise-3-whole is only in BASE (20 images, engine version 2)"]
    table = changes.table.set_index("quantity")
    assert table.loc["mean", "corruptions"] == 1
    assert table.loc["mean", "estimate"] == table.loc["fog-3", "estimate"]
    for pair, name in (((stores["base"], copy), "BASE"), ((copy, stores["base"]), "NEW")):
        done = gate(*pair, "90")
        assert done.exit_code == 1
        assert f"not compared: m-toy-gaussian_noise-3-whole is only in {name}" in done.output
        assert "not judged: 1 cell not compared; see above" in done.output


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"fingerprint": "0123456789abcdef"}, "fingerprint 0123456789ab, not f"),
        ({"precision": "bf16"}, "precision bf16, not fp32"),
        ({"draw": 7, "precision": "bf16"}, "precision bf16, not fp32; seed 7, not 0"),
        ({"images": 12, "fingerprint": "g"}, "fingerprint g, not f; images 12, not 20; a split of 12, not 20"),
        ({"views": (View(scale=2),)}, "view whole-x2, not whole"),
    ],
)
def test_what_only_one_store_has_is_stated_with_what_differs_there(
    tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    """The clean cells agree, so that there is something to compare."""
    options: dict[str, Any] = {"models": ["m"], "images": 20, "conditions": {"gaussian_noise": [3]}}
    write_synthetic(tmp_path / "base", worse_by(0), **options)
    write_synthetic(tmp_path / "new", worse_by(0), **options, skip=["*noise*"])
    write_synthetic(tmp_path / "new", worse_by(0), **{**options, **fields}, skip=["*clean*"])
    changes = compared(tmp_path / "base", tmp_path / "new")
    line = "m-toy-gaussian_noise-3-whole is only in BASE (20 images, engine version 2)"
    assert changes.lacking[0] == f"{line}; NEW has it with {words}"
    assert "; BASE has it with " in changes.added[0]


def test_a_cell_of_weights_that_do_not_count_is_stated_as_such(tmp_path: Path) -> None:
    options: dict[str, Any] = {"models": ["m"], "images": 20, "conditions": {"fog": [3]}}
    write_synthetic(tmp_path / "base", worse_by(0), **options)
    write_synthetic(tmp_path / "new", worse_by(0), **options, sha256="b" * 64)
    write_synthetic(tmp_path / "new", worse_by(0), **options, sha256="c" * 64, skip=["*fog*"])
    lacking = compared(tmp_path / "base", tmp_path / "new").lacking
    assert any(
        line.endswith("; NEW has it with weights bbbbbbbbbbbb alone, which are not compared") for line in lacking
    )


def test_a_corruption_that_lacks_a_severity_in_both_stores_is_listed_and_in_no_mean(tmp_path: Path) -> None:
    failed = ("m-toy-fog-5-whole", "m-toy-frost-2-whole")
    conditions = {"fog": [1, 5], "snow": [3], "frost": [2]}
    for name, loss in (("base", 0.0), ("new", 0.1)):
        write_synthetic(
            tmp_path / name, worse_by(loss), models=["m"], conditions=conditions, images=8, skip=failed,
            sha256=name.ljust(64, "0"),
        )  # fmt: skip
    changes = compared(tmp_path / "base", tmp_path / "new")
    table = changes.table.set_index("quantity")
    assert table.loc["mean", "corruptions"] == 1
    assert table.loc["mean", "base"] == table.loc["snow-3", "base"]
    assert "fog-1" in table.index
    assert changes.lacking == [f"{slug} was planned and is missing (8 images, fp32)" for slug in failed]


def test_another_plan_of_the_same_folder_does_not_make_a_corruption_incomplete(tmp_path: Path) -> None:
    for name in ("base", "new"):
        sha256 = name.ljust(64, "0")
        for dataset, conditions in (("toy", {"fog": [1]}), ("other", {"fog": [1, 5]})):
            write_synthetic(
                tmp_path / name, worse_by(0), models=["m"], conditions=conditions, images=8, dataset=dataset,
                suite=dataset, sha256=sha256,
            )  # fmt: skip
    changes = compared(tmp_path / "base", tmp_path / "new")
    means = changes.table[changes.table["quantity"] == "mean"].set_index("dataset")["corruptions"]
    assert means.to_dict() == {"toy": 1, "other": 1}
    assert not changes.lacking + changes.added


def test_each_precision_has_a_table_and_a_gate_of_its_own(tmp_path: Path) -> None:
    for name, loss in (("base", 0.0), ("new", 0.1)):
        for precision, lost in (("fp32", 0.0), ("bf16", loss)):
            write_synthetic(
                tmp_path / name, worse_by(lost), models=["m"], conditions={"fog": [3]}, images=20,
                precision=precision, sha256=name.ljust(64, "0"),
            )  # fmt: skip
    done = gate(tmp_path / "base", tmp_path / "new", "1")
    assert done.exit_code == 1
    lines = [line for line in done.output.splitlines() if "engine version" in line]
    titles, dropped = lines[:2], lines[2:]
    assert sorted(("fp32" in line, "bf16" in line) for line in titles) == [(False, True), (True, False)]
    assert len(dropped) == 2
    assert all("bf16" in line and line.startswith("dropped") for line in dropped)


def test_changes_are_shown_as_text_and_what_is_missing_as_a_dash() -> None:
    fields = {name: name for name in BASIS} | {"model": "[bold]m[/bold]", "view": "[red]", "images": 2, "of": 3}
    numbers = dict.fromkeys(("base", "new", "estimate", "low", "high", "p", "p_holm"), float("nan"))
    rows = [{**fields, "quantity": quantity, "corruptions": 1, **numbers} for quantity in ("[i]", "mean")]
    output = io.StringIO()
    show_changes(Console(file=output, width=200), pd.DataFrame(rows))
    assert "[bold]m[/bold], view [red], dataset split" in output.getvalue()
    assert "mean (1 corruption) " in output.getvalue()
    assert " [i] " in output.getvalue()
    assert "nan" not in output.getvalue()
    assert "– to –" not in output.getvalue()


def test_models_of_other_names_are_matched_only_where_each_side_has_one(
    stores: dict[str, Path], tmp_path: Path
) -> None:
    write_synthetic(tmp_path / "one", worse_by(0), models=["n"], conditions=CONDITIONS, images=20)
    assert compared(stores["base"], tmp_path / "one").table["model"].eq("m").all()
    write_synthetic(tmp_path / "two", worse_by(0), models=["n", "o"], conditions={}, images=20)
    with pytest.raises(StoreError, match="no cell of BASE is in NEW: m-toy-clean-whole is only in BASE"):
        compared(stores["base"], tmp_path / "two")


@pytest.mark.parametrize("order", [["base", "worse"], ["worse", "base"], ["worse", "base", "worse"]])
@pytest.mark.parametrize("side", ["BASE", "NEW"])
def test_of_several_weights_of_one_name_the_last_runs_are_compared_and_a_line_states_it(
    order: list[str], side: str, stores: dict[str, Path], tmp_path: Path
) -> None:
    for name in order:
        loss = 0.1 * (name == "worse")
        write_synthetic(
            tmp_path, worse_by(loss), models=["m"], conditions=CONDITIONS, images=20, sha256=name.ljust(64, "0")
        )
    pair = (tmp_path, stores["same"]) if side == "BASE" else (stores["same"], tmp_path)
    alone = (stores[order[-1]], stores["same"]) if side == "BASE" else (stores["same"], stores[order[-1]])
    changes = compared(*pair)
    pd.testing.assert_frame_equal(changes.table, compared(*alone).table)
    assert (changes.lacking, changes.added) == ([], []), "the others' cells are finished"
    last, other = (name.ljust(12, "0") for name in sorted(("base", "worse"), key=lambda name: name != order[-1]))
    assert changes.remarks[0] == (
        f"{side}: m: the last run's weights are compared, {last}, and not {other}; report shows them all"
    )
    assert changes.remarks[0] in gate(*pair).output
    assert gate(*pair).exit_code == gate(*alone).exit_code


def test_weights_of_an_older_run_fill_no_cell_that_the_last_run_lacks(stores: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(stores["base"], tmp_path, dirs_exist_ok=True)
    write_synthetic(tmp_path, worse_by(0.1), models=["m"], conditions={"fog": [3]}, images=20, sha256="w" * 64)
    changes = compared(stores["same"], tmp_path)
    assert set(changes.table["quantity"]) == {"clean", "mean", "fog-3"}
    assert [line.partition(" ")[0] for line in changes.lacking] == [
        "m-toy-gaussian_noise-1-whole", "m-toy-gaussian_noise-3-whole",
    ]  # fmt: skip
    assert gate(stores["same"], tmp_path).exit_code == 1


def test_a_view_of_older_weights_is_not_compared_as_if_they_were_the_last_runs(
    stores: dict[str, Path], tmp_path: Path
) -> None:
    """No cell is there twice: each of the two runs had a view of its own."""
    for name, view, loss in (("worse", View(mode="pad-32"), 0.1), ("base", View(), 0.0)):
        own = {"sha256": name.ljust(64, "0"), "views": [view]}
        write_synthetic(tmp_path, worse_by(loss), models=["m"], conditions=CONDITIONS, images=20, **own)
    changes = compared(tmp_path, stores["same"])
    assert set(changes.table["view"]) == {"whole"}
    last, other = (name.ljust(12, "0") for name in ("base", "worse"))
    assert changes.remarks[0] == (
        f"BASE: m: the last run's weights are compared, {last}, and not {other}; report shows them all"
    )
    views = [View(), View(mode="pad-32")]
    write_synthetic(tmp_path / "both", worse_by(0), models=["m"], conditions=CONDITIONS, images=20, views=views)
    assert len(compared(tmp_path, tmp_path / "both").added) == 4
    assert gate(tmp_path, tmp_path / "both").exit_code == 1


def test_a_mean_is_of_one_set_of_weights_where_the_last_runs_clean_cell_is_missing(
    stores: dict[str, Path], tmp_path: Path
) -> None:
    for name, conditions, skip in (("base", {"fog": [3]}, []), ("worse", {"gaussian_noise": [1, 3]}, ["*-clean-*"])):
        write_synthetic(
            tmp_path, worse_by(0), models=["m"], conditions=conditions, images=20, sha256=name.ljust(64, "0"), skip=skip
        )
    (mean,) = compared(stores["same"], tmp_path).table.query("quantity == 'mean'").to_dict("records")
    assert mean["corruptions"] == 1, "fog is of other weights"


def test_a_cell_of_code_that_was_edited_before_the_last_run_is_not_compared(stores: dict[str, Path]) -> None:
    cells = quality_frame(stores["base"])
    past = cells[cells["corruption"] == "fog"].assign(corruption_source="past", key="past")
    rest, lines = newest(pd.concat([past, cells]), "NEW")
    assert list(rest["key"]) == list(cells["key"])
    assert lines == ["NEW: m: cells of code that was edited since do not count"]
    assert newest(cells, "NEW")[1] == []


def test_a_store_with_two_weights_and_no_times_of_its_runs_is_refused(stores: dict[str, Path], tmp_path: Path) -> None:
    for name in ("base", "worse"):
        shutil.copytree(stores[name], tmp_path, dirs_exist_ok=True)
    for path in (tmp_path / "plans").glob("*.json"):
        content = json.loads(path.read_bytes())
        path.write_text(json.dumps({**content, "written": ""}))
    with pytest.raises(StoreError, match="NEW: m-toy-clean-whole has several weights or sources, and no run there"):
        compared(stores["base"], tmp_path)


COUNTED = ("intersection", "predicted", "labelled")


@pytest.mark.parametrize("sides", [("base",), ("new",), ("base", "new")])
@pytest.mark.parametrize(
    "factors", [(0, 0, 0), (3, 1, 1), (-1, 1, 1), (-1, -1, -1)], ids=["zero", "x3", "negative", "all negative"]
)
def test_counts_that_make_no_miou_close_the_gate_with_a_word(
    factors: tuple[int, ...], sides: tuple[str, ...], stores: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("base", "new"):
        shutil.copytree(stores["base" if name == "base" else "same"], tmp_path / name)
    for path in (path for side in sides for path in (tmp_path / side / "cells").glob("*-clean-*")):
        table = pq.read_table(path)
        for column, factor in zip(COUNTED, factors, strict=True):
            lists = table[column].combine_chunks()
            values = pc.multiply(lists.flatten(), factor)
            place = table.column_names.index(column)
            table = table.set_column(place, column, pa.FixedSizeListArray.from_arrays(values, lists.type.list_size))
        pq.write_table(table, path)
    done = gate(tmp_path / "base", tmp_path / "new", "90")
    assert done.exit_code != 0
    who = f"{' and '.join(map(str.upper, sides))} {'has' if len(sides) == 1 else 'have'}"
    said = f"not judged: m, view whole, {SHOWN}, clean: {who} no mIoU between 0 and 1"
    assert isinstance(done.exception, StoreError) or said in done.output


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"base": np.nan, "estimate": np.nan}, "BASE has no mIoU between 0 and 1"),
        ({"new": np.nan, "estimate": np.nan}, "NEW has no mIoU between 0 and 1"),
        ({"base": np.nan, "new": np.nan}, "BASE and NEW have no mIoU between 0 and 1"),
        ({"new": 1.5}, "NEW has no mIoU between 0 and 1"),
        ({"base": -0.1}, "BASE has no mIoU between 0 and 1"),
        ({"low": np.nan}, "9 blocks of images are too few (it takes 10)"),
        ({"high": np.nan}, "9 blocks of images are too few (it takes 10)"),
        ({"p": np.nan}, "9 blocks of images are too few (it takes 10)"),
    ],
)
@pytest.mark.parametrize("quantity", ["clean", "mean", "fog-3"])
def test_clean_and_mean_are_judged_only_with_all_their_numbers(
    quantity: str, change: dict[str, float], reason: str | None
) -> None:
    whole = {"base": 0.5, "new": 0.6, "estimate": 0.1, "low": 0.0, "high": 0.2, "p": 0.04, "blocks": 9}
    rows = [{"quantity": name, **whole, **(change if name == quantity else {})} for name in ("clean", "mean", "fog-3")]
    changes = Changes(pd.DataFrame(rows), [], [], [])
    judged_by = quantity in ("clean", "mean") and reason is not None
    assert dict(changes.unjudged[["quantity", "reason"]].to_numpy()) == ({quantity: reason} if judged_by else {})


def test_other_images_and_other_classes_close_the_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_synthetic(tmp_path / "base", worse_by(0), models=["m"], conditions=CONDITIONS, images=20)
    write_synthetic(tmp_path / "fewer", worse_by(0), models=["m"], conditions=CONDITIONS, images=12)
    monkeypatch.setattr(synthetic, "CLASSES", synthetic.CLASSES[:4])
    write_synthetic(tmp_path / "classes", worse_by(0), models=["m"], conditions=CONDITIONS, images=20, sha256="1" * 64)
    for name, message in (("fewer", "no cell of BASE is in NEW"), ("classes", "other")):
        done = gate(tmp_path / "base", tmp_path / name)
        assert done.exit_code != 0
        assert isinstance(done.exception, StoreError)
        assert message in str(done.exception)


def test_a_model_or_weights_that_were_planned_and_never_measured_close_the_gate(
    stores: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("base", "same"):
        write_synthetic(
            tmp_path / name, worse_by(0), models=["m", "n"], conditions={}, images=20, skip=("n-*",),
            sha256=name.ljust(64, "0"),
        )  # fmt: skip
    done = gate(tmp_path / "base", tmp_path / "same")
    assert done.exit_code == 1
    assert done.output.count("not compared: n-toy-clean-whole was planned and is missing (20 images, fp32)") == 1
    # NEW holds the cells of the old weights; its last run, of the new ones, has measured none.
    shutil.copytree(stores["base"], tmp_path / "new")
    write_synthetic(
        tmp_path / "new", worse_by(0), models=["m"], conditions=CONDITIONS, images=20, skip=("*",), sha256="1" * 64
    )
    done = gate(stores["base"], tmp_path / "new")
    assert done.exit_code == 1
    assert "not compared: m-toy-clean-whole was planned and is missing" in done.output
    assert "not judged: 4 cells not compared" in done.output


@pytest.mark.parametrize("points", ["nan", "inf", "-inf", "-1", "100.5", "1e9"])
def test_points_that_close_the_gate_never_or_always_are_refused(points: str, stores: dict[str, Path]) -> None:
    done = gate(stores["base"], stores["worse"], points)
    assert isinstance(done.exception, UsageError)
    assert str(done.exception) == f"--fail-on-drop takes a number of points from 0 to 100, got {float(points):g}"


def test_machines_that_differ_flags_and_speed_cells_are_said_and_close_no_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for threads in (1, 2):
        monkeypatch.setattr(synthetic, "ENVIRONMENT", {**synthetic.ENVIRONMENT, "threads": threads})
        write_synthetic(
            tmp_path / str(threads), lambda *cell: 0.0, models=["m"], conditions={}, images=20,
            sha256=f"{threads}".ljust(64, "0"),
        )  # fmt: skip
    done = gate(tmp_path / "1", tmp_path / "2")
    assert done.exit_code == 0
    assert "Cells were measured with 1 thread and 2 threads: single pixels may differ by that alone." in done.output
    flagged = "m: no better than one class for every pixel: clean; such numbers deserve no trust"
    assert all(f"{name}: {flagged}" in done.output for name in ("BASE", "NEW"))
    assert "speed cells" not in done.output
    done = gate(tmp_path / "1", tmp_path / "1")
    assert "Cells were measured with" not in done.output
    (tmp_path / "1/latency").mkdir()
    (tmp_path / "1/latency/any.parquet").touch()
    assert "not compared: speed cells; no gate watches them" in gate(tmp_path / "1", tmp_path / "2").output


@pytest.mark.parametrize(
    ("new", "options", "status"),
    [("worse", [], 0), ("worse", ["--fail-on-drop", "1"], 1), ("worse", ["--fail-on-drop", "90"], 0),
     ("same", ["--fail-on-drop", "0"], 0)],
)  # fmt: skip
def test_the_gate_closes_with_status_1_and_says_why(
    stores: dict[str, Path], new: str, options: list[str], status: int
) -> None:
    done = program("compare", str(stores["base"]), str(stores[new]), *options)
    assert done.returncode == status, done.stderr
    assert (f"dropped by more than 1 points: m, view whole, {SHOWN}, clean:" in done.stdout) == (status == 1)
    assert "mean (2 corruptions)" in done.stdout


def test_too_few_images_close_the_gate_and_the_reason_is_said_without_one_too(tmp_path: Path) -> None:
    for name, loss in (("base", 0.0), ("new", 0.3)):
        write_synthetic(
            tmp_path / name, worse_by(loss), models=["m"], conditions={"fog": [3]}, images=9, sha256=name.ljust(64, "0")
        )
    folders = [str(tmp_path / name) for name in ("base", "new")]
    changes = compared(*map(Path, folders))
    assert changes.table[["low", "high", "p", "p_holm"]].isna().all(axis=None)
    assert (changes.table["estimate"] < -0.1).all()
    assert changes.unjudged["quantity"].tolist() == ["clean", "mean"]
    assert not len(changes.dropped(0))
    said = [f", {quantity}: 9 blocks of images are too few (it takes 10)" for quantity in ("clean", "mean")]
    for options, status in (([], 0), (["--fail-on-drop", "90"], 1)):
        done = CliRunner().invoke(app, ["compare", *folders, *options], env={"COLUMNS": "250"})
        assert done.exit_code == status
        lines = [line for line in done.output.splitlines() if line.startswith("not judged: m, view whole")]
        assert [line[line.rindex(", ") :] for line in lines] == said
        assert "no drop" not in done.output
        assert "0.00" not in done.output, "no p"


def test_a_change_that_shows_in_five_images_of_forty_has_the_p_of_five(tmp_path: Path) -> None:
    """Five images that agree are as likely by chance as 1 in 16, however often they are drawn."""
    ids = [f"i{k}" for k in range(40)]
    intersection, predicted, labelled = random_counts(np.random.default_rng(0), 40, 3)
    for name, images in (("base", 0), ("five", 5), ("all", 40)):
        right = intersection.copy()
        right[:images] //= 2
        write_cell(tmp_path / name, (right, predicted, labelled), ids)
    base, five, every = (quality_frame(tmp_path / name) for name in ("base", "five", "all"))
    found = compare_stores(base, five, []).table.squeeze()
    assert found["high"] < 0
    assert found["p"] == 2 / 2**5
    assert compare_stores(base, every, []).table["p"].item() == pytest.approx(2 / 10_001)


def test_a_small_p_is_not_shown_as_zero() -> None:
    fields = {name: name for name in BASIS} | {"model": "m", "images": 2, "of": 3, "quantity": "clean"}
    numbers = dict.fromkeys(("base", "new", "estimate", "low", "high"), 0.5)
    output = io.StringIO()
    show_changes(Console(file=output, width=200), pd.DataFrame([{**fields, **numbers, "p": 0.0001, "p_holm": 0.0002}]))
    assert "<0.001" in output.getvalue()
    assert "0.000" not in output.getvalue()


def test_an_adjusted_p_that_comes_from_the_floor_of_the_resamples_is_shown_as_a_bound() -> None:
    fields = {name: name for name in BASIS} | {"model": "m", "images": 2, "of": 3, "quantity": "clean"}
    numbers = dict.fromkeys(("base", "new", "estimate", "low", "high"), 0.5)
    p = [2 / 10_001, *[0.5] * 9]  # Holm multiplies the first by 10
    output = io.StringIO()
    rows = [{**fields, **numbers, "p": one, "p_holm": min(1, 10 * one)} for one in p]
    show_changes(Console(file=output, width=200), pd.DataFrame(rows))
    assert "≤0.002" in output.getvalue()
    assert output.getvalue().count("≤") == 1


def test_a_remark_on_cells_without_trust_names_each_condition_once_and_the_view(tmp_path: Path) -> None:
    views = (View(), View(flip=True))
    for draw in (0, 1):
        write_synthetic(
            tmp_path, lambda model, corruption, severity, view: 0.8 if view.flip and not severity else 0.0,
            models=["m"], conditions={"gaussian_noise": [1]}, views=views, images=20, draw=draw,
        )  # fmt: skip
    remarks = compared(tmp_path, tmp_path).remarks
    texts = ("view whole: no better than one class for every pixel: clean, gaussian_noise-1",
             "view whole-flip: no better than one class for every pixel: gaussian_noise-1")  # fmt: skip
    assert remarks == [f"{n}: m, {text}; such numbers deserve no trust" for n in ("BASE", "NEW") for text in texts]
