"""Two stores against each other: what is matched, what is said to be lost, and when the gate closes."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from synthetic import write_synthetic

from robustbench_seg.errors import StoreError
from robustbench_seg.record import View
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.regression import compare_stores

ROOT = Path(__file__).parents[2]
CONDITIONS = {"gaussian_noise": [1, 3], "fog": [3]}


def worse_by(points: float) -> Callable[[str, str, int, View], float]:
    return lambda model, corruption, severity, view: 0.85 - 0.05 * severity - points


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
    changes = compare_stores(*frames)
    base, new = (frame.set_index(["corruption", "severity"])["miou"] for frame in frames)
    table = changes.table.set_index("quantity")
    assert set(table.index) == {"clean", "mean", "gaussian_noise-1", "gaussian_noise-3", "fog-3"}
    assert table.loc["clean", "estimate"] == pytest.approx(new["clean", 0] - base["clean", 0], abs=1e-12)
    mean = [((m["gaussian_noise", 1] + m["gaussian_noise", 3]) / 2 + m["fog", 3]) / 2 for m in (base, new)]
    assert table.loc["mean", "estimate"] == pytest.approx(mean[1] - mean[0], abs=1e-12)
    assert (table["low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["high"]).all()
    assert not changes.unmatched


def test_the_same_counts_differ_by_nothing(stores: dict[str, Path]) -> None:
    changes = compare_stores(quality_frame(stores["base"]), quality_frame(stores["same"]))
    assert np.array_equal(changes.table[["estimate", "low", "high"]].to_numpy(float), np.zeros((5, 3)))
    assert (changes.table["p_holm"] == 1).all()
    assert not len(changes.dropped(0))


def test_a_drop_is_one_whose_whole_interval_lies_below_it(stores: dict[str, Path]) -> None:
    changes = compare_stores(quality_frame(stores["base"]), quality_frame(stores["worse"]))
    table = changes.table.set_index("quantity")
    for points in (0.0, 1.0, -100 * table.loc["clean", "high"] - 0.01, -100 * table.loc["clean", "high"] + 0.01, 90.0):
        expected = {name for name in ("clean", "mean") if table.loc[name, "high"] < -points / 100}
        assert set(changes.dropped(points)["quantity"]) == expected
    assert not len(compare_stores(quality_frame(stores["worse"]), quality_frame(stores["base"])).dropped(0))


def test_what_only_one_store_has_is_listed_and_its_corruption_is_in_no_mean(
    stores: dict[str, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(stores["worse"], copy)
    next(copy.glob("cells/m-toy-gaussian_noise-3-*")).unlink()
    changes = compare_stores(quality_frame(stores["base"]), quality_frame(copy))
    assert changes.unmatched == ["m-toy-gaussian_noise-3-whole is in BASE alone (20 images, engine version 2)"]
    table = changes.table.set_index("quantity")
    assert table.loc["mean", "corruptions"] == 1
    assert table.loc["mean", "estimate"] == table.loc["fog-3", "estimate"]


def test_models_of_other_names_are_matched_only_where_each_side_has_one(
    stores: dict[str, Path], tmp_path: Path
) -> None:
    write_synthetic(tmp_path / "one", worse_by(0), models=["n"], conditions=CONDITIONS, images=20)
    assert compare_stores(quality_frame(stores["base"]), quality_frame(tmp_path / "one")).table["model"].eq("m").all()
    write_synthetic(tmp_path / "two", worse_by(0), models=["n", "o"], conditions={}, images=20)
    with pytest.raises(StoreError, match="no cell of BASE is in NEW: m-toy-clean-whole is in BASE alone"):
        compare_stores(quality_frame(stores["base"]), quality_frame(tmp_path / "two"))


def test_a_store_with_two_weights_of_one_cell_is_refused(stores: dict[str, Path], tmp_path: Path) -> None:
    for name in ("base", "worse"):
        shutil.copytree(stores[name], tmp_path, dirs_exist_ok=True)
    with pytest.raises(StoreError, match="NEW: m-toy-clean-whole is there with several weights"):
        compare_stores(quality_frame(stores["base"]), quality_frame(tmp_path))


@pytest.mark.parametrize(
    ("new", "options", "status"),
    [("worse", [], 0), ("worse", ["--fail-on-drop", "1"], 1), ("worse", ["--fail-on-drop", "90"], 0),
     ("same", ["--fail-on-drop", "0"], 0)],
)  # fmt: skip
def test_the_gate_closes_with_status_1_and_says_why(
    stores: dict[str, Path], new: str, options: list[str], status: int
) -> None:
    program = (
        "import sys; from robustbench_seg.cli import app; "
        "status = app(args=sys.argv[1:], standalone_mode=False) or 0; "
        "assert not {'torch', 'matplotlib'} & sys.modules.keys(); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "compare", str(stores["base"]), str(stores[new]), *options],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert ("dropped by more than 1 points: m, view whole, clean:" in done.stdout) == (status == 1)
    assert "mean (2 corruptions)" in done.stdout
