"""Checkpoints of other programs, made here with random weights under the released key names.

Transformers' own class is the oracle of the network. Regular expressions, written independently of the package's
tables, rename its keys to the names of NVlabs and MMSegmentation.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import SegformerConfig, SegformerForImageClassification, SegformerForSemanticSegmentation, __version__
from transformers.utils import logging

from segformer import (
    VARIANTS,
    CheckpointError,
    MixTransformer,
    SegFormer,
    build,
    load_checkpoint,
    load_encoder,
    save_checkpoint,
)
from segformer.sources import MMSEGMENTATION, NVLABS, SOURCES
from segformer.translate import config_from_shapes

IMAGES = torch.randn(2, 3, 97, 131, generator=torch.Generator().manual_seed(0))
RESEARCH = "research only"
TOLERANCE = 1e-4

NVLABS_NAMES = [
    (r"segformer\.encoder\.patch_embeddings\.(\d)\.layer_norm", r"backbone.patch_embed<\1>.norm"),
    (r"segformer\.encoder\.patch_embeddings\.(\d)\.proj", r"backbone.patch_embed<\1>.proj"),
    (r"segformer\.encoder\.layer_norm\.(\d)", r"backbone.norm<\1>"),
    (r"segformer\.encoder\.block\.(\d)\.(\d+)", r"backbone.block<\1>.\2"),
    (r"\.layer_norm_(\d)", r".norm\1"),
    (r"\.attention\.self\.query", ".attn.q"),
    (r"\.attention\.self\.sr", ".attn.sr"),
    (r"\.attention\.self\.layer_norm", ".attn.norm"),
    (r"\.attention\.output\.dense", ".attn.proj"),
    (r"\.mlp\.dense(\d)", r".mlp.fc\1"),
    (r"decode_head\.linear_c\.(\d)", r"decode_head.linear_c<\1>"),
    (r"decode_head\.linear_fuse", "decode_head.linear_fuse.conv"),
    (r"decode_head\.batch_norm", "decode_head.linear_fuse.bn"),
    (r"decode_head\.classifier", "decode_head.linear_pred"),
]
MMSEG_NAMES = [
    (r"segformer\.encoder\.patch_embeddings\.(\d)\.layer_norm", r"backbone.layers.\1.0.norm"),
    (r"segformer\.encoder\.patch_embeddings\.(\d)\.proj", r"backbone.layers.\1.0.projection"),
    (r"segformer\.encoder\.layer_norm\.(\d)", r"backbone.layers.\1.2"),
    (r"segformer\.encoder\.block\.(\d)\.(\d+)", r"backbone.layers.\1.1.\2"),
    (r"\.layer_norm_(\d)", r".norm\1"),
    (r"\.attention\.self\.sr", ".attn.sr"),
    (r"\.attention\.self\.layer_norm", ".attn.norm"),
    (r"\.attention\.output\.dense", ".attn.attn.out_proj"),
    (r"\.mlp\.dense1", ".ffn.layers.0"),
    (r"\.mlp\.dwconv\.dwconv", ".ffn.layers.1"),
    (r"\.mlp\.dense2", ".ffn.layers.4"),
]


@pytest.fixture(autouse=True)
def _no_progress_bars() -> None:
    logging.disable_progress_bar()


def make_reference(
    model_class: type = SegformerForSemanticSegmentation, num_classes: int = 5
) -> SegformerForSemanticSegmentation:
    """B0 whose tokens are so small that LayerNorm's epsilon matters, with each parameter away from its default."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = model_class(SegformerConfig(num_labels=num_classes))
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif tensor.dtype == torch.int64:
                tensor.fill_(7)
            elif "patch_embeddings" in name and "layer_norm" in name:
                tensor.uniform_(-2e-3, 2e-3)
            elif "norm" in name and name.endswith("weight"):
                tensor.uniform_(0.5, 1.5)
            elif re.search(r"patch_embeddings.*proj\.weight", name):
                tensor.mul_(0.02)
            elif re.search(r"(dense2|fc2|dense|o_proj)\.(weight|bias)$", name):
                tensor.normal_(std=1e-4)
            elif "batch_norm" in name or "decode_head" in name:
                tensor.normal_(std=0.1)
    return model.eval()


