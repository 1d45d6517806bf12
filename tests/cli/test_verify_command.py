"""`verify` on the command line: what it prints, its exit status, and what it refuses."""

import json
from pathlib import Path

import pytest
from program import ROOT, program
from synthetic import write_synthetic


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write_synthetic(tmp_path / "out", lambda *_: 0.7, models=["a", "b"], conditions={"fog": [1]}, images=12)
    return tmp_path / "out"


def test_a_whole_store_ends_with_0_and_states_what_each_model_rests_on(store: Path) -> None:
    done = program("verify", str(store))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "no fault"
    assert f"{store}: 4 quality cells" in done.stdout
    assert f"a: weights {ord('a'):064x}; 2 cells" in done.stdout
    assert "data: toy test, 12 of 12 images, fingerprint f, engine version 2" in done.stdout
    assert "command: `robustbench-seg run synthetic`" in done.stdout
    assert "licence: CC0-1.0" in done.stdout


def test_a_fault_ends_with_1_and_json_has_all(store: Path) -> None:
    path = next((store / "cells").glob("a-toy-fog-*"))
    path.write_bytes(path.read_bytes()[:-1])
    done = program("verify", str(store))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "2 faults"
    assert str(path) in done.stdout
    again = program("verify", str(store), "--json")
    document = json.loads(again.stdout)
    assert (again.returncode, again.stderr, len(document["faults"])) == (1, "", 2)
    assert [model["model"] for model in document["stores"][0]["models"]] == ["a", "b"]
    assert document["stores"][0]["models"][1]["weights"] == f"{ord('b'):064x}"


def test_two_folders_with_other_counts_of_one_cell_contradict_each_other(store: Path, tmp_path: Path) -> None:
    write_synthetic(tmp_path / "two", lambda *_: 0.5, models=["a"], conditions={"fog": [1]}, images=12)
    done = program("verify", str(store), str(tmp_path / "two"))
    assert done.returncode == 1
    assert done.stdout.count("has other counts for the same cell than") == 2


def test_a_committed_store_is_of_its_command(tmp_path: Path) -> None:
    done = program("verify", str(ROOT / "reports" / "first-check" / "cgnet"))
    assert done.returncode == 0
    assert "make@weights/cgnet_m3n21_camvid_trainval.pth" in done.stdout


def test_what_cannot_be_is_refused_in_one_line(store: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for arguments, message in {
        (str(tmp_path / "empty"),): f"{tmp_path / 'empty'}: holds no results (neither cells nor plans)",
        (str(tmp_path / "none"),): f"{tmp_path / 'none'}: holds no results (neither cells nor plans)",
        (str(store), "--data", "camvid=x"): "--data camvid: no cell is of it; there are toy",
        (str(store), "--data", "camvid"): "--data takes NAME=PATH, got 'camvid'",
        (): "Missing argument 'DIR...'.",
    }.items():
        done = program("verify", *arguments)
        assert (done.returncode, done.stderr) == (2, f"robustbench-seg: {message}\n")
    assert "--json" in program("verify", "--help").stdout
