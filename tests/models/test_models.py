import hashlib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from robustbench_seg.datasets.cityscapes import CLASS_NAMES
from robustbench_seg.errors import UsageError
from robustbench_seg.models import (
    BUILTIN_WEIGHTS,
    MODELS,
    RANDOM_WEIGHTS,
    build_network,
    load_source,
    save_network,
)
from robustbench_seg.models.base import Segmenter
from robustbench_seg.models.preprocessing import IMAGENET
from robustbench_seg.models.source import Source
from segformer import CheckpointError, build, save_checkpoint

CPU = torch.device("cpu")
CLASSES = ("road", "sky", "car")
IMAGES = torch.randint(256, (2, 3, 50, 70), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def load(name: str, weights: str | None = None) -> Segmenter:
    return load_source(Source(model=name, weights=weights), name, CLASSES, CPU)


def test_normalisation_is_that_of_torchvision() -> None:
    from torchvision.transforms.v2.functional import normalize

    expected = normalize(IMAGES.float() / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.testing.assert_close(IMAGENET.normalise(IMAGES), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["segformer-b0", "deeplabv3plus-mobilenet_v2"])
def test_saved_weights_load_with_their_origin_and_give_the_same_logits(name: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    network = build_network(name, CLASSES, seed=1).eval()
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half())  # half precision is then exact
    save_network(name, network, path, class_names=CLASSES, licence="CC0-1.0", recipe="{}")
    model = load(name, str(path))
    assert (model.name, model.class_names, model.licence) == (name, CLASSES, "CC0-1.0")
    assert model.checkpoint_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model.parameters == sum(p.numel() for p in network.parameters())
    with torch.inference_mode():
        # in another order of memory, and so of sums
        torch.testing.assert_close(model(IMAGES), network(IMAGENET.normalise(IMAGES)), atol=1e-5, rtol=0)


def test_every_network_of_the_paper_can_be_built_on_no_device() -> None:
    sizes = {}
    for name, model in MODELS.items():
        if model.trainable:
            with torch.device("meta"):
                sizes[name] = sum(p.numel() for p in build_network(name, CLASSES).parameters())
    assert sizes.keys() >= {f"segformer-b{k}" for k in range(6)}
    assert sizes["segformer-b0"] < sizes["deeplabv3plus-mobilenet_v2"] < sizes["deeplabv3plus-resnet50"]


@pytest.mark.parametrize("size", [(64, 64), (50, 70), (33, 97)])
def test_deeplabv3plus_pads_right_and_bottom_with_the_mean_colour_and_crops(size: tuple[int, int]) -> None:
    network = build_network("deeplabv3plus-mobilenet_v2", CLASSES).eval()
    images = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
    padded = torch.zeros(1, 3, -(-size[0] // 16) * 16, -(-size[1] // 16) * 16)
    padded[:, :, : size[0], : size[1]] = images
    with torch.inference_mode():
        expected = network.inner(padded)[:, :, : size[0], : size[1]]
        got = network(images)
    assert got.shape == (1, 3, *size)
    assert torch.equal(got, expected)


def test_deeplabv3plus_has_output_stride_16() -> None:
    network = build_network("deeplabv3plus-resnet50", CLASSES).eval()
    with torch.inference_mode():
        features = network.inner.encoder(torch.zeros(1, 3, 64, 96))
    assert features[-1].shape[2:] == (4, 6)


def test_networks_do_not_touch_the_global_generator() -> None:
    for name in ("segformer-b0", "deeplabv3plus-mobilenet_v2"):
        before = torch.random.get_rng_state()
        first, second = (build_network(name, CLASSES, seed=3).state_dict() for _ in range(2))
        assert torch.equal(before, torch.random.get_rng_state())
        assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_constant_model_gives_every_pixel_its_class() -> None:
    model = load("constant")
    logits = functional.interpolate(model(IMAGES), IMAGES.shape[2:], mode="bilinear")
    assert logits.shape == (2, 3, 50, 70)
    assert (logits.argmax(dim=1) == 0).all()


def test_an_unknown_model_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"unknown model 'unet'; known: segformer-b0, .*, constant"):
        load("unet")


def test_weights_that_do_not_fit_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "b0.safetensors"
    save_network(
        "segformer-b0", build_network("segformer-b0", CLASSES), path, class_names=CLASSES, licence="x", recipe=""
    )
    load("segformer-b0", str(path))
    for name, message in [
        ("segformer-b1", r"not a SegFormer-B1; its widths are \(32, 64, 160, 256\)"),
        ("deeplabv3plus-resnet50", r"not a DeepLabV3\+ with encoder resnet50"),
    ]:
        with pytest.raises(UsageError, match=message):
            load(name, str(path))
    with pytest.raises(UsageError, match="model segformer-b0 needs weights: --weights segformer-b0=PATH"):
        load("segformer-b0")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="not a complete"):
        load("segformer-b0", str(path))
    with pytest.raises(UsageError, match="not a complete"):
        load("deeplabv3plus-resnet50", str(path))


@pytest.mark.parametrize("description", ["{", "[]", "3", '{"encoder": "mobilenet_v2"}'])
def test_deeplabv3plus_weights_with_a_damaged_description_are_named(description: str, tmp_path: Path) -> None:
    path = tmp_path / "damaged.safetensors"
    save_file({"weight": torch.zeros(1)}, path, {"deeplabv3plus": description})
    with pytest.raises(UsageError, match=r"damaged\.safetensors: its description is not one of this version"):
        load("deeplabv3plus-mobilenet_v2", str(path))


@pytest.mark.parametrize("name", ["segformer-b0", "deeplabv3plus-mobilenet_v2"])
def test_random_weights_lie_in_memory_as_read_ones_so_that_their_speed_is_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_network(name, build_network(name, CLASSES), path, class_names=CLASSES, licence="x", recipe="")
    strides = [
        [parameter.stride() for parameter in load(name, given).network.parameters()]
        for given in (RANDOM_WEIGHTS, str(path))
    ]
    assert strides[0] == strides[1]


def test_a_checkpoint_without_class_names_takes_those_of_the_dataset(tmp_path: Path) -> None:
    save_checkpoint(build("b0", num_classes=3), tmp_path / "plain.safetensors")
    model = load("segformer-b0", str(tmp_path / "plain.safetensors"))
    assert model.class_names == CLASSES
    assert model.licence == "unknown"


def test_weights_in_nvidias_form_are_research_only_and_say_where_they_are_from(tmp_path: Path) -> None:
    save_checkpoint(build("b0", num_classes=3), tmp_path / "b0.pth", format="nvlabs")
    content = torch.load(tmp_path / "b0.pth", weights_only=True)
    torch.save({"state_dict": content["state_dict"]}, tmp_path / "b0.pth")  # as from a program that is not ours
    model = load("segformer-b0", str(tmp_path / "b0.pth"))
    assert model.licence == "research only (NVIDIA Source Code License for SegFormer)"
    assert "weights from NVlabs" in model.about


def test_an_encoder_alone_is_refused_as_a_model_under_test(tmp_path: Path) -> None:
    save_checkpoint(build("b0"), tmp_path / "b0.pth", format="nvlabs")
    state = torch.load(tmp_path / "b0.pth", weights_only=True)["state_dict"]
    encoder = {key.removeprefix("backbone."): value for key, value in state.items() if key.startswith("backbone.")}
    torch.save(encoder, tmp_path / "mit_b0.pth")
    with pytest.raises(UsageError, match=r"mit_b0\.pth: holds an encoder alone"):
        load("segformer-b0", str(tmp_path / "mit_b0.pth"))


def test_weights_that_are_not_there_are_refused_with_the_models_name() -> None:
    for name in ("segformer-b0", "deeplabv3plus-mobilenet_v2"):
        with pytest.raises(UsageError, match=rf"weights of {name}: absent\.safetensors: no such file"):
            load(name, "absent.safetensors")


@pytest.mark.parametrize(
    ("name", "reads"),
    [
        ("segformer-b0", "segformer.load_checkpoint"),
        ("deeplabv3plus-mobilenet_v2", "deeplabv3plus.read_file"),
        ("deeplabv3plus-mobilenet_v2", "smp_files.read_file"),
    ],
)
def test_weights_that_are_replaced_while_they_are_read_are_refused(
    name: str, reads: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a number would be kept under the hash of weights that it is not of."""
    path = tmp_path / "w.safetensors"
    network = build_network(name, CLASSES)
    save_network(name, network, path, class_names=CLASSES, licence="x", recipe="")
    if reads.startswith("smp_files"):
        save_file(network.inner.state_dict(), path)
    module, _, function = f"robustbench_seg.models.{reads}".rpartition(".")
    read = getattr(import_module(module), function)

    def replaced_after(given: Path) -> Any:
        found = read(given)
        path.with_suffix(".new").write_bytes(path.read_bytes())
        path.with_suffix(".new").replace(path)
        return found

    load(name, str(path))
    monkeypatch.setattr(f"robustbench_seg.models.{reads}", replaced_after)
    with pytest.raises(UsageError, match=r"w\.safetensors: changed while it was read"):
        load(name, str(path))


def test_a_file_is_known_by_its_content_wherever_a_link_to_it_lies(tmp_path: Path) -> None:
    target, link = tmp_path / "target.safetensors", tmp_path / "w.safetensors"
    link.symlink_to(target)
    found = []
    for seed in (0, 1):
        network = build_network("segformer-b0", CLASSES, seed=seed)
        save_network("segformer-b0", network, target, class_names=CLASSES, licence="x", recipe="")
        found.append(load("segformer-b0", str(link)).checkpoint_sha256)
        assert found[-1] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert found[0] != found[1]


@pytest.mark.parametrize("name", BUILTIN_WEIGHTS)
def test_the_shipped_weights_are_small_and_half_precision(name: str) -> None:
    path = BUILTIN_WEIGHTS[name]
    assert path.stat().st_size <= 10_000_000
    assert {t.dtype for t in load_file(path).values() if t.is_floating_point()} == {torch.float16}
    network = "deeplabv3plus-mobilenet_v2" if "deeplab" in name else "segformer-b0"
    model = load_source(Source.parse(name), network, CLASS_NAMES, CPU)
    assert model.licence == "Apache-2.0"
    assert model.checkpoint_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model.preprocessing == IMAGENET
    assert ("positional encoding learned made for 256x256" in model.about) == ("learned" in name)