def with_eps(
    model: SegformerForSemanticSegmentation, *, norm: float, embedding: float
) -> SegformerForSemanticSegmentation:
    """Set LayerNorm's epsilon: `embedding` in patch embeddings and after the reduction of keys and values."""
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.LayerNorm):
            inner = re.search(r"patch_embeddings|attention", name)
            module.eps = embedding if inner else norm
    return model


def original_state(model: SegformerForSemanticSegmentation, folder: Path) -> dict[str, Tensor]:
    """The state dict under the names that Transformers writes to disk."""
    model.save_pretrained(folder)
    return load_file(folder / "model.safetensors")


def rename(key: str, names: Iterable[tuple[str, str]]) -> str:
    for pattern, name in names:
        key = re.sub(pattern, name, key)
    return re.sub(r"<(\d)>", lambda match: str(int(match[1]) + 1), key)


def to_nvlabs(state: dict[str, Tensor]) -> dict[str, Tensor]:
    result = {}
    for key, value in state.items():
        if ".self.key." in key:
            pair = torch.cat([value, state[key.replace(".key.", ".value.")]])
            result[rename(key.replace(".attention.self.key.", ".attn.kv."), NVLABS_NAMES)] = pair
        elif ".self.value." not in key:
            result[rename(key, NVLABS_NAMES)] = value
    return result


