import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from segformer import CheckpointError, CheckpointInfo, SegFormer, build, load_checkpoint, save_checkpoint
from segformer.files import METADATA_KEY

IMAGES = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))


FORMS = {"own": "weights.safetensors", "transformers": "folder", "nvlabs": "weights.pth"}


@pytest.fixture
def ordinary() -> SegFormer:
    """A model that every form can hold, with values that differ from every form's defaults."""
    changes = {"expansions": (4, 2, 4, 4), "drop_path": 0.25, "dropout": 0.5, "norm_eps": 1e-3}
    model = build("b0", num_classes=3, depths=(1, 1, 2, 1), embedding_norm_eps=1e-4, **changes).eval()
    model.info = CheckpointInfo(class_names=("a", "b", "c"), licence="CC0-1.0", source="a test", recipe="{}")
    return model


@pytest.fixture
def model() -> SegFormer:
    model = build("b0", num_classes=3, ffn="plain", positional_encoding="learned", train_size=(64, 64)).eval()
    model.info = CheckpointInfo(class_names=("a", "b", "c"), licence="CC0-1.0", source="a test", recipe="{}")
    return model


@pytest.mark.parametrize(
    ("form", "name", "allowed"),
    [
        ("own", "w.pth", ".safetensors"),
        ("own", "w", ".safetensors"),
        ("nvlabs", "w.safetensors", ".pth or .pt or .bin"),
    ],
)
def test_a_name_of_another_form_is_refused_before_anything_is_written(
    ordinary: SegFormer, tmp_path: Path, form: str, name: str, allowed: str
) -> None:
    with pytest.raises(CheckpointError, match=f"{name}: form '{form}' needs a name that ends in {allowed}$"):
        save_checkpoint(ordinary, tmp_path / name, format=form)
    assert not list(tmp_path.iterdir())


def test_a_tensor_beyond_half_precision_keeps_its_type(ordinary: SegFormer, tmp_path: Path) -> None:
    ordinary.decoder.norm.running_var[0] = 1e5
    save_checkpoint(ordinary, tmp_path / "w.safetensors", half=True)
    stored = load_file(tmp_path / "w.safetensors")
    others = {t.dtype for key, t in stored.items() if t.is_floating_point() and key != "decoder.norm.running_var"}
    assert (stored["decoder.norm.running_var"].dtype, others) == (torch.float32, {torch.float16})
    read = load_checkpoint(tmp_path / "w.safetensors")
    assert read.decoder.norm.running_var[0] == 1e5


@pytest.mark.parametrize("odd", [torch.zeros(2, dtype=torch.complex64), torch.zeros(2, device="meta")])
def test_tensors_that_are_no_real_numbers_are_refused(tmp_path: Path, odd: torch.Tensor) -> None:
    torch.save({"backbone.x": odd}, tmp_path / "odd.pth")
    with pytest.raises(CheckpointError, match=r"odd.pth: expected a dictionary of tensors of real numbers|not a compl"):
        load_checkpoint(tmp_path / "odd.pth")


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning", "ignore:.torch.jit:DeprecationWarning")
def test_a_script_is_refused_without_advice_to_run_it(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "script.pth")
    with pytest.raises(CheckpointError, match=r"script.pth: not a complete file of plain tensors \(RuntimeError\)$"):
        load_checkpoint(tmp_path / "script.pth")


def test_an_own_file_gives_back_logits_configuration_and_origin(model: SegFormer, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_checkpoint(model, path)
    loaded = load_checkpoint(path)
    assert loaded.config == model.config
    assert not loaded.training
    assert len(loaded.info.sha256) == 64
    assert replace(loaded.info, sha256="") == model.info
    assert torch.equal(loaded(IMAGES), model(IMAGES))


@pytest.mark.parametrize("form", FORMS)
def test_a_model_comes_back_from_each_form_as_it_was(ordinary: SegFormer, tmp_path: Path, form: str) -> None:
    path = tmp_path / FORMS[form]
    save_checkpoint(ordinary, path, format=form)
    loaded = load_checkpoint(path)
    assert loaded.config == ordinary.config
    assert replace(loaded.info, sha256="") == ordinary.info
    assert loaded.state_dict().keys() == ordinary.state_dict().keys()
    assert all(torch.equal(value, loaded.state_dict()[key]) for key, value in ordinary.state_dict().items())
    assert torch.equal(loaded(IMAGES), ordinary(IMAGES))


@pytest.mark.parametrize("form", FORMS)
def test_half_precision_halves_the_file_and_is_read_as_float32(ordinary: SegFormer, tmp_path: Path, form: str) -> None:
    save_checkpoint(ordinary, tmp_path / "full" / FORMS[form], format=form)
    save_checkpoint(ordinary, tmp_path / "half" / FORMS[form], format=form, half=True)
    full, half = (sum(p.stat().st_size for p in (tmp_path / name).rglob("*.*")) for name in ("full", "half"))
    assert half < 0.55 * full
    loaded = load_checkpoint(tmp_path / "half" / FORMS[form])
    assert all(p.dtype == torch.float32 for p in loaded.parameters())
    for key, value in ordinary.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value.half().to(value.dtype))


