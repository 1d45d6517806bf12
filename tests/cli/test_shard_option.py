"""`--shard` on the command line: `plan` shows the part that `run` measures, from the option or from a scheduler."""

import re
from pathlib import Path

import pytest
from program import program
from small import SUITE, write_suite

from robustbench_seg.cli.choice import shard_for
from robustbench_seg.measure.shards import Shard

CHANGES = {**SUITE, "models": [{"name": "constant"}], "views": ["whole"], "gallery": []}
ALL = {"clean", "gaussian_noise-1", "gaussian_noise-3", "contrast-2"}


def planned(*arguments: str, **environment: str) -> set[str]:
    """The conditions that `plan` prints for a shard."""
    done = program("plan", *arguments, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    ((number, names),) = re.findall(r"^shard \d/\d: (\d+) of 4 cells: (.*)$", done.stdout, re.MULTILINE)
    conditions = set() if names == "none" else set(names.split(", "))
    assert len(conditions) == int(number)
    return conditions


def test_the_plan_shows_the_part_that_a_run_measures(tmp_path: Path) -> None:
    suite, out = str(write_suite(tmp_path, **CHANGES)), tmp_path / "out"
    every = [planned(suite, "--shard", f"{k}/3") for k in (1, 2, 3)]
    assert set.union(*every) == ALL
    assert sum(map(len, every)) == len(ALL)
    done = program("run", suite, "--out", str(out), "--workers", "0", "--shard", "2/3")
    assert (done.returncode, done.stderr) == (0, "")
    stored = {re.sub(r"constant-streets-(.*)-whole-.*", r"\1", path.name) for path in (out / "cells").iterdir()}
    assert stored == every[1]
    assert "shard 2/3 is done; " in done.stdout
    assert not (out / "report").exists()


def test_a_task_of_slurm_has_its_part_and_all_switches_that_off(tmp_path: Path) -> None:
    suite = str(write_suite(tmp_path, **CHANGES))
    task = {"SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "3"}
    assert planned(suite, **task) == planned(suite, "--shard", "2/3")
    line = "shard 2/3, from SLURM_PROCID and SLURM_STEP_NUM_TASKS; --shard all measures the whole plan\n"
    assert line in program("plan", suite, **task).stdout
    for choice in ("all", "1/1"):
        assert "shard" not in program("plan", suite, "--shard", choice, **task).stdout


def test_the_process_that_drives_a_cluster_has_no_part_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert shard_for(None) == shard_for("2/3", "auto") == Shard(2, 3)
    assert shard_for(None, "auto") is None


def test_wrong_shards_are_refused_in_one_line(tmp_path: Path) -> None:
    suite = str(write_suite(tmp_path, **CHANGES))
    for arguments, environment, message in (
        (["--shard", "4/3"], {}, "--shard takes K/N with K from 1 to N, got 4/3"),
        ([], {"RANK": "3", "WORLD_SIZE": "3"}, "RANK=3 is not below WORLD_SIZE=3: give --shard K/N, or --shard all"),
    ):
        for command in (["plan", suite], ["run", suite, "--out", str(tmp_path / "out")]):
            done = program(*command, *arguments, **environment)
            assert (done.returncode, done.stderr) == (2, f"robustbench-seg: {message}\n")
    assert not (tmp_path / "out").exists()


def test_the_part_is_not_guessed_without_models(tmp_path: Path) -> None:
    done = program("plan", str(write_suite(tmp_path, **{**CHANGES, "models": []})), "--shard", "1/2")
    assert "shard 1/2: its part depends on the models, and none is given" in done.stdout
