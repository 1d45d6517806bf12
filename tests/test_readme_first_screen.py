"""The lines with which README begins: a user's own model on a user's own folder, in a shell and in Python."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from program import program

import robustbench_seg as rb

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
NET = """
import torch


def build():
    return torch.nn.Conv2d(3, 2, 1)
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with a network, its weights and a folder of two images."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (tmp_path / "FOLDER" / kind).mkdir(parents=True)
    for k in range(2):
        cv2.imwrite(f"FOLDER/images/{k}.png", rng.integers(0, 256, (48, 64, 3), np.uint8))
        cv2.imwrite(f"FOLDER/labels/{k}.png", rng.integers(0, 2, (48, 64), np.uint8))
    (tmp_path / "FOLDER" / "dataset.yaml").write_text("images: images\nlabels: labels\nclasses: [road, sky]\n")
    (tmp_path / "net.py").write_text(NET)
    torch.save(torch.nn.Conv2d(3, 2, 1).state_dict(), "weights.pth")
    return tmp_path


def block(language: str) -> list[str]:
    """The lines of README's first block of a language."""
    return [line for line in README.partition(f"```{language}\n")[2].partition("\n```")[0].splitlines() if line]


def test_three_lines_in_a_shell_measure_a_users_model(desk: Path) -> None:
    lines = block("")
    assert len(lines) == 3
    few = ["--corruptions", "fog", "--severities", "1,3", "--workers", "0"]
    for line in lines:
        name, *arguments = shlex.split(line)
        done = program(*arguments, *(few if arguments[0] == "run" else ()), cwd=desk)
        assert (name, done.returncode) == ("robustbench-seg", 0), (line, done.stderr)
    assert sorted(rb.read_results("results").frame()["corruption"]) == ["clean", "fog", "fog"]
    assert "fog" in (desk / "report" / "report.md").read_text()


def test_three_lines_in_python_measure_it_too(desk: Path) -> None:
    lines = block("python")
    assert len(lines) == 3
    names: dict[str, Any] = {"net": torch.nn.Conv2d(3, 2, 1)}
    exec("\n".join(lines), names)
    assert len(names["results"].frame()) == 73
    assert (desk / "report" / "index.html").is_file()
