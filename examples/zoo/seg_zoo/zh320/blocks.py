"""Blocks that the networks of this set share. Module names and their order are the published files' keys.

B batch, C channels, H and W rows and columns.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d

from ..blocks import Kernel, convolution

__all__ = ["Act", "DownBlock", "Up", "bn_act", "cb", "cba", "resized_to"]

Act = Callable[[], nn.Module]


class Activation(nn.Module):
    """An activation; the files' keys have one more level for the slope of a PReLU."""

    def __init__(self, act: Act) -> None:
        super().__init__()
        self.activation = act()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x)


def cb(
    inputs: int, outputs: int, kernel: Kernel = 1, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Sequential:
    """Make a convolution without bias, and BatchNorm."""
    return nn.Sequential(convolution(inputs, outputs, kernel, stride, dilation, groups), nn.BatchNorm2d(outputs))


def cba(
    inputs: int,
    outputs: int,
    kernel: Kernel = 1,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    *,
    act: Act,
) -> nn.Sequential:
    """Make a convolution without bias, BatchNorm, and an activation."""
    return nn.Sequential(*cb(inputs, outputs, kernel, stride, dilation, groups), Activation(act))


def bn_act(channels: int, act: Act) -> nn.Sequential:
    """Make BatchNorm and an activation."""
    return nn.Sequential(nn.BatchNorm2d(channels), Activation(act))


class Up(nn.Module):
    """A transposed convolution with bias that doubles H and W, BatchNorm, activation."""

    def __init__(self, inputs: int, outputs: int, act: Act) -> None:
        super().__init__()
        self.up_conv = nn.Sequential(
            nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1), *bn_act(outputs, act)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.up_conv(x)


class DownBlock(nn.Module):
    """A convolution and a maximum with half of H and W, concatenated."""

    def __init__(self, inputs: int, outputs: int, act: Act) -> None:
        super().__init__()
        self.conv = cba(inputs, outputs - inputs, 3, 2, act=act)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.conv(x), max_pool2d(x, 3, stride=2, padding=1)], 1)


def resized_to(x: Tensor, other: Tensor, *, align_corners: bool = True) -> Tensor:
    """Bring H and W to those of another map, bilinearly."""
    return interpolate(x, other.shape[2:], mode="bilinear", align_corners=align_corners)
