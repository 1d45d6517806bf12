"""Paths on the command line."""

from pathlib import Path
from typing import Any

import pytest
import typer.main
from program import program
from small import write_suite
from typer.testing import CliRunner

from robustbench_seg.cli import app
from robustbench_seg.cli.options import data_folders, weights_given
from robustbench_seg.datasets.cityscapes import CLASS_NAMES
from robustbench_seg.errors import UsageError
from robustbench_seg.models import build_network, save_network


def test_a_tilde_is_expanded_in_data_and_weights_and_nothing_else_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert data_folders(["camvid=~/camvid", "ade20k=ade"]) == {
        "camvid": Path("/home/ann/camvid"),
        "ade20k": Path("ade"),
    }
    given = ["a=~/b0.pth", "b=builtin:streets-b0", "c=nvidia/segformer-b0", "d=./runs/b0", "e=random"]
    assert weights_given(given) == {
        "a": "/home/ann/b0.pth",
        "b": "builtin:streets-b0",
        "c": "nvidia/segformer-b0",
        "d": "./runs/b0",
        "e": "random",
    }


def test_a_run_finds_the_suite_its_weights_and_its_results_at_home(tmp_path: Path) -> None:
    (tmp_path / "suites").mkdir()
    save_network(
        "segformer-b0",
        build_network("segformer-b0", CLASS_NAMES),
        tmp_path / "suites" / "b0.safetensors",
        class_names=CLASS_NAMES,
        licence="x",
        recipe="",
    )
    write_suite(
        tmp_path / "suites",
        models=[{"name": "segformer-b0", "weights": "b0.safetensors"}],
        dataset={"name": "streets", "split": "test", "size": [64, 96], "count": 1},
        conditions={},
        gallery=[],
    )
    done = program("run", "~/suites/small.yaml", "--out=~/results", cwd=tmp_path, HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "results" / "cells").glob("*.parquet"))) == 2
    assert not (tmp_path / "~").exists()


PROGRAM: Any = typer.main.get_command(app)
VALUES = [
    (name, parameter)
    for name, command in PROGRAM.commands.items()
    for parameter in command.params
    if not getattr(parameter, "is_flag", False)
]


@pytest.mark.parametrize("empty", ["", " "])
@pytest.mark.parametrize(
    ("command", "parameter"), VALUES, ids=[f"{name} {parameter.opts[0]}" for name, parameter in VALUES]
)
def test_no_argument_and_no_option_of_any_command_is_empty(command: str, parameter: Any, empty: str) -> None:
    option = parameter.opts[0]
    is_option = option.startswith("-")
    error = CliRunner().invoke(app, [command, option, empty] if is_option else [command, empty]).exception
    assert isinstance(error, UsageError)
    assert "must not be empty" in str(error)
    assert not is_option or str(error).startswith(f"{option}: ")


@pytest.mark.parametrize("out", [["--out", ""], ["--out="]])
def test_an_empty_out_is_refused_in_one_line_and_writes_nothing(out: list[str], tmp_path: Path) -> None:
    for command in (["run", "demo"], ["slurm", "demo", "--array", "2"], ["report", "."], ["merge", "a"]):
        done = program(*command, *out, cwd=tmp_path)
        assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (2, "", [])
        assert done.stderr == "robustbench-seg: --out: must not be empty; is a variable of the shell not set?\n"
