"""A model that a user adds to the family: what tells it apart from another."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from robustbench_seg.models import MODELS, load_model

ADAPTER = """
import torch
from robustbench_seg.models.base import NetworkSegmenter

WIDTH = 8

def load(name, variant, weights, class_names):
    network = torch.nn.Conv2d(3, len(class_names), 1)
    return NetworkSegmenter(
        name=name, network=network, class_names=class_names, licence="CC0-1.0", checkpoint_sha256=weights.name, about=""
    )
"""


def identity(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str, weights: str) -> str:
    """The identity of the model mine, of this source, as a new process would load it."""
    path = folder / "mine.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("robustbench_seg.models.mine", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "robustbench_seg.models.mine", module)
    monkeypatch.setitem(MODELS, "mine", ("mine", ""))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec.loader.exec_module(module)
    return load_model("mine", ("road", "sky"), weights, torch.device("cpu")).checkpoint_sha256


def test_a_model_of_ones_own_is_told_apart_by_its_weights_and_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities = [
        identity(tmp_path, monkeypatch, source, weights)
        for source, weights in (
            (ADAPTER, "a"),
            (ADAPTER, "b"),
            (ADAPTER.replace("8", "9"), "a"),
            (ADAPTER, "a"),
        )
    ]
    assert identities[0] == identities[3]
    assert len(set(identities)) == 3
