from pathlib import Path

import pytest
import torch

from robustbench_seg.errors import UsageError
from robustbench_seg.models import build_network, load_source, start_from_encoder
from robustbench_seg.models.base import Segmenter
from robustbench_seg.models.source import Source
from segformer import save_checkpoint


def load(weights: str) -> Segmenter:
    return load_source(Source(model="segformer-b0", weights=weights), "segformer-b0", ("a", "b"), torch.device("cpu"))


@pytest.mark.parametrize("name", ["runs/mix-s0", "weights/b0"])
def test_a_mistyped_path_to_weights_is_not_asked_of_the_hub(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("the hub was asked"))
    said = f"{name}: no such file or folder; for a repository on the Hugging Face hub write hf:{name}$"
    with pytest.raises(UsageError, match=f"^weights of segformer-b0: {said}"):
        load(name)
    with pytest.raises(UsageError, match=f"^encoder {said}"):
        start_from_encoder("segformer-b0", build_network("segformer-b0", ("a", "b")), name)


def test_a_report_says_how_much_of_a_file_was_left_out(tmp_path: Path) -> None:
    path = tmp_path / "b0.pth"
    save_checkpoint(build_network("segformer-b0", ("a", "b")), path, format="nvlabs")
    assert load(str(path)).about.endswith("weights from random initialisation")
    content = torch.load(path, weights_only=True)
    content["state_dict"]["auxiliary_head.conv_seg.weight"] = torch.ones(1)
    torch.save(content, path)
    assert load(str(path)).about.endswith(", 1 tensor of the file left out")


@pytest.mark.parametrize("name", ["nvidia/segformer-b0-finetuned-ade-512-512", "hf:someone/b0"])
def test_a_repository_on_the_hub_is_asked_for_by_its_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **_: asked.append(name) or str(tmp_path))
    with pytest.raises(ValueError, match=r"needs config\.json and model\.safetensors"):
        load(name)
    assert set(asked) == {name.removeprefix("hf:")}
