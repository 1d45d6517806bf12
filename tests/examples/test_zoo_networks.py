"""The zoo's networks hold the published files, key for key, and compute what their papers' words say."""

from functools import cache
from pathlib import Path

import pytest
import seg_zoo
import torch
from seg_zoo.architectures import ARCHITECTURES
from seg_zoo.blocks import convolution, cumulated
from seg_zoo.dicenet import Unit
from seg_zoo.edgenets import SCALES, JointBR, JointCBR, Pyramid
from seg_zoo.files import Loaded, load
from seg_zoo.sinet import doubt
from torch.nn import functional
from zoo_files import ROWS, needs_weights, path_of

NETWORKS = [name for name in ROWS if name.endswith(".pth")] or ["none"]
PUBLISHED_OUTPUTS = {"A": 12, "B": 20, "D": 11}  # by input recipe; recipe C has files of 19 and of 20
SIDES = {"SINet": (128, 256), "other": (64, 128)}


@cache
def published(name: str) -> Loaded:
    """The network of a file, which no test changes."""
    return load(path_of(name))


@needs_weights
@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_is_loaded_strictly_and_has_the_parameters_that_its_manifest_states(name: str) -> None:
    row, loaded = ROWS[name], published(name)
    network, kind = loaded.network, loaded.architecture
    assert not network.training
    assert sum(parameter.numel() for parameter in network.parameters()) == int(row["parameters"])
    assert row["architecture"].replace(" M3N15", "").startswith(kind.name)
    assert (kind.source, kind.licence.split()[0]) == (row["repository"], row["licence"].split()[0])
    edgenets = row["repository"].endswith("EdgeNets")
    assert loaded.outputs == PUBLISHED_OUTPUTS.get(row["recipe"], 20 if edgenets else 19)
    assert kind.recipes[loaded.outputs].letter == row["recipe"]


@needs_weights
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_takes_the_sides_that_it_states_and_gives_finite_logits_for_each_image_alone(name: str) -> None:
    loaded = published(name)
    height, width = SIDES.get(loaded.architecture.name, SIDES["other"])
    images = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0)) / 255
    with torch.inference_mode():
        logits = loaded.network(images)
        alone = loaded.network(images[1:])
    assert logits.isfinite().all()
    stride = 2 if loaded.architecture.name == "SINet" else 1
    assert logits.shape == (2, loaded.outputs, height // stride, width // stride)
    torch.testing.assert_close(logits[1:], alone, rtol=1e-4, atol=1e-4)


@needs_weights
def test_each_architecture_has_a_file() -> None:
    assert {published(name).architecture.name for name in NETWORKS} == {each.name for each in ARCHITECTURES}


@needs_weights
def test_files_that_do_not_fit_are_refused_with_their_name(tmp_path: Path) -> None:
    tensors = torch.load(path_of("sinet_cityscapes.pth"), map_location="cpu", weights_only=True)
    path = tmp_path / "other.pth"
    without = {key: value for key, value in tensors.items() if key != "bn_4.bias"}
    misshapen = {**tensors, "bn_4.bias": torch.zeros(3)}
    for wrong in (without, {**tensors, "bn_5.bias": torch.zeros(3)}, misshapen):
        torch.save(wrong, path)
        with pytest.raises(ValueError, match=r"other\.pth: does not fit SINet \(.*bn_[45].bias"):
            seg_zoo.load_network(path)
    torch.save(dict.fromkeys(("state_dict", "model"), tensors), path)
    seg_zoo.load_network(path)


def test_what_holds_no_network_of_the_zoo_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(1)}, path)
    with pytest.raises(
        ValueError, match=r"other\.pth: holds the weights of no network known here; known: ESPNet, ESPN"
    ):
        seg_zoo.load_network(path)
    torch.save([torch.zeros(1)], path)
    with pytest.raises(ValueError, match=r"other\.pth: holds no table of tensors"):
        seg_zoo.load_network(path)
    path.write_text("no weights")
    with pytest.raises(ValueError, match=r"other\.pth: is no file of torch that holds weights alone"):
        seg_zoo.load_network(path)
    with pytest.raises(FileNotFoundError):
        seg_zoo.load_network(tmp_path / "missing.pth")


