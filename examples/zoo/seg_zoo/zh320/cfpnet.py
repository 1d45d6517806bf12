"""CFPNet: four channels of chained asymmetric convolutions, each with its own dilation.

Source: Lou and Loew, "CFPNet: Channel-wise Feature Pyramid for Real-Time Semantic Segmentation", 2021, arXiv
2103.12212: section 3, figures 2 to 4, table 1. H and W must be multiples of 8.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..blocks import cumulated
from .blocks import DownBlock, cba, resized_to

__all__ = ["CFPNet", "build"]


def asymmetric(inputs: int, outputs: int, dilation: int) -> nn.Sequential:
    """Make a column and a row."""
    return nn.Sequential(
        cba(inputs, outputs, (3, 1), dilation=dilation, act=nn.PReLU),
        cba(outputs, outputs, (1, 3), dilation=dilation, act=nn.PReLU),
    )


class Channel(nn.Module):
    """Three chained steps to 1/4, 1/4 and 1/2 of the width, concatenated."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.block1 = asymmetric(width, width // 4, dilation)
        self.block2 = asymmetric(width // 4, width // 4, dilation)
        self.block3 = asymmetric(width // 4, width // 2, dilation)

    def forward(self, x: Tensor) -> Tensor:
        first = self.block1(x)
        second = self.block2(first)
        return torch.cat([first, second, self.block3(second)], 1)


class Module(nn.Module):
    """Reduce, four channels, cumulative sums, plus the input. dilation: the largest."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        shares = (1 / dilation, 1 / 4, 1 / 2, 1)
        self.conv_init = cba(channels, channels // 4, act=nn.PReLU)
        self.layers = nn.ModuleList(Channel(channels // 4, math.ceil(dilation * share)) for share in shares)
        self.conv_last = cba(channels, channels, act=nn.PReLU)

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.conv_init(x)
        joint = torch.cat(cumulated(layer(reduced) for layer in self.layers), 1)
        return x + self.conv_last(joint)


class CFPNet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv_init = nn.Sequential(
            cba(3, 32, 3, 2, act=nn.PReLU), cba(32, 32, 3, act=nn.PReLU), cba(32, 32, 3, act=nn.PReLU)
        )
        self.downsample1 = DownBlock(35, 64, nn.PReLU)
        self.cfp1 = nn.Sequential(Module(64, 2), Module(64, 2))
        self.downsample2 = DownBlock(67, 128, nn.PReLU)
        self.cfp2 = nn.Sequential(*(Module(128, dilation) for dilation in (4, 4, 8, 8, 16, 16)))
        self.seg_head = cba(131, num_classes, act=nn.PReLU)

    def forward(self, image: Tensor) -> Tensor:
        x = with_image(self.conv_init(image), image)
        x = with_image(self.cfp1(self.downsample1(x)), image)
        x = with_image(self.cfp2(self.downsample2(x)), image)
        return resized_to(self.seg_head(x), image)


def with_image(x: Tensor, image: Tensor) -> Tensor:
    return torch.cat([x, resized_to(image, x)], 1)


def build(tensors: Mapping[str, Tensor]) -> CFPNet:
    """Make the network that a file was written for. K is read from the shapes."""
    return CFPNet(tensors["seg_head.0.weight"].shape[0])
