"""ADSCNet: asymmetric depthwise separable convolutions, and a dense block of dilations between poolings.

Source: Wang et al., "ADSCNet: asymmetric depthwise separable convolution for semantic segmentation in real-time",
Applied Intelligence, 2020. H and W must be multiples of 8.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ..blocks import convolution
from .blocks import Up, cba

__all__ = ["ADSCNet", "build"]

DILATIONS = (3, 5, 9, 13)


class Module(nn.Module):
    """A depthwise column, a 1x1 convolution, a depthwise row, a 1x1 convolution.

    With stride 1 the input is added, with stride 2 its average is concatenated: twice the channels.
    """

    def __init__(self, channels: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.strided = stride > 1
        self.conv = nn.Sequential(
            cba(channels, channels, (3, 1), stride, dilation, channels, act=nn.ReLU6),
            convolution(channels, channels),
            cba(channels, channels, (1, 3), 1, dilation, channels, act=nn.ReLU6),
            convolution(channels, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.strided:
            return torch.cat([self.conv(x), avg_pool2d(x, 3, stride=2, padding=1)], 1)
        return x + self.conv(x)


class DenseBlock(nn.Module):
    """Four modules, each on all maps so far: those are reduced, averaged, and seen with its dilation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for index, dilation in enumerate(DILATIONS):
            reduce = [convolution(channels * (index + 1), channels)] if index else []
            pool = nn.AvgPool2d(dilation, stride=1, padding=dilation // 2)
            setattr(self, f"block{index + 1}", nn.Sequential(*reduce, pool, Module(channels, dilation=dilation)))
        self.conv_last = convolution(channels * (len(DILATIONS) + 1), channels)

    def forward(self, x: Tensor) -> Tensor:
        for index in range(len(DILATIONS)):
            x = torch.cat([x, getattr(self, f"block{index + 1}")(x)], 1)
        return self.conv_last(x)


class ADSCNet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out, none below 0."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv0 = cba(3, 32, 3, 2, act=nn.ReLU6)
        self.conv1 = Module(32)
        self.conv2_4 = nn.Sequential(Module(32), Module(32, stride=2), Module(64))
        self.conv5 = Module(64, stride=2)
        self.ddcc = DenseBlock(128)
        self.up1 = nn.Sequential(Up(128, 64, nn.ReLU), Module(64))
        self.up2 = nn.Sequential(Module(64), Up(64, 32, nn.ReLU))
        self.up3 = nn.Sequential(Module(32), Up(32, num_classes, nn.ReLU))

    def forward(self, image: Tensor) -> Tensor:
        half = self.conv1(self.conv0(image))
        quarter = self.conv2_4(half)
        x = self.up1(self.ddcc(self.conv5(quarter)))
        return self.up3(self.up2(x + quarter) + half)


def build(tensors: Mapping[str, Tensor]) -> ADSCNet:
    """Make the network that a file was written for. K is read from the shapes."""
    return ADSCNet(tensors["up3.1.up_conv.0.weight"].shape[1])