def test_cumulation_is_a_running_sum() -> None:
    x = torch.randn(2, 12, 4, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(torch.stack(cumulated(x.unbind(1)), 1), x.cumsum(1))


@pytest.mark.parametrize("kernel", [1, 3])
def test_joint_layers_compute_what_plain_ones_do_on_the_concatenated_and_shuffled_maps(kernel: int) -> None:
    generator = torch.Generator().manual_seed(0)
    maps = [torch.randn(2, 4, 6, 5, generator=generator) for _ in range(3)]
    before, joint = JointBR(12).eval(), JointCBR(3, 4, kernel).eval()
    for tensor in (*before.state_dict().values(), *joint.state_dict().values()):
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    plain = convolution(12, 4, kernel, groups=4)
    plain.load_state_dict(joint.cbr[0].state_dict())
    with torch.inference_mode():
        wanted = joint.cbr[1:](plain(functional.channel_shuffle(before.br(torch.cat(maps, 1)), 3)))
        torch.testing.assert_close(joint(before(maps)), wanted)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, (3, 1), (1, 5)])
@pytest.mark.parametrize("dilation", [1, 4])
def test_a_convolution_keeps_the_sides_or_halves_them_rounded_up(kernel: int, stride: int, dilation: int) -> None:
    assert convolution(1, 1, kernel, stride, dilation)(torch.zeros(1, 1, 9, 12)).shape[2:] == (
        -(-9 // stride),
        12 // stride,
    )


@pytest.mark.parametrize(("height", "width"), [(6, 6), (4, 9), (9, 4)])
def test_dimension_wise_convolutions_are_those_of_each_row_and_each_column_by_itself(height: int, width: int) -> None:
    generator, side, channels = torch.Generator().manual_seed(0), 6, 8
    unit = Unit(channels, side).eval()
    x = torch.randn(1, channels, height, width, generator=generator)
    seen = []
    unit.br_act.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.inference_mode():
        unit(x)
        _, rows, columns = seen[0]
        tall, wide = sized(x, 2, side), sized(x, 3, side)
        for index in range(side):
            kernel = unit.conv_height.weight[index : index + 1]
            tall[:, :, index] = functional.conv2d(tall[:, None, :, index], kernel, padding=1)[:, 0]  # channels, columns
            kernel = unit.conv_width.weight[index : index + 1].transpose(2, 3)
            wide[..., index] = functional.conv2d(wide[:, None, :, :, index], kernel, padding=1)[:, 0]  # channels, rows
    torch.testing.assert_close(rows, sized(tall, 2, height))
    torch.testing.assert_close(columns, sized(wide, 3, width))


def sized(x: torch.Tensor, axis: int, length: int) -> torch.Tensor:
    """Bring one axis to a length: linearly between its ends to grow, by means of its parts to shrink."""
    if x.shape[axis] == length:
        return x.clone()
    lines = x.movedim(axis, -1).flatten(0, 2)[None]
    if x.shape[axis] < length:
        lines = functional.interpolate(lines, length, mode="linear", align_corners=True)
    else:
        lines = functional.adaptive_avg_pool1d(lines, length)
    shape = [size for place, size in enumerate(x.shape) if place != axis]
    return lines[0].unflatten(0, shape).movedim(-1, axis)


def test_a_pyramid_sees_the_sizes_that_the_paper_names() -> None:
    pyramid = Pyramid(4, 6).eval()
    seen = []
    for stage in pyramid.stages:
        stage.register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape[2:])))
    with torch.inference_mode():
        assert pyramid(torch.zeros(1, 4, 70, 31)).shape == (1, 6, 70, 31)
    assert seen == [(140, 62), (105, 47), (70, 31), (35, 16), (7, 5)]
    assert SCALES == (2.0, 1.5, 1.0, 0.5, 0.1)


def test_doubt_is_what_the_largest_probability_leaves() -> None:
    scores = torch.tensor([1.0, 3.0, 0.5]).log()[None, :, None, None]
    torch.testing.assert_close(doubt(scores), torch.full((1, 1, 1, 1), 1.5 / 4.5))
