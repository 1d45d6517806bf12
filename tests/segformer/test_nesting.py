"""Files with wrappers around weights: which are read, what is left out, and which are refused with a working remedy."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from wrapping import network, nvlabs_state, run_line, same_weights

from segformer import CheckpointError, SegFormer, load_checkpoint
from segformer.files import read_file

State = dict[str, Tensor]
AUXILIARY = {
    "auxiliary_head.conv_seg.weight": torch.ones(3, 4, 1, 1),
    "auxiliary_head.convs.0.bn.running_mean": torch.ones(4),
    "decode_head.loss_decode.class_weight": torch.ones(3),
}


@pytest.fixture(scope="module")
def model() -> SegFormer:
    return network()


@pytest.fixture(scope="module")
def state(model: SegFormer, tmp_path_factory: pytest.TempPathFactory) -> State:
    return nvlabs_state(model, tmp_path_factory.mktemp("plain"))


def under(prefix: str, state: Mapping[str, Tensor]) -> State:
    return {prefix + key: value for key, value in state.items()}


def changed(state: State) -> State:
    return {key: value + 1 for key, value in state.items()}


def optimizer(state: State) -> dict[str, object]:
    """Moments under the parameters' names, as some optimizers keep them, and under numbers, as torch's do."""
    return {"state": {"exp_avg": changed(state), 0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"params": [0, 1]}]}


WRAPPINGS: dict[str, Callable[[State], Any]] = {
    "flat": lambda state: state,
    "flat, next to numbers": lambda state: {"epoch": 3, "name": "b0"} | state,
    "state_dict": lambda state: {"state_dict": state},
    "model": lambda state: {"model": state, "optimizer": optimizer(state), "epoch": 3},
    "model_state": lambda state: {"model_state": state, "optimizer_state": optimizer(state)},
    "model_state_dict": lambda state: {"model_state_dict": OrderedDict(state), "loss": torch.tensor(0.5)},
    "network": lambda state: {"network": state},
    "ema alone": lambda state: {"ema": state, "metrics": {"val.miou": torch.tensor(0.5)}},
    "two dictionaries": lambda state: {"state": {"model": state}, "optimizer": optimizer(state)},
    "any other name": lambda state: {"segmenter": state, "args": {"lr": 0.1}},
    "next to a criterion": lambda state: {"model": state, "criterion": {"weight": torch.ones(3)}},
    "DataParallel": lambda state: under("module.", state),
    "torch.compile": lambda state: under("_orig_mod.", state),
    "torch.compile of a part": lambda state: {
        key.replace("backbone.", "backbone._orig_mod."): value for key, value in state.items()
    },
    "DeepSpeed": lambda state: {"module": under("module.", state), "optimizer": None},
    "FSDP": lambda state: under("_fsdp_wrapped_module.", state),
    "several prefixes": lambda state: {"state_dict": under("model._orig_mod.module.net.", state)},
    "any other attribute": lambda state: {"state_dict": under("model.segmenter.", state)},
    "Lightning": lambda state: {
        "state_dict": under("net.", state) | {"criterion.weight": torch.ones(3), "loss_fn.ce.weight": torch.ones(3)},
        "pytorch-lightning_version": "2.4.0",
        "hyper_parameters": {"model": "b0"},
        "optimizer_states": [optimizer(state)],
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5), "best_model_path": "last.ckpt"}},
    },
    "MMSegmentation": lambda state: {"meta": {"epoch": 1}, "state_dict": state | AUXILIARY},
    "AveragedModel": lambda state: under("module.", state) | {"n_averaged": torch.tensor(7)},
    "the same twice": lambda state: {"model": state, "ema": under("module.", state) | {"steps": torch.tensor(7)}},
    "the same twice in one": lambda state: under("model.", state) | under("ema_model.", state),
    "without counters": lambda state: {k: v for k, v in state.items() if "num_batches_tracked" not in k},
    "MMEngine with an average": lambda state: {
        "state_dict": state,
        "ema_state_dict": under("module.", changed(state)) | {"steps": torch.tensor(7)},
        "message_hub": {"log_scalars": {}},
    },
    "Lightning with an average": lambda state: {
        "state_dict": under("net.", state),
        "current_model_state": under("net.", changed(state)),
        "averaging_state": {"n_averaged": torch.tensor(7)},
    },
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_weights_are_read_from_any_wrapper(tmp_path: Path, model: SegFormer, state: State, wrapping: str) -> None:
    name = "last.ckpt" if "Lightning" in wrapping else "b0.pth"
    torch.save(WRAPPINGS[wrapping](state), tmp_path / name)
    assert same_weights(load_checkpoint(tmp_path / name), model)


@pytest.mark.parametrize("prefix", ["module.", "model.net.", "segmenter."])
def test_prefixes_are_taken_off_in_safetensors_too(tmp_path: Path, model: SegFormer, state: State, prefix: str) -> None:
    save_file(under(prefix, state), tmp_path / "b0.safetensors")
    assert same_weights(load_checkpoint(tmp_path / "b0.safetensors"), model)


@pytest.mark.parametrize(("content", "name"), [("pickle", "b0.safetensors"), ("safetensors", "b0.pth")])
def test_a_file_is_read_by_its_content_not_by_its_suffix(
    tmp_path: Path, model: SegFormer, state: State, content: str, name: str
) -> None:
    (torch.save if content == "pickle" else save_file)(state, tmp_path / name)
    assert same_weights(load_checkpoint(tmp_path / name), model)


def test_what_is_left_out_is_recorded(tmp_path: Path, state: State) -> None:
    conv_seg = {"decode_head.conv_seg.weight": torch.ones(3, 4, 1, 1)}
    torch.save({"state_dict": under("model.", state | AUXILIARY | conv_seg)}, tmp_path / "b0.pth")
    assert set(load_checkpoint(tmp_path / "b0.pth").info.left_out) == AUXILIARY.keys() | conv_seg.keys()
    torch.save(state, tmp_path / "b0.pth")
    assert load_checkpoint(tmp_path / "b0.pth").info.left_out == ()


@pytest.mark.parametrize(
    ("wrap", "places"),
    [
        (lambda a, b: {"model": a, "ema": b}, "'model' and 'ema'"),
        (lambda a, b: {"model": a, "model_ema": under("module.", b)}, "'model' and 'model_ema.module'"),
        (lambda a, b: {"state_dict": a, "state_dict_ema": b}, "'state_dict' and 'state_dict_ema'"),
        (lambda a, b: {"state_dict": a, "ema_state_dict": b}, "'state_dict' and 'ema_state_dict'"),  # not MMEngine's
        (lambda a, b: {"state_dict": a, "current_model_state": b}, "'state_dict' and 'current_model_state'"),
        (lambda a, b: {"model": a, "teacher": b}, "'model' and 'teacher'"),
        (lambda a, b: {"student": a, "teacher": b}, "'student' and 'teacher'"),
        (lambda a, b: {"model": a, "ema": {"decay": 0.9, "shadow": b}}, "'model' and 'ema.shadow'"),
        (
            lambda a, b: {"model": a, "ema": {"shadow_params": [*b.values()]}},
            "'model' and 'ema.shadow_params'",
        ),
        (
            lambda a, b: {"state_dict": a, "callbacks": {"EMA": {"ema_state_dict": b}}},
            "'state_dict' and 'callbacks.EMA.ema_state_dict'",
        ),
        (lambda a, b: {"model": a, "ema": {k: b[k] for k in b if "running" not in k}}, "'model' and 'ema'"),
        (lambda a, b: {"model": a, "net": {"head.weight": torch.ones(2)}}, "'model' and 'net'"),
        (lambda a, b: under("model.", a) | under("ema_model.", b), "'model' and 'ema_model'"),
        (
            lambda a, b: {"state_dict": under("net.", a) | under("ema.module.", b) | {"loss.weight": torch.ones(2)}},
            "'state_dict.net' and 'state_dict.ema.module'",
        ),
    ],
)
def test_two_sets_of_weights_that_differ_are_refused_with_a_line_that_saves_one(
    tmp_path: Path, model: SegFormer, state: State, wrap: Callable[[State, State], Any], places: str
) -> None:
    path = tmp_path / "last.pth"
    torch.save(wrap(state, changed(state)), path)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    message, _, line = str(caught.value).partition("; choose, and save it: ")
    assert message == f"{path}: holds different weights under {places}"
    run_line(line, tmp_path)
    assert same_weights(load_checkpoint(tmp_path / "plain.pth"), model)


def test_an_average_that_is_an_object_is_not_passed_over(tmp_path: Path, state: State) -> None:
    torch.save({"model": state, "ema": nn.Linear(1, 1)}, tmp_path / "last.pth")
    with pytest.raises(CheckpointError, match=r"would run code \(torch\.nn\.modules\.linear\.Linear\).*\['ema'\]\.st"):
        load_checkpoint(tmp_path / "last.pth")


def arrays(state: State) -> dict[str, Any]:
    return {key: value.numpy() for key, value in state.items()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": arrays(state)},
        arrays,
        lambda state: {"segmenter": arrays(state), "epoch": 3},
        lambda state: {"model": changed(state), "ema": arrays(state)},
    ],
)
def test_weights_that_are_arrays_of_numpy_are_refused_with_the_line_that_saves_tensors(
    tmp_path: Path, model: SegFormer, state: State, wrap: Callable[[State], Any]
) -> None:
    path = tmp_path / "b0.pth"
    torch.save(wrap(state), path)
    with pytest.raises(CheckpointError, match=r"would run code \(numpy\.") as caught:
        load_checkpoint(path)
    run_line(str(caught.value).partition("if you trust the file, save it: ")[2], tmp_path)
    assert same_weights(load_checkpoint(tmp_path / "plain.pth"), model)


def test_numbers_of_numpy_under_dotted_names_do_not_stand_in_the_way(
    tmp_path: Path, model: SegFormer, state: State
) -> None:
    logged = {"val.miou": np.float64(0.5), "val.confusion": np.eye(3)}
    torch.save({"model": state, "metrics": logged, "optimizer": {"state": arrays(state)}}, tmp_path / "b0.pth")
    assert same_weights(load_checkpoint(tmp_path / "b0.pth"), model)


@pytest.mark.parametrize(
    ("extra", "keys"),
    [
        ({"refine.conv.weight": torch.ones(1)}, "refine.conv.weight"),
        ({"data_preprocessor.mean": torch.ones(3)}, "data_preprocessor.mean"),
        ({"backbone.auxiliary.weight": torch.ones(1)}, "backbone.auxiliary.weight"),
        ({"decode_head.lossless.weight": torch.ones(1)}, "decode_head.lossless.weight"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_key_that_could_be_the_networks_is_never_left_out(
    tmp_path: Path, model: SegFormer, state: State, extra: State, keys: str, prefix: str
) -> None:
    path = tmp_path / "b0.pth"
    torch.save({"state_dict": under(prefix, state | extra)}, path)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    message, _, line = str(caught.value).partition("; if no forward pass reads it, save it: ")
    assert message == f"{path}: keys do not fit the network; 1 unknown: {prefix}{keys}"
    run_line(line, tmp_path)
    assert same_weights(load_checkpoint(tmp_path / "plain.pth"), model)


def test_a_part_with_many_keys_is_removed_by_its_name(tmp_path: Path, model: SegFormer, state: State) -> None:
    extra = {f"refine.{i}.weight": torch.ones(1) for i in range(20)} | {"scale": torch.ones(1)}
    torch.save(under("net.", state | extra), tmp_path / "b0.pth")
    with pytest.raises(CheckpointError, match=r"; 21 unknown: (net\.refine\.\d+\.weight, ){10}\.\.\.; if no") as caught:
        load_checkpoint(tmp_path / "b0.pth")
    run_line(str(caught.value).partition("save it: ")[2], tmp_path)
    assert same_weights(load_checkpoint(tmp_path / "plain.pth"), model)


def test_a_part_outside_the_networks_prefix_is_not_left_out(tmp_path: Path, state: State) -> None:
    """For example a refinement that a user's program runs on the network's logits."""
    torch.save(under("segmenter.", state) | {"refine.weight": torch.ones(1)}, tmp_path / "b0.pth")
    with pytest.raises(CheckpointError, match=r"holds no SegFormer .*; its keys are segmenter\.backbone\.patch_embed1"):
        load_checkpoint(tmp_path / "b0.pth")


def test_keys_are_named_with_the_prefix_that_they_have_in_the_file(tmp_path: Path, state: State) -> None:
    few = {key: value for key, value in state.items() if key != "backbone.norm1.weight"}
    torch.save(under("module.", few), tmp_path / "b0.pth")
    with pytest.raises(CheckpointError, match=r"; 1 missing: module\.backbone\.norm1\.weight$"):
        load_checkpoint(tmp_path / "b0.pth")


@pytest.mark.parametrize(
    ("content", "entries"),
    [
        ({"state_dict": {"a.b": 3}}, "found state_dict$"),
        ({"epoch": 3, "loss": torch.tensor(0.5)}, "found epoch, loss$"),
        ([torch.ones(2)], "real numbers$"),
        ({"a.b": torch.ones(2), "a.c": "text"}, r"but 'a\.c' is not \(str\)$"),
        ({0: torch.ones(2)}, r"but 0 is not \(Tensor\)$"),
    ],
)
def test_a_file_without_a_state_dict_is_refused_with_what_was_found(tmp_path: Path, content: Any, entries: str) -> None:
    torch.save(content, tmp_path / "b0.pth")
    with pytest.raises(CheckpointError, match=f"expected a dictionary of tensors of .*{entries}"):
        read_file(tmp_path / "b0.pth")


@pytest.mark.filterwarnings("ignore:.*quantized tensor creation:UserWarning")
def test_quantised_tensors_are_refused(tmp_path: Path) -> None:
    torch.save({"a.b": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}, tmp_path / "b0.pth")
    with pytest.raises(CheckpointError, match=r"real numbers, but 'a\.b' is not \(Tensor\)$"):
        read_file(tmp_path / "b0.pth")


def test_a_dictionary_that_holds_itself_is_refused(tmp_path: Path) -> None:
    content: dict[str, Any] = {}
    content["model"] = content
    torch.save(content, tmp_path / "b0.pth")
    with pytest.raises(CheckpointError, match=r"found model$"):
        read_file(tmp_path / "b0.pth")


def test_prefixes_without_end_are_not_followed(tmp_path: Path) -> None:
    torch.save({"model." * 5000 + "weight": torch.ones(1)}, tmp_path / "b0.pth")
    assert len(read_file(tmp_path / "b0.pth").tensors) == 1


def test_other_networks_read_their_tensors_through_the_same_door(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    torch.save({"model_state_dict": under("module.", network.state_dict())}, tmp_path / "other.pth")
    content = read_file(tmp_path / "other.pth")
    assert content.prefix == "module."
    network.load_state_dict(dict(content.tensors))
    assert re.fullmatch(r"torch\.load\('.*other\.pth', .*\)\['model_state_dict'\]", content.expression)


def test_a_pointer_of_git_lfs_is_named_as_one(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    (tmp_path / "b0.safetensors").write_text(pointer)
    with pytest.raises(CheckpointError, match="a pointer of Git LFS, not the file itself"):
        load_checkpoint(tmp_path / "b0.safetensors")
