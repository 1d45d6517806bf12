"""Files that are none of a store's cells, are in another's place, or contradict another: one line each."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from counted import random_counts, write_cell
from program import program
from synthetic import write_synthetic
from whole import CURE, copied, expect_line

from robustbench_seg.errors import DamagedError, StoreError
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.file import read_cell
from robustbench_seg.store.folder import Store
from robustbench_seg.store.view import View
from robustbench_seg.studies.frame import latency_frame, quality_frame
from robustbench_seg.studies.integrity import verify
from robustbench_seg.studies.sources import together


def write_bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "empty": (lambda p: write_bytes(p, b""), r"not a whole Parquet file \(it is empty\)"),
    "not Parquet": (lambda p: write_bytes(p, b"PAR1 no PAR1"), "not a whole Parquet file"),
    "half": (lambda p: write_bytes(p, p.read_bytes()[: p.stat().st_size // 2]), "not a whole Parquet file"),
    "without its end": (lambda p: write_bytes(p, p.read_bytes()[:-1]), "not a whole Parquet file"),
    "with more at its end": (lambda p: write_bytes(p, p.read_bytes() + b"\n"), "not a whole Parquet file"),
    "zeros": (lambda p: write_bytes(p, bytes(p.stat().st_size)), "not a whole Parquet file"),
    "another name": (lambda p: p.rename(p.with_name(f"copy-{p.name}")), "has the content of cells/m-d-clean"),
    "another key in its name": (
        lambda p: p.rename(p.with_name(f"m-d-clean-whole-{'0' * 32}.parquet")),
        "has the content of cells/m-d-clean-whole-",
    ),
    "a copy": (lambda p: Path(shutil.copy(p, p.with_name(f"a {p.name}"))), "has the content of cells/m-d-clean"),
    "a copy in a folder": (
        lambda p: Path(shutil.copy(p, [d := p.parent / "before", d.mkdir()][0] / p.name)),
        "has the content of cells/m-d-clean",
    ),
    "a copy among speed cells": (
        lambda p: Path(shutil.copy(p, p.parents[1] / "latency")),
        "has the content of cells/m-d-clean",
    ),
    "a copy in capitals": (
        lambda p: Path(shutil.copy(p, p.with_suffix(".PARQUET"))),
        "has the content of cells/m-d-clean",
    ),
    "another's content": (
        lambda p: Path(shutil.copyfile(next(p.parent.glob("m-d-fog-*")), p)),
        "has the content of cells/m-d-fog-3-whole-",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_none_or_another_is_refused_by_name(whole: Path, tmp_path: Path, name: str) -> None:
    change, message = FILES[name]
    path = change(copied(whole, tmp_path, "cells/m-d-clean-*"))
    expect_line(tmp_path / "out", path, message)


def test_two_cells_whose_contents_are_swapped_are_refused(whole: Path, tmp_path: Path) -> None:
    path = copied(whole, tmp_path, "cells/m-d-clean-*")
    other = next(path.parent.glob("m-d-fog-*"))
    one, two = path.read_bytes(), other.read_bytes()
    path.write_bytes(two)
    other.write_bytes(one)
    expect_line(tmp_path / "out", path, "has the content of cells/m-d-fog-3")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_is_no_file_is_refused_and_not_waited_for(whole: Path, tmp_path: Path) -> None:
    for make in (os.mkfifo, os.mkdir):
        path = copied(whole, tmp_path / make.__name__, "cells/m-d-clean-*")
        path.unlink()
        make(path)
        with pytest.raises(StoreError, match="is not a file; remove it"):
            read_cell(path)
    path.rmdir()
    path.symlink_to("nowhere")
    with pytest.raises(StoreError, match=r"can't be read \(No such file or directory\)"):
        read_cell(path)


def test_two_views_of_one_label_are_refused_in_one_folder_in_several_and_by_verify(tmp_path: Path) -> None:
    """A scale has six digits in tables: two models would stand in one column, at sizes that differ by a pixel."""
    one, other = View(scale=1.25781), View(scale=1.257814)
    assert (str(one), one.label) == ("whole-x1.25781", other.label)
    for model, view in (("a", one), ("b", other)):
        write_synthetic(tmp_path / model, lambda *_: 0.5, models=[model], conditions={"fog": [1]}, views=[view])
    shutil.copytree(tmp_path / "a", tmp_path / "both")
    shutil.copytree(tmp_path / "b", tmp_path / "both", dirs_exist_ok=True)
    message = "has other scales in a view of the same name than "
    with pytest.raises(StoreError, match=message):
        quality_frame(tmp_path / "both")
    with pytest.raises(StoreError, match=message):
        sections_of([tmp_path / "a", tmp_path / "b"])
    assert sum(message in line for line in verify(tmp_path / "both").faults) == 1


def test_models_of_the_same_data_must_agree_in_what_is_labelled(tmp_path: Path) -> None:
    counts = random_counts(np.random.default_rng(0), 3, 4)
    for name in "abc":
        other = tuple(part[::-1] for part in counts) if name == "b" else counts
        write_cell(tmp_path, other, ["x", "y", "z"], model=name)
    (path,) = tmp_path.glob("cells/b-*")
    with pytest.raises(
        StoreError, match=r"has other labels or image sizes for the same data than .*/a-.*; remove"
    ) as e:
        quality_frame(tmp_path)
    assert str(e.value).startswith(f"{path}: ")


def test_two_files_of_one_measurement_must_have_the_same_counts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for folder in ("one", "two"):
        write_cell(tmp_path / folder, random_counts(rng, 3, 4), ["x", "y", "z"])
    one, two = (quality_frame(tmp_path / name) for name in ("one", "two"))
    assert len(together([one, one])) == 1, "the same file twice is one measurement"
    with pytest.raises(StoreError, match=r"has other counts for the same cell than .*; remove the one that is wrong"):
        together([one, two])


def test_a_copy_in_a_folder_of_the_cells_is_refused(whole: Path, tmp_path: Path) -> None:
    for kind in ("cells", "latency"):
        (tmp_path / kind).mkdir()
        path = copied(whole, tmp_path / kind, f"{kind}/*.parquet")
        copy = path.parent / kind / path.name
        copy.parent.mkdir()
        copy.write_bytes(path.read_bytes())
        read = quality_frame if kind == "cells" else latency_frame
        with pytest.raises(StoreError, match=f"^{copy}: holds the same cell as {path}; remove it$"):
            read(tmp_path / kind / "out")


def test_times_that_were_measured_twice_contradict_nothing(whole: Path, tmp_path: Path) -> None:
    path = copied(whole, tmp_path, "latency/*.parquet")
    record = read_cell(path).record
    Store(tmp_path / "out").write_latency({"latency_ms": [4.0, 1.0], "classify_ms": [0.5, 0.0]}, record)
    frames = [latency_frame(folder) for folder in (whole, tmp_path / "out")]
    assert frames[0]["median_ms"].tolist() != frames[1]["median_ms"].tolist()
    assert together(frames)["median_ms"].tolist() == frames[0]["median_ms"].tolist(), "the first folder's"


def test_where_other_threads_may_be_the_reason_the_line_says_so(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for threads in (1, 2):
        write_cell(tmp_path / str(threads), random_counts(rng, 3, 4), ["x", "y", "z"], environment={"threads": threads})
    cells = [quality_frame(tmp_path / name) for name in ("1", "2")]
    said = (
        "remove one of them. Cells were measured with 1 thread and 2 threads: single pixels may differ by that alone."
    )
    with pytest.raises(StoreError, match=f"has other counts for the same cell than .*; {said}"):
        together(cells)


def test_a_damaged_cell_is_damaged_and_a_missing_one_is_missing(whole: Path, tmp_path: Path) -> None:
    path = copied(whole, tmp_path, "cells/m-d-clean-*")
    path.write_bytes(b"")
    with pytest.raises(DamagedError) as found:
        read_cell(path)
    assert found.value.reason + CURE == str(found.value)
    path.unlink()
    with pytest.raises(StoreError, match="can't be read") as missing:
        read_cell(path)
    assert not isinstance(missing.value, DamagedError)
    assert len(Store(tmp_path / "out").files("quality")) == 1


def test_report_and_compare_end_with_status_2_and_the_line_and_the_gate_is_closed(whole: Path, tmp_path: Path) -> None:
    path = copied(whole, tmp_path, "cells/m-d-clean-*")
    folder = str(tmp_path / "out")
    commands = (
        ["report", folder],
        ["report", str(whole), folder],
        ["compare", str(whole), folder, "--fail-on-drop", "1"],
    )
    for damaged in (False, True):
        if damaged:
            path.write_bytes(path.read_bytes()[:-1])
        for command in commands:
            done = program(*command)
            of_whole = 1 if command[0] == "compare" else 0  # three images are too few for the gate to judge
            assert done.returncode == (2 if damaged else of_whole), done.stderr
            assert len(done.stderr.splitlines()) == damaged
            assert done.stderr.startswith(f"robustbench-seg: {path}: not a whole Parquet file" if damaged else "")
