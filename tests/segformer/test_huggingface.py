"""Names on the hub, local paths, and config.json. The hub's client is replaced: nothing is downloaded."""

import json
from pathlib import Path

import pytest
import torch
from test_sources import RESEARCH, assert_logits_equal, fake_hub, logits_of, make_reference
from transformers import SegformerForSemanticSegmentation

from segformer import CheckpointError, load_checkpoint
from segformer.huggingface import is_hub_id, missing, repository_of

NVIDIA = "nvidia/segformer-b0-test"


@pytest.fixture(autouse=True)
def requests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The files requested from the hub, in an empty folder; the hub has one repository, in the folder named hub."""
    make_reference().save_pretrained(tmp_path / "hub")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return fake_hub(monkeypatch, tmp_path / "hub")


@pytest.mark.parametrize(
    "name",
    [
        "runs/mix-s0",
        "weights/b0",
        "results/segformer_b0.run1",
        "someone/segformer-b0",
        "nvidia-weights/b0",
        "nvidla/b0",
    ],
)
def test_a_mistyped_path_is_not_looked_up_on_the_hub_and_the_message_has_the_form_of_a_repository(
    requests: list[str], name: str
) -> None:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(name)
    assert str(caught.value) == (
        f"{name}: no such file or folder; for a repository on the Hugging Face hub write hf:{name}"
    )
    assert not requests


@pytest.mark.parametrize(
    "name",
    ["b0", "~/x/y", "./runs/b0", "../b0", "/absent/b0", "a/b/c", "runs/b0.pth", "nvidia/b0.safetensors", "x/last.ckpt"],
)
def test_a_path_that_can_only_be_a_path_is_reported_as_missing(requests: list[str], name: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(name)
    assert str(caught.value) == f"{name}: no such file or folder"
    assert not requests


@pytest.mark.parametrize("name", ["hf:segformer-b0", "hf:a/b/c", "hf:", "hf:../b0"])
def test_a_name_on_the_hub_needs_owner_and_name(requests: list[str], name: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(name)
    assert str(caught.value) == (
        f"{name}: no such file or folder; a repository on the Hugging Face hub is hf:OWNER/NAME"
    )
    assert not requests


@pytest.mark.parametrize("name", [NVIDIA, f"hf:{NVIDIA}"])
def test_a_repository_is_fetched_with_all_that_decides_logits(requests: list[str], name: str) -> None:
    model = load_checkpoint(name)
    assert_logits_equal(model, logits_of(make_reference()))
    assert model.info.licence.startswith(RESEARCH)
    assert {
        "config.json",
        "preprocessor_config.json",
        "processor_config.json",
        "model.safetensors",
        "model.safetensors.index.json",
        "model-*.safetensors",
    } <= set(requests)


def test_any_repository_is_downloaded_by_its_explicit_form(requests: list[str]) -> None:
    with pytest.raises(CheckpointError, match=r"^hf:some\.one/b0_x: not available from the Hugging Face hub \(\[Errno"):
        load_checkpoint("hf:some.one/b0_x")
    assert requests


def test_a_local_folder_is_read_before_the_hub_is_asked(requests: list[str], tmp_path: Path) -> None:
    for name in (NVIDIA, "someone/b0"):
        make_reference().save_pretrained(name)
        for written in (name, f"hf:{name}"):
            assert not is_hub_id(written)
            assert missing(written) == ""
            assert_logits_equal(load_checkpoint(written), logits_of(make_reference()))
    assert not is_hub_id("nvidia/absent")  # since there is a folder nvidia
    assert repository_of("hf:nvidia/absent") == "nvidia/absent"
    assert not requests


def test_shards_on_the_hub_are_read(tmp_path: Path) -> None:
    for file in (tmp_path / "hub").iterdir():
        file.unlink()
    make_reference().save_pretrained(tmp_path / "hub", max_shard_size="4MB")
    assert_logits_equal(load_checkpoint(NVIDIA), logits_of(make_reference()))


def change_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    for name, value in changes.items():
        config[name] = value
        if value is None:
            del config[name]
    (folder / "config.json").write_text(json.dumps(config))


def test_the_number_of_classes_may_stand_alone(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    change_config(folder, id2label=None, label2id=None, num_labels=5)
    theirs = SegformerForSemanticSegmentation.from_pretrained(folder).eval()
    assert theirs.config.num_labels == 5
    model = load_checkpoint(folder)
    assert (model.config.num_classes, model.info.class_names) == (5, ())
    assert_logits_equal(model, logits_of(theirs))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_act": "relu"}, "hidden_act must be 'gelu', got 'relu'"),
        ({"hidden_act": "gelu_new"}, "hidden_act must be 'gelu', got 'gelu_new'"),
        ({"reshape_last_stage": False}, "reshape_last_stage must be True, got False"),
        ({"model_type": "glpn"}, "model_type must be 'segformer', got 'glpn'"),
        ({"num_channels": 4}, "num_channels must be 3, got 4"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "quantised weights are not supported"),
        ({"id2label": {"0": "a", "1": "b", "2": "c", "3": "d", "5": "e"}}, "id2label must number the classes 0, 1, 2"),
        ({"num_labels": 3}, "num_labels is 3, but id2label names 5 classes"),  # versions 4 and 5 differ on which holds
        ({"id2label": {"a": "0"}}, "not the configuration of a SegFormer"),
        ({"id2label": None, "label2id": None, "num_labels": "5"}, "num_classes must be an integer of at least 1"),
        (
            {"id2label": {"0": "a", "1": "b", "2": "c"}},
            r"2 misshapen: decode_head\.classifier\.weight is \(5, 256, 1, 1\)",
        ),
        ({"sr_ratios": [8, 4, 2, 2]}, "keys do not fit the network"),
        ({"decoder_hidden_size": 128}, "keys do not fit the network"),
    ],
)
def test_a_configuration_of_another_network_is_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    change_config(tmp_path / "hub", **changes)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(tmp_path / "hub")


def test_training_fields_of_a_configuration_are_ignored(tmp_path: Path) -> None:
    change_config(tmp_path / "hub", semantic_loss_ignore_index=0, hidden_dropout_prob=0.5, layer_norm_eps=0.1)
    assert_logits_equal(load_checkpoint(tmp_path / "hub"), logits_of(make_reference()))


def test_a_folder_with_an_adapter_is_refused_since_its_weights_are_not_all(tmp_path: Path) -> None:
    (tmp_path / "hub" / "adapter_config.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"hub: has an adapter, which is not applied here"):
        load_checkpoint(tmp_path / "hub")


def test_quantised_weights_in_a_folder_are_refused(tmp_path: Path) -> None:
    model = make_reference()
    state = model.state_dict()
    key = next(key for key in state if key.endswith("linear_fuse.weight"))
    state[key] = (100 * state[key]).to(torch.int8)
    (tmp_path / "hub" / "model.safetensors").unlink()
    torch.save(state, tmp_path / "hub" / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"1 not floating point: decode_head\.linear_fuse\.weight is int8$"):
        load_checkpoint(tmp_path / "hub")
