"""The differences that are allowed between a file's tensors and the network's, and those that are refused."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from wrapping import network, nvlabs_state, same_weights

from segformer import CheckpointError, SegFormer, load_checkpoint, save_checkpoint
from segformer.files import read_file
from segformer.fitting import fit


@pytest.fixture(scope="module")
def model() -> SegFormer:
    """Its values are exact in half precision."""
    model = network()
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.bfloat16().half())
    return model


@pytest.fixture(scope="module")
def state(model: SegFormer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    return nvlabs_state(model, tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_floating_point_type_is_read_and_counters_of_any_type(
    tmp_path: Path, model: SegFormer, state: dict[str, Tensor], dtype: torch.dtype
) -> None:
    torch.save({key: value.to(dtype) for key, value in state.items()}, tmp_path / "b0.pth")
    loaded = load_checkpoint(tmp_path / "b0.pth")
    assert same_weights(loaded, model)
    assert all(parameter.dtype == torch.float32 for parameter in loaded.parameters())


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int32, torch.bool, torch.float8_e4m3fn])
def test_quantised_weights_are_refused_since_their_scales_are_elsewhere(
    tmp_path: Path, state: dict[str, Tensor], dtype: torch.dtype
) -> None:
    key = "decode_head.linear_fuse.conv.weight"
    torch.save(state | {key: (100 * state[key]).to(dtype)}, tmp_path / "b0.pth")
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(tmp_path / "b0.pth")
    kind = str(dtype).removeprefix("torch.")
    assert str(caught.value).endswith(f": keys do not fit the network; 1 not floating point: {key} is {kind}")


def test_tensors_that_share_memory_or_are_views_are_read_as_their_values(
    tmp_path: Path, model: SegFormer, state: dict[str, Tensor]
) -> None:
    pool = torch.cat([value.flatten() for value in state.values() if value.is_floating_point()])
    views, start = {}, 0
    for key, value in state.items():
        views[key] = value
        if value.is_floating_point():
            views[key] = pool[start : start + value.numel()].view(value.shape)
            start += value.numel()
    torch.save(views, tmp_path / "b0.pth")
    loaded = load_checkpoint(tmp_path / "b0.pth")
    assert same_weights(loaded, model)
    storages = {parameter.untyped_storage().data_ptr() for parameter in loaded.parameters()}
    assert len(storages) == len(list(loaded.parameters()))


def test_metadata_of_other_programs_in_a_header_is_ignored(
    tmp_path: Path, model: SegFormer, state: dict[str, Tensor]
) -> None:
    save_file(state, tmp_path / "b0.safetensors", {"format": "pt", "cfg": "{}", "CLASSES": "a"})
    loaded = load_checkpoint(tmp_path / "b0.safetensors")
    assert same_weights(loaded, model)
    assert loaded.info.class_names == ()


def test_an_own_file_without_counters_is_read(tmp_path: Path, model: SegFormer) -> None:
    save_checkpoint(model, tmp_path / "own.safetensors")
    content = read_file(tmp_path / "own.safetensors")
    few = {key: value for key, value in content.tensors.items() if not key.endswith("num_batches_tracked")}
    assert len(few) < len(content.tensors)
    save_file(few, tmp_path / "few.safetensors", dict(content.loaded.metadata))
    assert same_weights(load_checkpoint(tmp_path / "few.safetensors"), model)


def test_a_state_dict_of_this_package_without_its_configuration_is_named_as_one(
    tmp_path: Path, model: SegFormer
) -> None:
    torch.save(model.state_dict(), tmp_path / "b0.pth")
    with pytest.raises(CheckpointError, match=r"keys, but no configuration; segformer\.save_checkpoint writes both"):
        load_checkpoint(tmp_path / "b0.pth")


def test_another_network_gets_what_it_needs_and_keeps_a_head_that_is_its_own(tmp_path: Path) -> None:
    """A key is left out only where the network has none of that name."""
    network = nn.ModuleDict({"norm": nn.BatchNorm2d(2), "aux_head": nn.Linear(2, 2)})
    tensors = {key: value for key, value in network.state_dict().items() if "num_batches" not in key}
    torch.save(tensors | {"criterion.weight": torch.ones(2)}, tmp_path / "other.pth")
    content = read_file(tmp_path / "other.pth")
    tensors, left_out = fit(content, network.state_dict())
    network.load_state_dict(tensors)
    assert tensors["norm.num_batches_tracked"] == 0
    assert left_out == ("criterion.weight",)
