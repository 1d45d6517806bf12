"""README's lines for a user with a model and a folder: each is run, on a tiny folder and a tiny network."""

import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
from program import ROOT, program

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Measure your model\n")[2].partition("\n## ")[0]
NETWORK = """
from torch import nn

def build(num_classes):
    return nn.Conv2d(3, num_classes, 3, stride=4, padding=1)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three images and a network with its weights, in the working folder."""
    import torch

    rng = np.random.default_rng(0)
    for kind, shape, top in (("images", (40, 48, 3), 256), ("labels", (40, 48), 3)):
        (tmp_path / "FOLDER" / kind).mkdir(parents=True)
        for k in range(3):
            cv2.imwrite(str(tmp_path / "FOLDER" / kind / f"{k}.png"), rng.integers(0, top, shape, np.uint8))
    (tmp_path / "FOLDER/dataset.yaml").write_text("images: images\nlabels: labels\nclasses: [road, sky, tree]\n")
    (tmp_path / "net.py").write_text(NETWORK)
    generator = torch.Generator().manual_seed(0)
    weights = {"weight": torch.randn(3, 3, 3, 3, generator=generator), "bias": torch.zeros(3)}
    torch.save(weights, tmp_path / "weights.pth")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands() -> list[list[str]]:
    (block,) = re.findall(r"```\n(robustbench-seg .*?)```", SECTION, re.DOTALL)
    return [shlex.split(line, comments=True)[1:] for line in block.splitlines()]


def test_the_commands_run(home: Path) -> None:
    few = ["--corruptions", "contrast", "--severities", "2"]  # not the whole protocol, which compiles for minutes
    names = [line[0] for line in commands()]
    assert names == ["check", "plan", "run"]
    for line in commands():
        more = [] if line[0] == "check" else [*few, "--workers", "0"]
        done = program(*line, *more, cwd=home)
        assert done.returncode == 0, done.stderr
    assert (home / "results/mine/report/index.html").is_file()
    assert len(list((home / "results/mine/cells").iterdir())) == 2


def test_the_lines_of_python_run(home: Path) -> None:
    import torch
    from torch import nn

    (code,) = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    assert 'protocol="segformer"' in code
    few = code.replace('protocol="segformer"', 'corruptions={"contrast": [2]}, version="1", progress=False')
    network = nn.Conv2d(3, 3, 3, stride=4, padding=1)
    network.load_state_dict(torch.load(home / "weights.pth", weights_only=True))
    space = {"net": network, "folder": home / "FOLDER", "names": ["road", "sky", "tree"]}
    exec(code if few == code else few, space)
    assert list(space["results"].table()["model"]) == ["Conv2d"]
    assert (home / "report/index.html").is_file()
