"""Counts against closed forms written from the paper's equations, and against the shapes that real data takes."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torch.nn import functional

from segformer import VARIANTS, SegFormer, SegFormerConfig, build
from segformer.complexity import PublishedDecoder, complexity, complexity_as_published, count

TINY = SegFormerConfig(
    widths=(8, 16, 24, 32),
    depths=(1, 2, 1, 2),
    heads=(1, 2, 3, 4),
    expansions=(8, 4, 3, 2),
    decoder_width=16,
    num_classes=5,
)
SIZES = [(32, 32), (97, 131), (512, 1024)]


def halved(side: int, times: int) -> int:
    """The length that `times` convolutions of stride 2 leave, each rounding up."""
    for _ in range(times):
        side = -(-side // 2)
    return side


def macs_of_encoder(config: SegFormerConfig, height: int, width: int) -> int:
    """Section 3.1, term by term."""
    macs, channels = 0, 3
    for stage, c in enumerate(config.widths):
        h, w = halved(height, stage + 2), halved(width, stage + 2)
        r, e = config.reductions[stage], config.expansions[stage]
        n = h * w  # tokens
        m = (h // r) * (w // r)  # keys and values
        macs += n * c * channels * (49 if stage == 0 else 9)  # patch merging
        reduction = m * c * c * r * r if r > 1 else 0
        linear = n * c * c + 2 * m * c * c + n * c * c  # Q; K and V; projection
        products = n * m * c + n * m * c  # Q K^T; A V
        ffn = n * c * e * c + n * e * c * c + (9 * n * e * c if config.ffn == "mix" else 0)
        macs += config.depths[stage] * (reduction + linear + products + ffn)
        channels = c
    return macs


def macs_of_published_decoder(config: SegFormerConfig, height: int, width: int) -> int:
    """Section 3.2, Equation 4, term by term."""
    d, n = config.decoder_width, halved(height, 2) * halved(width, 2)
    project = sum(halved(height, i + 2) * halved(width, i + 2) * c * d for i, c in enumerate(config.widths))
    return project + n * 4 * d * d + n * d * config.num_classes


def macs_of_our_decoder(config: SegFormerConfig, height: int, width: int) -> int:
    """Each stage straight to D channels; the products of the weights, and of a weight and a bias, once a stage."""
    d, n = config.decoder_width, halved(height, 2) * halved(width, 2)
    project = sum(halved(height, i + 2) * halved(width, i + 2) * c * d for i, c in enumerate(config.widths))
    products = sum(d * d * c + d * d for c in config.widths)
    return project + products + n * d * config.num_classes


CONFIGS = {
    "tiny": TINY,
    "plain": replace(TINY, ffn="plain"),
    "unreduced": replace(TINY, reductions=(1, 1, 1, 1)),
    "b0": VARIANTS["b0"],
    "b1, 150 classes": replace(VARIANTS["b1"], num_classes=150),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", CONFIGS)
def test_both_forms_of_a_segformer_cost_as_much_as_the_equations(name: str, size: tuple[int, int]) -> None:
    config = CONFIGS[name]
    with torch.device("meta"):
        ours = complexity(SegFormer(config), size)
    published = complexity_as_published(config, size)
    assert ours.modules["encoder"].macs == published.modules["encoder"].macs == macs_of_encoder(config, *size)
    assert ours.modules["decoder"].macs == macs_of_our_decoder(config, *size)
    assert published.modules["decoder"].macs == macs_of_published_decoder(config, *size)
    for cost in (ours, published):
        assert cost.macs == cost.modules["encoder"].macs + cost.modules["decoder"].macs


def test_the_published_decoder_gives_the_logits_of_ours() -> None:
    ours = build("b0", num_classes=7).decoder.double().eval()
    published = PublishedDecoder(VARIANTS["b0"].widths, VARIANTS["b0"].decoder_width, 7, dropout=0.1).double().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in ours.state_dict().items():
            if tensor.is_floating_point():
                tensor.add_(0.1 * torch.rand(tensor.shape, generator=generator, dtype=torch.double))
                published.state_dict()[name].copy_(tensor)
        maps = [(17, 25), (9, 13), (5, 7), (3, 4)]
        features = [
            torch.randn(2, c, *size, generator=generator).double()
            for c, size in zip(VARIANTS["b0"].widths, maps, strict=True)
        ]
        torch.testing.assert_close(published(features), ours(features), atol=1e-10, rtol=0)


def test_a_module_is_listed_with_its_submodules_in_it() -> None:
    with torch.device("meta"):
        network = SegFormer(TINY)
    cost = complexity(network, (64, 96))
    assert list(cost.modules) == [path for path, _ in network.named_modules() if path]
    block, n, c = cost.modules["encoder.stages.0.blocks.0"], 16 * 24, 8
    parts = [f"encoder.stages.0.blocks.0.{part}" for part in ("norm1", "attention", "norm2", "ffn")]
    assert [cost.modules[part].parameters for part in parts] == [
        16,
        4 * 72 + 8 * 8 * 64 + 8 + 16,
        16,
        9 * 64 + 640 + 520,
    ]
    assert [cost.modules[part].macs for part in parts] == [
        0,  # norms are not counted
        2 * n * c * c + 6 * (64 * c * c + 2 * c * c + 2 * n * c),  # six keys and values
        0,
        n * (c * 64 + 9 * 64 + 64 * c),
    ]
    assert block.macs == sum(cost.modules[part].macs for part in parts)
    assert block.parameters == sum(cost.modules[part].parameters for part in parts)


def on_meta(*shape: int) -> Tensor:
    return torch.empty(*shape, device="meta")


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


@pytest.mark.parametrize(
    ("module", "shapes", "macs"),
    [
        (nn.Conv2d(8, 12, 3, padding=1), [(2, 8, 5, 7)], 2 * 35 * 12 * 8 * 9),
        (nn.Conv2d(8, 12, 3, stride=2, groups=4), [(2, 8, 5, 7)], 2 * 6 * 12 * 2 * 9),
        (nn.Conv2d(8, 8, (3, 5), padding=(1, 2), groups=8), [(1, 8, 5, 7)], 35 * 8 * 15),
        (nn.Conv2d(8, 12, 3, dilation=2), [(1, 8, 5, 7)], 3 * 12 * 8 * 9),
        (nn.ConvTranspose2d(8, 12, 2, stride=2, groups=4), [(1, 8, 5, 7)], 35 * 8 * 3 * 4),
        (nn.Linear(8, 12), [(2, 5, 8)], 10 * 8 * 12),
        (nn.Linear(8, 12), [(8,)], 8 * 12),
        (Function(torch.matmul), [(2, 5, 8), (2, 8, 3)], 2 * 5 * 8 * 3),
        (Function(torch.matmul), [(5, 8), (8,)], 5 * 8),
        (
            Function(functional.scaled_dot_product_attention),
            [(2, 3, 50, 8), (2, 3, 20, 8), (2, 3, 20, 6)],
            6 * 1000 * 14,
        ),
        (nn.MultiheadAttention(8, 2, batch_first=True), [(1, 5, 8)] * 3, 4 * 5 * 64 + 2 * 25 * 8),
        (nn.BatchNorm2d(8), [(2, 8, 5, 7)], 0),
        (nn.GELU(), [(2, 8)], 0),
        (nn.Upsample(scale_factor=2, mode="bilinear"), [(2, 8, 5, 7)], 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_an_operation_costs_its_closed_form(module: nn.Module, shapes: list[tuple[int, ...]], macs: int) -> None:
    assert count(module, *(on_meta(*shape) for shape in shapes)).macs == macs


@pytest.mark.parametrize("encoder", ["mobilenet_v2", "resnet50", "tu-xception41"])
def test_deeplabv3plus_costs_what_its_convolutions_do_on_real_data(encoder: str) -> None:
    """It has nothing but convolutions; each output value takes as many MACs as its filter has weights."""
    network = smp.DeepLabV3Plus(encoder, encoder_weights=None, encoder_output_stride=16, classes=19).eval()
    expected: dict[str, int] = {}
    for path, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(
                lambda module, _, output, path=path: expected.update({path: output.numel() * module.weight[0].numel()})
            )
    with torch.inference_mode():
        network(torch.zeros(1, 3, 64, 96))
    bare = smp.DeepLabV3Plus(encoder, encoder_weights=None, encoder_output_stride=16, classes=19)
    cost = complexity(bare, (64, 96))
    assert cost.macs == sum(expected.values())
    assert {path: cost.modules[path].macs for path in expected} == expected
    assert cost.parameters == sum(parameter.numel() for parameter in bare.parameters())


def test_counting_leaves_the_network_as_it_was_in_training_mode_too() -> None:
    """DeepLabV3+ in training refuses a batch of one, and its norms would keep statistics: a copy is counted."""
    network = smp.DeepLabV3Plus("mobilenet_v2", encoder_weights=None, classes=3).train()
    before = copy.deepcopy(network.state_dict())
    tensors = {name: id(tensor) for name, tensor in network.named_parameters()}
    complexity(network, (64, 96))
    assert all(module.training for module in network.modules())
    assert {name: id(tensor) for name, tensor in network.named_parameters()} == tensors
    assert all(tensor.requires_grad and tensor.device.type == "cpu" for tensor in network.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_a_half_precision_network_costs_as_much_as_any() -> None:
    network = build("b0", num_classes=4)
    assert complexity(copy.deepcopy(network).bfloat16(), (64, 64)) == complexity(network, (64, 64))


def test_no_data_is_touched_so_that_a_map_of_petabytes_is_no_obstacle() -> None:
    config = replace(TINY, reductions=(1, 1, 1, 1))
    size = (65536, 65536)  # stage 1 has 2^28 tokens, its attention map 2^56 numbers
    assert complexity_as_published(config, size).modules["encoder"].macs == macs_of_encoder(config, *size)


def test_a_module_used_twice_has_its_parameters_once_and_its_macs_twice() -> None:
    shared = nn.Linear(8, 8)
    cost = count(nn.Sequential(shared, nn.ReLU(), shared), on_meta(3, 8))
    assert (cost.parameters, cost.macs) == (72, 2 * 3 * 64)


def test_an_image_that_the_network_refuses_is_refused() -> None:
    with pytest.raises(ValueError, match=r"H and W >= 32, got \(1, 3, 31, 64\)"):
        complexity(build("b0"), (31, 64))


def test_a_module_that_looks_at_values_can_not_be_counted() -> None:
    with pytest.raises((NotImplementedError, RuntimeError)):
        count(Function(lambda x: x * x.max().item()), on_meta(3))
