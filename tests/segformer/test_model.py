from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from segformer import VARIANTS, SegFormer, SegFormerConfig, build
from segformer.decoder import AllMLPDecoder
from segformer.encoder import DropPath

TINY = SegFormerConfig(widths=(8, 16, 24, 32), depths=(1, 1, 1, 1), heads=(1, 2, 3, 4), decoder_width=16, num_classes=5)


def random_images(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def make(config: SegFormerConfig, seed: int = 0) -> SegFormer:
    """A model whose norms have seen data, so that every part of it matters."""
    from segformer.model import create

    model = create(config, seed=seed).train()
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        model(random_images(4, 3, 64, 64))
    return model.eval()


@pytest.mark.parametrize(
    ("variant", "total", "decoder"),
    [
        ("b0", 3.8, 0.4),
        ("b1", 13.7, 0.6),
        ("b2", 27.5, 3.3),
        ("b3", 47.3, 3.3),
        ("b4", 64.1, 3.3),
        ("b5", 84.7, 3.3),
    ],
)
def test_parameters_with_150_classes_equal_table_1a(variant: str, total: float, decoder: float) -> None:
    with torch.device("meta"):
        model = SegFormer(replace(VARIANTS[variant], num_classes=150))
    count = lambda module: sum(p.numel() for p in module.parameters()) / 1e6  # noqa: E731
    assert round(count(model), 1) == total
    assert round(count(model.decoder), 1) == decoder


@pytest.mark.parametrize("size", [(32, 32), (33, 65), (97, 131), (160, 47)])
def test_any_size_from_32_gives_logits_at_a_quarter_rounded_up(size: tuple[int, int]) -> None:
    model = make(TINY)
    features = model.encoder(random_images(2, 3, *size))
    for feature, stride, width in zip(features, (4, 8, 16, 32), TINY.widths, strict=True):
        assert feature.shape == (2, width, -(-size[0] // stride), -(-size[1] // stride))
    assert model(random_images(2, 3, *size)).shape == (2, 5, -(-size[0] // 4), -(-size[1] // 4))


@pytest.mark.parametrize("shape", [(1, 3, 31, 64), (1, 3, 64, 31), (1, 1, 64, 64), (3, 64, 64)])
def test_other_shapes_are_refused_with_the_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=str(tuple(shape)).replace("(", r"\(").replace(")", r"\)")):
        make(TINY)(random_images(*shape))


def as_written(decoder: AllMLPDecoder, features: list[torch.Tensor]) -> torch.Tensor:
    """Equation 4 literally: project, upsample, concatenate stages 4 to 1, fuse, normalise, classify."""
    size = features[0].shape[2:]
    maps = []
    for feature, linear in zip(features, decoder.project, strict=True):
        projected = linear(feature.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        maps.append(functional.interpolate(projected, size, mode="bilinear", align_corners=False))
    fused = functional.conv2d(torch.cat(maps[::-1], dim=1), decoder.fuse.weight[:, :, None, None])
    return decoder.classify(functional.relu(decoder.norm(fused)))


def test_the_decoder_equals_the_papers_equation_4_and_so_do_its_gradients() -> None:
    decoder = make(TINY).decoder.double()
    features = [
        random_images(2, c, *s).double() for c, s in zip(TINY.widths, [(17, 25), (9, 13), (5, 7), (3, 4)], strict=True)
    ]
    got, expected = decoder(features), as_written(decoder, features)
    torch.testing.assert_close(got, expected, atol=1e-10, rtol=0)
    weights = [
        decoder.fuse.weight,
        *(linear.weight for linear in decoder.project),
        *(linear.bias for linear in decoder.project),
    ]
    for a, b in zip(
        torch.autograd.grad(got.square().sum(), weights),
        torch.autograd.grad(expected.square().sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(a, b, atol=1e-8, rtol=1e-8)


def test_weights_depend_only_on_the_seed_and_the_global_generator_does_not_change() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = build("b0", num_classes=3).state_dict()
    torch.manual_seed(6)
    second, other = build("b0", num_classes=3).state_dict(), build("b0", num_classes=3, seed=1).state_dict()
    torch.manual_seed(5)
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["decoder.fuse.weight"], other["decoder.fuse.weight"])


CHANGES = {
    "widths": (8, 16, 24, 40),
    "depths": (1, 1, 1, 2),
    "heads": (1, 2, 3, 8),
    "reductions": (4, 4, 2, 1),
    "expansions": (4, 4, 4, 2),
    "ffn": "plain",
    "positional_encoding": "learned",
    "train_size": (96, 64),
    "decoder": "mmseg",
    "decoder_width": 24,
    "num_classes": 6,
    "norm_eps": 1e-1,
    "embedding_norm_eps": 1e-1,
}


@pytest.mark.parametrize("field", [name for name in CHANGES if name != "train_size"])
def test_each_field_that_shapes_the_network_changes_its_logits(field: str) -> None:
    changes = {field: CHANGES[field]} | ({"train_size": (64, 64)} if field == "positional_encoding" else {})
    before, after = make(TINY)(random_images(1, 3, 64, 64)), make(replace(TINY, **changes))(random_images(1, 3, 64, 64))
    assert before.shape != after.shape or not torch.allclose(before, after, atol=1e-3)


def test_the_train_size_changes_the_encodings_grid() -> None:
    config = replace(TINY, positional_encoding="learned", train_size=(96, 64))
    maps = [stage.position.map.shape for stage in make(config).encoder.stages]
    assert maps == [(1, 8, 24, 16), (1, 16, 12, 8), (1, 24, 6, 4), (1, 32, 3, 2)]


def test_rates_of_drop_path_and_dropout_act_in_training_only() -> None:
    for change in ({"drop_path": 0.0, "dropout": 0.9}, {"drop_path": 0.9, "dropout": 0.0}):
        model = make(replace(TINY, **change))
        images = random_images(2, 3, 64, 64)
        with torch.random.fork_rng():
            assert torch.equal(model(images), model(images))
            model.train()
            model.decoder.norm.eval()
            assert not torch.allclose(model(images), model(images), atol=1e-4)
        still = make(replace(TINY, drop_path=0.0, dropout=0.0)).train()
        still.decoder.norm.eval()
        assert torch.equal(still(images), still(images))


def test_drop_path_keeps_the_mean_and_drops_whole_samples() -> None:
    drop = DropPath(0.25).train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        outputs = drop(torch.ones(20_000, 2, 2, 1))
    values = outputs.flatten(1)
    assert ((values == 0).all(dim=1) | torch.isclose(values, torch.tensor(1 / 0.75)).all(dim=1)).all()
    # The standard error of the mean is 0.0041; five of them.
    assert abs(outputs.mean().item() - 1) < 0.021


def test_a_learned_encoding_is_added_unchanged_at_its_size_and_resized_bilinearly_elsewhere() -> None:
    model = make(replace(TINY, positional_encoding="learned", train_size=(64, 64)))
    stage = model.encoder.stages[0]
    position = stage.position
    zeros = torch.zeros(1, 16, 16, 8)
    assert torch.equal(position(zeros), position.map.permute(0, 2, 3, 1))
    resized = position(torch.zeros(1, 24, 32, 8)).permute(0, 3, 1, 2)
    expected = functional.interpolate(position.map, (24, 32), mode="bilinear", align_corners=False)
    torch.testing.assert_close(resized, expected, atol=1e-6, rtol=0)
    assert model(random_images(1, 3, 96, 128)).shape == (1, 5, 24, 32)


def test_plain_ffn_has_no_depth_wise_convolution() -> None:
    mixed, plain = make(TINY), make(replace(TINY, ffn="plain"))
    depth_wise = lambda m: [c for c in m.modules() if isinstance(c, nn.Conv2d) and c.groups > 1]  # noqa: E731
    assert len(depth_wise(mixed)) == sum(TINY.depths)
    assert not depth_wise(plain)


def test_no_block_copies_between_its_linear_and_its_convolutional_half() -> None:
    """Convolutions inside the encoder get channels-last images, which are the tokens' own memory."""
    model = make(TINY)
    seen = []
    for module in model.encoder.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(
                lambda _, inputs, output: seen.append(
                    inputs[0].is_contiguous(memory_format=torch.channels_last)
                    and output.is_contiguous(memory_format=torch.channels_last)
                )
            )
    with torch.inference_mode():
        model(random_images(2, 3, 128, 160))
    assert len(seen) == 4 + 4 + 3  # patch merging, Mix-FFN, and the reductions of stages 1 to 3
    assert all(seen)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ffn": "mixed"}, "ffn must be one of .*'mixed'"),
        ({"positional_encoding": "sine", "train_size": (64, 64)}, "positional_encoding must be one of .*'sine'"),
        ({"decoder": "uper"}, "decoder must be one of .*'uper'"),
        ({"positional_encoding": "learned"}, "train_size is required with"),
        ({"train_size": (64, 64)}, "train_size is required with"),
        ({"positional_encoding": "learned", "train_size": (16, 64)}, r"at least 32, got \(16, 64\)"),
        ({"heads": (3, 2, 5, 8)}, "multiple of its heads"),
        ({"depths": (1, 2, 3)}, "depths must be four integers"),
        ({"depths": 3}, "depths must be four integers >= 1, got 3"),
        ({"positional_encoding": "learned", "train_size": 64}, "at least 32, got 64"),
        ({"positional_encoding": "learned", "train_size": (64.5, 64)}, r"integers of at least 32, got \(64.5, 64\)"),
        ({"num_classes": 0}, "num_classes must be an integer of at least 1, got 0"),
        ({"drop_path": 1.0}, r"drop_path must be a number in \[0, 1\), got 1.0"),
        ({"dropout": -0.1}, r"dropout must be a number in \[0, 1\), got -0.1"),
        ({"drop_path": float("nan")}, r"drop_path must be a number in \[0, 1\), got nan"),
        ({"dropout": False}, r"dropout must be a number in \[0, 1\), got False"),
        ({"norm_eps": 0.0}, "norm_eps must be a positive, finite number, got 0.0"),
        ({"norm_eps": float("inf")}, "norm_eps must be a positive, finite number, got inf"),
        ({"embedding_norm_eps": float("nan")}, "embedding_norm_eps must be a positive, finite number, got nan"),
        ({"embedding_norm_eps": True}, "embedding_norm_eps must be a positive, finite number, got True"),
        ({"num_classes": True}, "num_classes must be an integer of at least 1, got True"),
        ({"depths": (True, 1, 1, 1)}, "depths must be four integers >= 1"),
        ({"colour": 1}, "unknown field 'colour'; known: widths"),
    ],
)
def test_a_field_that_is_not_allowed_is_refused_with_its_value(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build("b0", **change)


def test_an_unknown_variant_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown variant 'b6'; known: b0, b1, b2, b3, b4, b5"):
        build("b6")
