"""Networks of a user's own for tests: small, with sources in this file."""

import torch
from torch import Tensor, nn

__all__ = ["Scaled", "Small", "drawn"]


class Small(nn.Module):
    """Normalised float (B, 3, H, W) ─▶ {"out": logits (B, classes, H / 4, W / 4)}."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, classes, 3, stride=4, padding=1)
        self.register_buffer("shift", torch.zeros(1), persistent=False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"out": self.layer(images) + self.shift}


class Scaled(Small):
    """The same, times a number that is no parameter."""

    def __init__(self, classes: int, scale: float) -> None:
        super().__init__(classes)
        self.scale = scale

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"out": self.scale * super().forward(images)["out"]}


def drawn(network: nn.Module, seed: int = 0) -> nn.Module:
    """Draw the weights of a network anew, from a generator of its own."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return network