def test_a_model_with_the_head_of_mmsegmentation_comes_back_from_an_own_file(tmp_path: Path) -> None:
    model = build("b0", num_classes=3, decoder="mmseg").eval()
    save_checkpoint(model, tmp_path / "weights.safetensors")
    loaded = load_checkpoint(tmp_path / "weights.safetensors")
    assert loaded.config == model.config
    assert torch.equal(loaded(IMAGES), model(IMAGES))


@pytest.mark.parametrize("form", ["transformers", "nvlabs"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ffn": "plain"}, "no SegFormer with ffn 'plain', only with 'mix'"),
        ({"positional_encoding": "learned", "train_size": (64, 64)}, "positional_encoding 'learned', only with None"),
        ({"decoder": "mmseg"}, "decoder 'mmseg', only with 'mlp'"),
    ],
)
def test_a_network_that_the_other_program_does_not_have_is_not_written(
    tmp_path: Path, form: str, change: dict[str, object], message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        save_checkpoint(build("b0", **change), tmp_path / FORMS[form], format=form)
    assert not list(tmp_path.iterdir())


def test_an_unknown_form_is_refused(ordinary: SegFormer, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="format must be one of 'own', 'transformers', 'nvlabs', got 'onnx'"):
        save_checkpoint(ordinary, tmp_path / "x", format="onnx")


def test_reading_does_not_change_the_global_generator(ordinary: SegFormer, tmp_path: Path) -> None:
    save_checkpoint(ordinary, tmp_path / "weights.safetensors")
    before = torch.random.get_rng_state()
    load_checkpoint(tmp_path / "weights.safetensors")
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_model_that_was_read_can_be_trained(ordinary: SegFormer, tmp_path: Path) -> None:
    save_checkpoint(ordinary, tmp_path / "folder", format="transformers")
    loaded = load_checkpoint(tmp_path / "folder").train()
    loaded(IMAGES.repeat(2, 1, 1, 1)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in loaded.parameters())


def test_a_file_is_replaced_whole_or_not_at_all(
    model: SegFormer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.safetensors"
    save_checkpoint(model, path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(build("b0", num_classes=3), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["weights.safetensors"]


@pytest.mark.parametrize("keep", [0, 7, 5000, -1])
@pytest.mark.parametrize("form", ["own", "nvlabs"])
def test_a_truncated_or_empty_file_is_refused_by_name_in_one_line(
    ordinary: SegFormer, tmp_path: Path, form: str, keep: int
) -> None:
    path = tmp_path / FORMS[form]
    save_checkpoint(ordinary, path, format=form)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert str(caught.value).startswith(f"{path}: not a complete")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"hello", pickle.dumps([1, 2]), pickle.dumps({"a": 1}, protocol=2)])
def test_a_pickle_of_something_else_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(
        CheckpointError, match=r"weights\.pth: (not a complete file of plain|expected a diction)"
    ) as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("tensors", [{0: torch.zeros(1)}, {"norm": torch.zeros(2).to_sparse()}])
def test_a_dictionary_of_other_things_than_named_dense_tensors_is_refused(
    tmp_path: Path, tensors: dict[object, torch.Tensor]
) -> None:
    torch.save(tensors, tmp_path / "weights.pth")
    with pytest.raises(CheckpointError, match="expected a dictionary of tensors"):
        load_checkpoint(tmp_path / "weights.pth")


@pytest.mark.parametrize("meta", [{"CLASSES": 3}, {"CLASSES": "abc"}, {"dataset_meta": "abc"}])
def test_class_names_that_are_no_list_are_none(tmp_path: Path, meta: dict[str, object]) -> None:
    save_checkpoint(build("b0", num_classes=3), tmp_path / "weights.pth", format="nvlabs")
    content = torch.load(tmp_path / "weights.pth", weights_only=True)
    torch.save(content | {"meta": meta}, tmp_path / "weights.pth")
    assert load_checkpoint(tmp_path / "weights.pth").info.class_names == ()


def test_class_names_that_are_not_one_per_logit_are_neither_written_nor_read(model: SegFormer, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_checkpoint(model, path)
    info = {k: v for k, v in vars(model.info).items() if k != "sha256"} | {"class_names": ["a", "b"]}
    save_file(load_file(path), path, {METADATA_KEY: json.dumps({"config": vars(model.config), "info": info})})
    with pytest.raises(CheckpointError, match=r"weights\.safetensors: .*2 class names for 3 classes"):
        load_checkpoint(path)
    model.info = replace(model.info, class_names=("a", "b"))
    with pytest.raises(CheckpointError, match="2 class names for 3 classes"):
        save_checkpoint(model, tmp_path / "other.safetensors")
    assert not (tmp_path / "other.safetensors").exists()


def test_keys_that_do_not_fit_are_listed_with_their_number(model: SegFormer, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_checkpoint(model, path)
    tensors = load_file(path)
    description = json.dumps(
        {"config": vars(model.config), "info": {k: v for k, v in vars(model.info).items() if k != "sha256"}}
    )
    del tensors["decoder.norm.bias"]
    tensors["colour"] = torch.zeros(1)
    tensors["decoder.fuse.weight"] = torch.zeros(2, 2)
    save_file(tensors, path, {METADATA_KEY: description})
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert "1 missing: decoder.norm.bias" in str(caught.value)
    assert "1 unknown: colour" in str(caught.value)
    assert "1 misshapen: decoder.fuse.weight is (2, 2), not (256, 1024)" in str(caught.value)
    save_file({"colour": torch.zeros(1)}, path, {METADATA_KEY: description})
    with pytest.raises(CheckpointError, match=r"\d+ missing: (\S+, ){10}\.\.\.; 1 unknown"):
        load_checkpoint(path)


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file or folder"):
        load_checkpoint(tmp_path / "absent.safetensors")
    with pytest.raises(CheckpointError, match=r"needs config\.json and"):
        load_checkpoint(tmp_path)
    save_file({"x": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(CheckpointError, match="holds no SegFormer of this project, NVlabs"):
        load_checkpoint(tmp_path / "foreign.safetensors")
    (tmp_path / "weights.txt").write_text("x")
    with pytest.raises(CheckpointError, match=r"expected a \.safetensors or \.pth, .* folder"):
        load_checkpoint(tmp_path / "weights.txt")


def save_foreign(folder: Path, **changes: object) -> SegformerForSemanticSegmentation:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        reference = SegformerForSemanticSegmentation(SegformerConfig(**changes)).eval()
    reference.config.save_pretrained(folder)
    torch.save(foreign_tensors(reference, folder), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return reference


def foreign_tensors(reference: SegformerForSemanticSegmentation, folder: Path) -> dict[str, torch.Tensor]:
    from transformers.utils import logging

    logging.disable_progress_bar()
    reference.save_pretrained(folder)
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("labels", [2, 3])
def test_a_folder_with_a_pickle_and_any_number_of_labels_is_read(tmp_path: Path, labels: int) -> None:
    reference = save_foreign(tmp_path, num_labels=labels)
    model = load_checkpoint(tmp_path)
    assert model.config.num_classes == labels
    assert model.config.norm_eps == model.config.embedding_norm_eps == 1e-5
    with torch.inference_mode():
        torch.testing.assert_close(model(IMAGES), reference(IMAGES).logits, atol=1e-4, rtol=0)


class RunsCode:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path: Path, zipped: bool) -> None:
    path, trace = tmp_path / "mit_b0.pth", tmp_path / "trace"
    content = {"meta": {}, "state_dict": {"patch_embed1.proj.weight": RunsCode(trace)}}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert str(caught.value).startswith(f"{path}: refused, because reading it would run code (")
    assert "mkdir); only plain tensors are read" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not trace.exists()
    torch.load(path, weights_only=False)  # the file does run code for a reader that lets it
    assert trace.exists()


def test_a_foreign_folder_that_is_no_segformer_is_refused(tmp_path: Path) -> None:
    save_foreign(tmp_path, num_labels=3)
    config = json.loads((tmp_path / "config.json").read_text())
    for change, message in [
        ({"model_type": "bert"}, "model_type must be 'segformer', got 'bert'"),
        ({"strides": [2, 2, 2, 2]}, "strides must be"),
        ({"hidden_sizes": None}, "not the configuration of a SegFormer"),
    ]:
        (tmp_path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(CheckpointError, match=message):
            load_checkpoint(tmp_path)


def test_a_foreign_folder_with_a_key_too_few_or_too_many_is_refused(tmp_path: Path) -> None:
    save_foreign(tmp_path, num_labels=3)
    path = tmp_path / "pytorch_model.bin"
    tensors = torch.load(path, weights_only=True)
    tensors["decode_head.extra"] = tensors.pop("decode_head.classifier.bias")
    torch.save(tensors, path)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(tmp_path)
    assert "1 missing: decode_head.classifier.bias" in str(caught.value)
    assert "1 unknown: decode_head.extra" in str(caught.value)