def to_mmseg(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The encoder alone; the head is another."""
    result = {}
    for key, value in state.items():
        if ".self.query." in key:
            triple = torch.cat([state[key.replace(".query.", f".{name}.")] for name in ("query", "key", "value")])
            result[rename(key.replace(".attention.self.query.", ".attn.attn.in_proj_"), MMSEG_NAMES)] = triple
        elif re.search(r"mlp\.dense[12]\.weight", key):
            result[rename(key, MMSEG_NAMES)] = value[:, :, None, None]
        elif not re.search(r"decode_head|\.self\.(key|value)\.", key):
            result[rename(key, MMSEG_NAMES)] = value
    return result


def mmseg_head(num_classes: int, width: int = 256) -> dict[str, Tensor]:
    """Random tensors under the names and with the shapes of that head for B0, batch statistics far from 0 and 1."""
    draw = torch.Generator().manual_seed(7)
    layers = {f"convs.{i}": channels for i, channels in enumerate((32, 64, 160, 256))} | {"fusion_conv": 4 * width}
    state = {}
    for layer, channels in layers.items():
        state[f"decode_head.{layer}.conv.weight"] = torch.randn(width, channels, 1, 1, generator=draw) / channels**0.5
        for leaf, centre in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.2), ("running_var", 1.0)):
            spread = torch.rand(width, generator=draw) - 0.5
            state[f"decode_head.{layer}.bn.{leaf}"] = centre + spread
        state[f"decode_head.{layer}.bn.num_batches_tracked"] = torch.tensor(3)
    state["decode_head.conv_seg.weight"] = torch.randn(num_classes, width, 1, 1, generator=draw) / width**0.5
    state["decode_head.conv_seg.bias"] = torch.randn(num_classes, generator=draw)
    return state


def run_mmseg_head(state: dict[str, Tensor], features: list[Tensor]) -> Tensor:
    """The head, slowly: every 1x1 convolution a sum over channels, every normalisation its formula."""

    def unit(x: Tensor, layer: str) -> Tensor:
        get = {
            leaf: state[f"decode_head.{layer}.bn.{leaf}"][:, None, None]
            for leaf in ("weight", "bias", "running_mean", "running_var")
        }
        y = torch.einsum("oc,bchw->bohw", state[f"decode_head.{layer}.conv.weight"][:, :, 0, 0], x)
        y = (y - get["running_mean"]) / (get["running_var"] + 1e-5).sqrt() * get["weight"] + get["bias"]
        return y.clamp(min=0)

    height, width = features[0].shape[2:]
    maps = [unit(feature, f"convs.{i}") for i, feature in enumerate(features)]
    at_first = [torch.nn.functional.interpolate(y, (height, width), mode="bilinear") for y in maps]
    fused = unit(torch.cat(at_first, dim=1), "fusion_conv")
    scores = torch.einsum("oc,bchw->bohw", state["decode_head.conv_seg.weight"][:, :, 0, 0], fused)
    return scores + state["decode_head.conv_seg.bias"][:, None, None]


def hidden_states(model: SegformerForSemanticSegmentation) -> list[Tensor]:
    with torch.inference_mode():
        return list(model(IMAGES, output_hidden_states=True).hidden_states)


def assert_logits_equal(model: SegFormer, expected: Tensor) -> None:
    with torch.inference_mode():
        got = model(IMAGES)
    assert expected.std() > 0.05
    torch.testing.assert_close(got, expected.to(got.dtype), atol=TOLERANCE, rtol=0)


def logits_of(reference: SegformerForSemanticSegmentation) -> Tensor:
    with torch.inference_mode():
        return reference(IMAGES).logits


def test_the_epsilons_of_the_sources_give_logits_that_differ_here_by_far_more_than_the_tolerance() -> None:
    reference = make_reference()
    nvlabs, mmseg, transformers = (
        logits_of(with_eps(reference, norm=norm, embedding=embedding))
        for norm, embedding in [(1e-6, 1e-5), (1e-6, 1e-6), (1e-5, 1e-5)]
    )
    assert (nvlabs - mmseg).abs().max() > 50 * TOLERANCE
    assert (nvlabs - transformers).abs().max() > 50 * TOLERANCE
    assert (mmseg - transformers).abs().max() > 50 * TOLERANCE


def test_an_nvlabs_file_gives_the_networks_logits_with_its_epsilons_and_a_research_licence(tmp_path: Path) -> None:
    reference = make_reference()
    state = to_nvlabs(original_state(reference, tmp_path / "hf"))
    state |= {"decode_head.conv_seg.weight": torch.zeros(5, 128, 1, 1), "decode_head.conv_seg.bias": torch.zeros(5)}
    names = ("road", "car", "sky", "tree", "wall")
    torch.save({"meta": {"CLASSES": names, "PALETTE": [[0, 0, 0]] * 5}, "state_dict": state}, tmp_path / "b0.pth")
    model = load_checkpoint(tmp_path / "b0.pth")
    assert_logits_equal(model, logits_of(with_eps(reference, norm=1e-6, embedding=1e-5)))
    assert model.config == replace(VARIANTS["b0"], num_classes=5)
    assert model.info.source == "NVlabs"
    assert model.info.class_names == names
    assert model.info.licence.startswith(RESEARCH)
    assert not model.training
    assert all(p.requires_grad and p.dtype == torch.float32 for p in model.parameters())


def test_an_mmsegmentation_file_gives_its_own_heads_logits_with_its_epsilon(tmp_path: Path) -> None:
    reference = with_eps(make_reference(), norm=1e-6, embedding=1e-6)
    state = to_mmseg(original_state(reference, tmp_path / "hf")) | mmseg_head(num_classes=7)
    torch.save({"meta": {"CLASSES": ["x"] * 3}, "state_dict": state}, tmp_path / "b0.pth")
    model = load_checkpoint(tmp_path / "b0.pth")
    assert_logits_equal(model, run_mmseg_head(state, hidden_states(reference)))
    assert (model.config.decoder, model.config.decoder_width, model.config.num_classes) == ("mmseg", 256, 7)
    assert model.info.source == "MMSegmentation"
    storages = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    assert len(storages) == len(list(model.parameters()))  # none is a view into a tensor of the file
    assert model.info.class_names == ()  # three names do not fit seven classes
    assert model.info.licence.startswith(RESEARCH)


@pytest.mark.parametrize("original", [True, False])
def test_a_transformers_folder_is_read_under_the_names_of_versions_4_and_5(tmp_path: Path, original: bool) -> None:
    reference = make_reference()
    if int(__version__.split(".")[0]) < 5:
        pytest.skip("version 4 has its own names only")
    reference.save_pretrained(tmp_path, save_original_format=original)
    keys = load_file(tmp_path / "model.safetensors")
    assert ("decode_head.linear_c.0.proj.bias" in keys) == original
    model = load_checkpoint(tmp_path)
    assert_logits_equal(model, logits_of(reference))
    assert model.info.source == "Transformers"
    assert model.info.class_names == ()


@pytest.mark.parametrize(
    ("form", "head"), [("NVlabs", True), ("NVlabs", False), ("MMSegmentation", False), ("Transformers", True)]
)
def test_an_imagenet_encoder_is_read_from_each_source_with_or_without_its_head(
    tmp_path: Path, form: str, head: bool
) -> None:
    reference = make_reference(SegformerForImageClassification, num_classes=10)
    state = original_state(reference, tmp_path)
    classifier = {leaf: state.pop(f"classifier.{leaf}") for leaf in ("weight", "bias")}
    path = tmp_path / "mit_b0.pth"
    eps = {"norm": 1e-6, "embedding": 1e-5 if form == "NVlabs" else 1e-6}
    if form == "Transformers":
        path, eps = tmp_path, {"norm": 1e-5, "embedding": 1e-5}
    else:
        state = (to_nvlabs if form == "NVlabs" else to_mmseg)(state)
        state = {key.removeprefix("backbone."): value for key, value in state.items()}
        if head:
            state |= {f"head.{leaf}": value for leaf, value in classifier.items()}
        torch.save(state, path)
    encoder = load_checkpoint(path)
    assert isinstance(encoder, MixTransformer)
    assert (encoder.config.norm_eps, encoder.config.embedding_norm_eps) == tuple(eps.values())
    assert encoder.info.source == form
    assert form == "Transformers" or encoder.info.licence.startswith(RESEARCH)
    with torch.inference_mode():
        expected = with_eps(reference, **eps).segformer(IMAGES, output_hidden_states=True).hidden_states
        for got, feature in zip(encoder(IMAGES), expected, strict=True):
            torch.testing.assert_close(got, feature, atol=TOLERANCE, rtol=0)


def test_a_models_encoder_can_start_from_an_imagenet_checkpoint_or_a_whole_network(tmp_path: Path) -> None:
    state = to_nvlabs(original_state(make_reference(), tmp_path / "hf"))
    torch.save({"state_dict": state}, tmp_path / "whole.pth")
    encoder = {key.removeprefix("backbone."): v for key, v in state.items() if key.startswith("backbone.")}
    torch.save(encoder, tmp_path / "mit_b0.pth")
    for name in ("whole.pth", "mit_b0.pth"):
        model = build("b0", num_classes=3)
        decoder = {key: value.clone() for key, value in model.decoder.state_dict().items()}
        load_encoder(model, tmp_path / name)
        assert torch.equal(model.encoder.stages[2].norm.bias, state["backbone.norm3.bias"])
        assert torch.equal(
            model.encoder.stages[0].blocks[1].ffn.mix.weight, encoder["block1.1.mlp.dwconv.dwconv.weight"]
        )
        assert all(torch.equal(value, decoder[key]) for key, value in model.decoder.state_dict().items())
        assert model.info.licence.startswith(RESEARCH)
        assert name in model.info.source
    with pytest.raises(CheckpointError, match=r"whole\.pth: .*\d+ misshapen: stages"):
        load_encoder(build("b1"), tmp_path / "whole.pth")
    with pytest.raises(CheckpointError, match=r"made for norm_eps 1e-06, the model has 0\.001"):
        load_encoder(build("b0", norm_eps=1e-3), tmp_path / "whole.pth")


def test_an_encoder_that_is_replaced_leaves_the_decoders_licence_in_place(
    tmp_path: Path, nvlabs_state: dict[str, Tensor]
) -> None:
    free = build("b0", num_classes=3)
    free.info = replace(free.info, licence="CC0-1.0")
    save_checkpoint(free, tmp_path / "free.safetensors")
    torch.save(nvlabs_state, tmp_path / "b0.pth")
    model = load_checkpoint(tmp_path / "b0.pth")
    load_encoder(model, tmp_path / "free.safetensors")
    assert model.info.licence.startswith(RESEARCH)
    assert model.info.licence.endswith("; encoder: CC0-1.0")
    assert model.info.source.startswith("NVlabs, encoder from ")
    assert model.info.sha256 == ""


@pytest.mark.parametrize("variant", VARIANTS)
def test_variant_classes_and_decoder_width_come_from_the_shapes(variant: str) -> None:
    widths, depths = VARIANTS[variant].widths, VARIANTS[variant].depths
    empty = lambda *shape: torch.empty(shape, device="meta")  # noqa: E731
    nvlabs = {f"backbone.patch_embed{n}.proj.weight": empty(widths[n - 1], 3, 3, 3) for n in (1, 2, 3, 4)}
    nvlabs |= {f"backbone.block{n}.{j}.norm1.weight": empty(1) for n in (1, 2, 3, 4) for j in range(depths[n - 1])}
    config = config_from_shapes(nvlabs | {"decode_head.linear_pred.weight": empty(150, 99, 1, 1)}, NVLABS, Path())
    assert (config.widths, config.depths, config.heads) == (widths, depths, (1, 2, 5, 8))
    assert (config.num_classes, config.decoder_width, config.decoder) == (150, 99, "mlp")
    mmseg = {f"backbone.layers.{i}.0.projection.weight": empty(widths[i], 3, 3, 3) for i in range(4)}
    mmseg |= {f"backbone.layers.{i}.1.{j}.norm1.weight": empty(1) for i in range(4) for j in range(depths[i])}
    config = config_from_shapes(mmseg | {"decode_head.conv_seg.weight": empty(19, 256, 1, 1)}, MMSEGMENTATION, Path())
    assert (config.widths, config.depths) == (widths, depths)
    assert (config.num_classes, config.decoder_width, config.decoder) == (19, 256, "mmseg")


@pytest.fixture
def nvlabs_state(tmp_path: Path) -> dict[str, Tensor]:
    return to_nvlabs(original_state(make_reference(), tmp_path / "hf"))


def test_keys_that_do_not_fit_are_listed_under_the_files_own_names(
    tmp_path: Path, nvlabs_state: dict[str, Tensor]
) -> None:
    path = tmp_path / "b0.pth"
    nvlabs_state["backbone.colour"] = nvlabs_state.pop("backbone.block1.0.attn.kv.bias")
    nvlabs_state["decode_head.linear_fuse.conv.weight"] = torch.zeros(256, 1024)
    torch.save(nvlabs_state, path)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert "1 missing: backbone.block1.0.attn.kv.bias;" in str(caught.value)
    assert "1 unknown: backbone.colour;" in str(caught.value)
    assert str(caught.value).endswith(
        "1 misshapen: decode_head.linear_fuse.conv.weight is (256, 1024), not (256, 1024, 1, 1)"
    )
    few = {key: value for key, value in nvlabs_state.items() if "proj" in key or "norm1" in key or "pred" in key}
    torch.save(few, path)
    with pytest.raises(CheckpointError, match=r"\d\d+ missing: (\S+, ){10}\.\.\.$"):
        load_checkpoint(path)


def test_a_network_that_was_never_published_is_refused_with_its_widths_and_depths(
    tmp_path: Path, nvlabs_state: dict[str, Tensor]
) -> None:
    path = tmp_path / "b0.pth"
    torch.save({key: v for key, v in nvlabs_state.items() if not key.startswith("backbone.block4.1.")}, path)
    with pytest.raises(CheckpointError, match=r"widths \(32, 64, 160, 256\) and depths \(2, 2, 2, 1\) .* no published"):
        load_checkpoint(path)
    del nvlabs_state["backbone.patch_embed4.proj.weight"]
    torch.save(nvlabs_state, path)
    with pytest.raises(CheckpointError, match=r"1 missing: backbone\.patch_embed4\.proj\.weight"):
        load_checkpoint(path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "linear.pth")
    with pytest.raises(CheckpointError, match=r"linear\.pth: holds no SegFormer of this project, NVlabs, MMSeg"):
        load_checkpoint(tmp_path / "linear.pth")
    torch.save({"state_dict": {"backbone.patch_embed1.proj.weight": 3}}, tmp_path / "number.pth")
    with pytest.raises(CheckpointError, match="expected a dictionary of tensors"):
        load_checkpoint(tmp_path / "number.pth")


def test_a_file_of_transformers_without_its_folder_asks_for_the_folder(tmp_path: Path) -> None:
    make_reference().save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"model\.safetensors: .*config\.json; give the folder"):
        load_checkpoint(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    ("change", "licence"),
    [
        ({}, "unknown (NVIDIA's released weights are research only)"),
        ({"license": "cc0-1.0"}, "cc0-1.0"),
        ({"_name_or_path": "nvidia/mit-b0"}, RESEARCH),
        ({"_name_or_path": "nvidia/mit-b0", "license": "apache-2.0"}, RESEARCH),
        ({"_name_or_path": "/cache/models--nvidia--mit-b0/snapshots/0"}, RESEARCH),
        ({"_name_or_path": "someone/nvidia"}, "unknown"),
        ({"_name_or_path": "/home/nvidia/own-model"}, "unknown"),
        ({"_name_or_path": "nvidia/runs/own-model"}, "unknown"),
    ],
)
def test_a_transformers_folder_tells_its_licence_as_far_as_it_is_known(
    tmp_path: Path, change: dict[str, str], licence: str
) -> None:
    make_reference().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))
    assert load_checkpoint(tmp_path).info.licence.startswith(licence)


def test_a_folder_in_the_hubs_cache_is_known_as_nvidias_by_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "models--nvidia--segformer-b0-test" / "snapshots" / "0123"
    make_reference().save_pretrained(folder)
    assert load_checkpoint(folder).info.licence.startswith(RESEARCH)


def fake_hub(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[str]:
    """A hub that has one repository; the list is of what was asked for."""
    requests = []

    def snapshot_download(repository: str, *, allow_patterns: list[str]) -> str:
        requests.extend(allow_patterns)
        if repository != "nvidia/segformer-b0-test":
            raise ConnectionError("[Errno -2] Name or service not known\nmore lines")
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    return requests


@pytest.mark.parametrize("pickled", [True, False])
def test_a_repository_of_nvidia_on_the_hub_is_fetched_and_is_research_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pickled: bool
) -> None:
    state = original_state(make_reference(), tmp_path)
    if pickled:
        (tmp_path / "model.safetensors").unlink()
        torch.save(state, tmp_path / "pytorch_model.bin")
    requests = fake_hub(monkeypatch, tmp_path)
    model = load_checkpoint("nvidia/segformer-b0-test")
    assert model.info.licence.startswith(RESEARCH)
    assert ("pytorch_model.bin" in requests) == pickled  # not fetched where there is the other


def test_a_hub_that_is_out_of_reach_is_one_line_and_a_path_in_a_folder_here_never_asks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = fake_hub(monkeypatch, tmp_path)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint("nvidia/absent")
    assert str(caught.value) == (
        "nvidia/absent: no such file or folder, and not available from the Hugging Face hub "
        "([Errno -2] Name or service not known)"
    )
    requests.clear()
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    for path in ("runs/absent", "other/weights.pth", "other/weights.safetensors"):
        with pytest.raises(CheckpointError, match=r"no such file or folder$"):
            load_checkpoint(path)
    assert not requests


def test_no_table_names_a_module_twice() -> None:
    for source in SOURCES:
        theirs = [key for keys in source.keys.values() for key in ([keys] if isinstance(keys, str) else keys)]
        assert len(set(theirs)) == len(theirs)
        assert set(source.convolutions) <= set(theirs)


@pytest.mark.parametrize("form", ["transformers", "nvlabs"])
def test_a_model_written_in_another_form_has_the_names_that_the_other_program_writes(tmp_path: Path, form: str) -> None:
    reference = make_reference()
    expected = original_state(reference, tmp_path / "hf")
    model = load_checkpoint(tmp_path / "hf")
    path = tmp_path / ("written" if form == "transformers" else "written.pth")
    save_checkpoint(model, path, format=form)
    if form == "transformers":
        written = load_file(path / "model.safetensors")
    else:
        expected = to_nvlabs(expected)
        written = torch.load(path, weights_only=True)["state_dict"]
    assert written.keys() == expected.keys()
    assert all(torch.equal(written[key], expected[key]) for key in expected)


@pytest.mark.parametrize("half", [True, False])
def test_a_folder_written_for_transformers_loads_there_and_gives_the_same_logits(tmp_path: Path, half: bool) -> None:
    make_reference().save_pretrained(tmp_path / "hf")
    model = load_checkpoint(tmp_path / "hf")
    save_checkpoint(model, tmp_path / "ours", format="transformers", half=half)
    theirs, report = SegformerForSemanticSegmentation.from_pretrained(
        tmp_path / "ours", dtype=torch.float32, output_loading_info=True
    )
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert theirs.config.num_labels == 5
    if half:
        model = load_checkpoint(tmp_path / "ours")
    assert_logits_equal(model, logits_of(theirs.eval()))


def test_the_epsilon_of_transformers_moves_an_ordinary_models_logits_by_less_than_1e_4(tmp_path: Path) -> None:
    model = build("b0", num_classes=5).eval()
    save_checkpoint(model, tmp_path, format="transformers")
    theirs = SegformerForSemanticSegmentation.from_pretrained(tmp_path).eval()
    with torch.inference_mode():
        torch.testing.assert_close(theirs(IMAGES).logits, model(IMAGES), atol=1e-4, rtol=0)
