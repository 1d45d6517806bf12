"""SegFormer: the encoder and the decoder together, and functions that make one (Xie et al. 2021, Figure 2)."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from .config import VARIANTS, SegFormerConfig
from .decoder import AllMLPDecoder, MMSegDecoder
from .encoder import MixTransformer, PositionalEncoding
from .info import CheckpointInfo

__all__ = ["SegFormer", "build", "create"]

Network = TypeVar("Network", bound=nn.Module)

DECODERS: dict[str, type[AllMLPDecoder] | type[MMSegDecoder]] = {"mlp": AllMLPDecoder, "mmseg": MMSegDecoder}


class SegFormer(nn.Module):
    """Images (B, 3, H, W), normalised float, H and W >= 32 ─▶ logits (B, num_classes, ceil(H / 4), ceil(W / 4))."""

    def __init__(self, config: SegFormerConfig) -> None:
        super().__init__()
        self.config = config
        self.info = CheckpointInfo()
        self.encoder = MixTransformer(config)
        make = DECODERS[config.decoder]
        self.decoder = make(config.widths, config.decoder_width, config.num_classes, config.dropout)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.decoder(self.encoder(images))
        return logits


@torch.no_grad()
def initialise(model: nn.Module) -> None:
    """Draw all weights: truncated normal (0.02) for linear maps, 1x1 included, and encodings; else fan-out normal."""
    for module in model.modules():
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1)):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d):
            fan_out = module.weight[0, 0].numel() * module.out_channels / module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, PositionalEncoding):
            nn.init.trunc_normal_(module.map, std=0.02)


def build(variant: str, *, seed: int = 0, **changes: Any) -> SegFormer:
    """Make a SegFormer with random weights that depend only on `seed`; the global generator does not change.

    variant: a key of VARIANTS. changes: fields of SegFormerConfig, such as num_classes or ffn.
    Raises ValueError for an unknown variant or a field that is not allowed.
    """
    return create(configure(variant, **changes), seed=seed)


def create(config: SegFormerConfig, *, seed: int = 0) -> SegFormer:
    """Make a SegFormer from a configuration; otherwise as `build`."""
    return make_seeded(lambda: SegFormer(config), seed)


def configure(variant: str, **changes: Any) -> SegFormerConfig:
    """Take a variant and change fields of it. Raises ValueError as `build` does."""
    if variant not in VARIANTS:
        raise ValueError(f"unknown variant {variant!r}; known: {', '.join(VARIANTS)}")
    unknown = sorted(changes.keys() - SegFormerConfig.__dataclass_fields__.keys())
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}; known: {', '.join(SegFormerConfig.__dataclass_fields__)}")
    return replace(VARIANTS[variant], **changes)


def make_seeded(make: Callable[[], Network], seed: int) -> Network:
    """Make a network and draw its weights from `seed`; the global generator does not change."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed CUDA's generators too
        network = make()
        initialise(network)
    return network
