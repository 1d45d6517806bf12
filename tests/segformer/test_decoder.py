"""The decoder as we run it, by stripes and with BatchNorm folded in, against Eq. 4 as the paper writes it."""

import pytest
import torch
from torch import Tensor

from segformer.complexity import PublishedDecoder
from segformer.decoder import AllMLPDecoder

WIDTHS = (8, 16, 24, 32)
STRIPE = 8  # rows


@pytest.fixture(autouse=True)
def narrow_stripes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `features` fill several stripes of STRIPE rows."""
    monkeypatch.setattr("segformer.decoder.STRIPE_VALUES", STRIPE * 2 * 11 * 20)


def both(dropout: float = 0.0) -> tuple[AllMLPDecoder, PublishedDecoder]:
    """Ours and the paper's with the same parameters, in double precision; statistics far from 0 and 1."""
    generator = torch.Generator().manual_seed(0)
    ours = AllMLPDecoder(WIDTHS, 20, 5, dropout).double()
    with torch.no_grad():
        for tensor in ours.parameters():
            tensor.copy_(torch.randn(tensor.shape, generator=generator))
        ours.norm.running_mean.copy_(5 * torch.randn(20, generator=generator))
        ours.norm.running_var.copy_(0.05 + 30 * torch.rand(20, generator=generator))
    published = PublishedDecoder(WIDTHS, 20, 5, dropout).double()
    published.load_state_dict(ours.state_dict())
    return ours, published


def features(height: int, width: int = 11) -> list[Tensor]:
    generator = torch.Generator().manual_seed(height)
    maps = []
    for channels in WIDTHS:
        maps.append(torch.randn(2, channels, height, width, generator=generator, dtype=torch.double))
        height, width = -(-height // 2), -(-width // 2)
    return maps


def logits_and_gradients(decoder: AllMLPDecoder, inputs: list[Tensor]) -> dict[str, Tensor]:
    """The logits, and the gradients of a weighted sum of them with respect to all that goes in."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    logits = decoder(leaves)
    logits.mul(torch.linspace(-1, 1, logits.numel(), dtype=torch.double).view_as(logits)).sum().backward()
    gradients = {name: parameter.grad for name, parameter in decoder.named_parameters()}
    return {"logits": logits.detach(), **gradients, **{f"stage {i}": x.grad for i, x in enumerate(leaves)}}


def assert_same(ours: AllMLPDecoder, published: AllMLPDecoder, inputs: list[Tensor]) -> None:
    got, expected = logits_and_gradients(ours, inputs), logits_and_gradients(published, inputs)
    assert got.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(got[name], tensor, atol=1e-10, rtol=1e-10, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("height", [1, STRIPE - 1, STRIPE, STRIPE + 1, 3 * STRIPE + 5])
def test_in_evaluation_it_is_equation_4_and_so_are_its_gradients(height: int) -> None:
    ours, published = both(dropout=0.3)
    assert_same(ours.eval(), published.eval(), features(height))


def test_in_training_it_is_equation_4_and_keeps_the_same_statistics() -> None:
    ours, published = both()
    assert_same(ours.train(), published.train(), features(STRIPE + 3))
    for name, buffer in published.named_buffers():
        torch.testing.assert_close(dict(ours.named_buffers())[name], buffer, atol=1e-10, rtol=1e-10)


def test_frozen_statistics_are_used_in_training_too() -> None:
    ours, published = both()
    for decoder in (ours, published):
        decoder.train().norm.eval()
    assert_same(ours, published, features(STRIPE + 3))
    assert ours.norm.num_batches_tracked == 0


def test_dropout_draws_once_for_a_map_though_the_rest_is_in_evaluation() -> None:
    ours, published = both(dropout=0.5)
    for decoder in (ours, published):
        decoder.eval().dropout.train()
    inputs = features(2 * STRIPE + 3)
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        got = ours(inputs)
        torch.manual_seed(0)
        torch.testing.assert_close(got, published(inputs), atol=1e-10, rtol=1e-10)


def test_compiled_it_takes_the_whole_map_and_gives_the_same_logits() -> None:
    ours, _ = both()
    compiled = torch.compile(ours.eval(), backend="eager", fullgraph=True)
    inputs = features(2 * STRIPE + 3)
    with torch.no_grad():
        torch.testing.assert_close(compiled(inputs), ours(inputs), atol=1e-10, rtol=1e-10)
