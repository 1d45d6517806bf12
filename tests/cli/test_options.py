"""Paths on the command line."""

from pathlib import Path

import pytest
from program import program
from small import write_suite

from robustbench_seg.cli.options import data_folders, weights_given
from robustbench_seg.datasets.cityscapes import CLASS_NAMES
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
