"""What a folder of Transformers holds decides the numbers: files that change meanwhile, weights that are not read."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tiny_networks import CLASSES, LABELS, STAGES, VIT, save_transformers, strengthened

from robustbench_seg.errors import UsageError
from robustbench_seg.models import hf, load_source
from robustbench_seg.models.base import NetworkSegmenter
from robustbench_seg.models.source import Source
from segformer.files import identity_of

pytestmark = pytest.mark.filterwarnings("ignore")
CPU = torch.device("cpu")
IMAGES = torch.randint(256, (1, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def load(folder: Path) -> NetworkSegmenter:
    made = load_source(Source.parse(f"hf:{folder}"), "m", CLASSES, CPU)
    assert isinstance(made, NetworkSegmenter)
    return made


def state_input(folder: Path, **fields: Any) -> None:
    processor = {"image_processor_type": "SegformerImageProcessor", "do_resize": True, **fields}
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")


@pytest.mark.parametrize("kind", ["segformer", "mobilenet_v2"])
def test_an_image_processor_that_changes_after_it_was_hashed_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_transformers(kind, tmp_path)
    read = hf.read_preprocessor

    def read_another(folder: Path) -> str:
        state_input(folder, image_mean=0.25)
        return read(folder)

    monkeypatch.setattr(hf, "read_preprocessor", read_another)
    with pytest.raises(UsageError, match=r"preprocessor_config\.json: changed while it was read"):
        load(tmp_path)


def test_an_image_processor_that_changes_before_the_first_image_is_refused(tmp_path: Path) -> None:
    save_transformers("segformer", tmp_path)
    state_input(tmp_path, size={"height": 32, "width": 48})
    unlike, model = load(tmp_path), load(tmp_path)
    assert model.process_size(IMAGES).shape[2:] == (32, 48)
    state_input(tmp_path, size={"height": 64, "width": 96})
    assert model.process_size(IMAGES).shape[2:] == (32, 48)
    with pytest.raises(UsageError, match=r"preprocessor_config\.json: changed after the model was read"):
        unlike.process_size(IMAGES)


def test_weights_for_which_the_configuration_has_no_place_are_stated(tmp_path: Path) -> None:
    config = transformers.BeitConfig(**VIT, **LABELS, use_relative_position_bias=True, out_indices=[1, 2, 3, 4])
    transformers.BeitForSemanticSegmentation(config).save_pretrained(tmp_path)
    assert "left out" not in load(tmp_path).about
    fields = json.loads((tmp_path / "config.json").read_text("utf-8")) | {"use_relative_position_bias": False}
    (tmp_path / "config.json").write_text(json.dumps(fields), encoding="utf-8")
    assert ", 4 tensors of the file left out, " in load(tmp_path).about


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_a_network_computes_for_itself_is_in_float32_whatever_its_weights(
    dtype: torch.dtype, tmp_path: Path
) -> None:
    backbone = transformers.Swinv2Config(
        image_size=64, embed_dim=12, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4, out_features=STAGES
    )
    config = transformers.UperNetConfig(
        backbone_config=backbone, hidden_size=16, pool_scales=[1, 2], use_auxiliary_head=False, **LABELS
    )
    network = strengthened(transformers.UperNetForSemanticSegmentation(config), 64).to(dtype)
    network.save_pretrained(tmp_path)
    reference = type(network).from_pretrained(tmp_path, dtype=torch.float32).eval()
    model = load(tmp_path)
    with torch.inference_mode():
        expected = reference(model.preprocessing.normalise(IMAGES)).logits
        torch.testing.assert_close(model(IMAGES), expected, atol=1e-5, rtol=0)
    files = [tmp_path / "config.json", tmp_path / "model.safetensors"]
    was_exact = dtype == torch.float32  # in earlier versions, whose numbers keep their identity
    assert (model.checkpoint_sha256 == identity_of(files, tmp_path)) == was_exact
