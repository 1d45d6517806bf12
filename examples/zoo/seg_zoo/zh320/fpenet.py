"""FPENet: blocks that encode four dilations, and a decoder that lets each level attend to the other.

Source: Liu and Yin, "Feature Pyramid Encoding Network for Real-time Semantic Segmentation", BMVC 2019, arXiv
1909.08599: section 3 (figures 2 to 4, table 1). H and W must be multiples of 8.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..blocks import cumulated, enlarged
from .blocks import cba, resized_to

__all__ = ["FPENet", "build"]

DILATIONS = (1, 2, 4, 8)


class Block(nn.Module):
    """Expand, four depthwise dilations of a quarter each, cumulative sums, reduce, with a residual if shapes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int = 1) -> None:
        super().__init__()
        hidden = expansion * outputs
        quarter = hidden // 4
        self.residual = inputs == outputs and stride == 1
        self.conv_init = cba(inputs, hidden, act=nn.ReLU)
        self.layers = nn.ModuleList(
            cba(quarter, quarter, 3, stride, dilation, quarter, act=nn.ReLU) for dilation in DILATIONS
        )
        self.conv_last = cba(hidden, outputs, act=nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        quarters = self.conv_init(x).chunk(4, 1)
        sums = cumulated(layer(quarter) for layer, quarter in zip(self.layers, quarters, strict=True))
        joint = self.conv_last(torch.cat(sums, 1))
        return x + joint if self.residual else joint


class SpatialAttention(nn.Module):
    """A map from the mean over channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = cba(1, 1, act=nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.mean(1, keepdim=True))


class Fusion(nn.Module):
    """The fine map weighed by the coarse map's channels, plus the coarse map weighed by the fine map's pixels."""

    def __init__(self, low: int, high: int, outputs: int) -> None:
        super().__init__()
        self.conv_low = cba(low, outputs, act=nn.ReLU)
        self.conv_high = cba(high, outputs, act=nn.ReLU)
        self.sa = SpatialAttention()
        self.ca = nn.Sequential(nn.AdaptiveAvgPool2d(1), cba(outputs, outputs, act=nn.ReLU))

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        low, high = self.conv_low(low), self.conv_high(high)
        return low * self.ca(high) + enlarged(high) * self.sa(low)


class FPENet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out, none below 0."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.stage1 = nn.Sequential(cba(3, 16, 3, 2, act=nn.ReLU), Block(16, 16, 1))
        self.stage2_0 = Block(16, 32, 4, 2)
        self.stage2 = nn.Sequential(*(Block(32, 32, 4) for _ in range(2)))
        self.stage3_0 = Block(32, 64, 4, 2)
        self.stage3 = nn.Sequential(*(Block(64, 64, 4) for _ in range(8)))
        self.decoder2 = Fusion(32, 64, 64)
        self.decoder1 = Fusion(16, 64, 32)
        self.final = cba(32, num_classes, act=nn.ReLU)

    def forward(self, image: Tensor) -> Tensor:
        half = self.stage1(image)
        quarter = self.stage2(self.stage2_0(half))
        eighth = self.stage3(self.stage3_0(quarter))
        x = self.decoder1(half, self.decoder2(quarter, eighth))
        return resized_to(self.final(x), image)


def build(tensors: Mapping[str, Tensor]) -> FPENet:
    """Make the network that a file was written for. K is read from the shapes."""
    return FPENet(tensors["final.0.weight"].shape[0])
