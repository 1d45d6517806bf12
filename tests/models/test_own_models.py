"""A model that a user adds to the family: what tells it apart from another, and what another package offers."""

import importlib
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
import torch

from robustbench_seg import family
from robustbench_seg.errors import UsageError
from robustbench_seg.measure.aligned import align_model
from robustbench_seg.models import MODELS, Model, load_source
from robustbench_seg.models.base import Segmenter
from robustbench_seg.models.source import Source

CPU = torch.device("cpu")
ADAPTER = """
import torch
from robustbench_seg.models import Model
from robustbench_seg.models.base import NetworkSegmenter

WIDTH = 8

def load(request):
    network = torch.nn.Conv2d(3, len(request.class_names), 1)
    return NetworkSegmenter(
        name=request.name, network=network, class_names=request.class_names, licence="CC0-1.0",
        checkpoint_sha256=request.weights, about=f"variant {request.variant}",
    )

mine = Model(name="mine", module=__name__, variant="small")
"""


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Python imports from, without a trace afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return tmp_path


def load(weights: str) -> Segmenter:
    return load_source(Source(model="mine", weights=weights), "mine", ("road", "sky"), CPU)


def identity(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str, weights: str, **fields: str) -> str:
    """The identity of the model mine, of this source, as a new process would load it."""
    (folder / "adapter_of_mine.py").write_text(source, encoding="utf-8")
    sys.modules.pop("adapter_of_mine", None)
    importlib.invalidate_caches()
    module = importlib.import_module("adapter_of_mine")
    code = {"function": module.load} if "version" in fields else {"module": "adapter_of_mine"}
    monkeypatch.setitem(MODELS, "mine", Model(name="mine", **code, **fields))
    return load(weights).checkpoint_sha256


def test_a_model_of_ones_own_is_told_apart_by_its_weights_its_code_and_its_version(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = identity(scratch, monkeypatch, ADAPTER, "a")
    others = {
        identity(scratch, monkeypatch, ADAPTER, "b"),
        identity(scratch, monkeypatch, ADAPTER.replace("8", "9"), "a"),
        identity(scratch, monkeypatch, ADAPTER, "a", version="1"),
        identity(scratch, monkeypatch, ADAPTER, "a", version="2"),
    }
    assert len(others - {first}) == 4
    assert identity(scratch, monkeypatch, ADAPTER, "a") == first


def test_one_object_that_is_returned_each_time_is_aligned_and_named_anew(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = ADAPTER.replace("def load", "from functools import cache\n\n@cache\ndef load")
    first = identity(scratch, monkeypatch, cached, "a")
    for classes in (("sky", "road"), ("road", "street")):
        model = load("a")
        assert (model.checkpoint_sha256, model.class_names) == (first, ("road", "sky"))
        align_model(model, classes, {"sky": "street"} if "street" in classes else None)
        assert model.class_names == classes


def test_a_function_without_a_source_file_needs_a_version() -> None:
    with pytest.raises(UsageError, match=r"<lambda> has no source file: .*; give it a version"):
        _ = Model(name="mine", function=lambda request: None).source  # type: ignore[arg-type, return-value]


def test_the_weights_of_a_shipped_model_alone_tell_it_apart() -> None:
    assert {model.source for model in MODELS.values() if model.shipped} == {""}
    assert all(MODELS[name].shipped for name in ("segformer-b0", "deeplabv3plus-resnet50", "constant", "onnx"))


def test_an_entry_is_one_value_that_stays_as_it_is() -> None:
    with pytest.raises(FrozenInstanceError):
        MODELS["onnx"].fp32_only = False  # type: ignore[misc]


def test_another_package_offers_a_model(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (scratch / "their_models.py").write_text(ADAPTER, encoding="utf-8")
    metadata = scratch / "their_models-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: their-models\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[robustbench_seg.models]\nmine = their_models:mine\n")
    monkeypatch.setattr(MODELS, "members", dict(MODELS.members))
    monkeypatch.setattr(MODELS, "origins", dict(MODELS.origins))
    family.offers_to.cache_clear()
    try:
        assert "mine" in MODELS
        made = load("weights")
        assert made.about == "variant small"
        assert made.checkpoint_sha256 != "weights", "its source is hashed too"
        with pytest.raises(UsageError, match=r"unknown model 'yours'; known: .*, mine"):
            load_source(Source(model="yours"), "yours", ("road",), CPU)
    finally:
        family.offers_to.cache_clear()


def test_the_sha256_of_a_file_is_stated_where_the_identity_covers_more(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = "0123456789abcdef" * 4
    own = identity(scratch, monkeypatch, ADAPTER, sha256)
    made = load(sha256)
    assert made.checkpoint_sha256 == own != sha256
    assert made.about == f"variant ; weights sha256 {sha256}"
    align_model(made, ("sky", "road"))
    assert made.checkpoint_sha256 != own
    assert made.about.count(sha256) == 1
