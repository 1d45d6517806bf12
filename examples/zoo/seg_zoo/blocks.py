"""Blocks that several networks share. Attribute names are the published files' keys.

B batch, C channels, H and W rows and columns. Convolutions have no bias and keep H and W, unless said.
"""

import torch
from torch import Tensor, nn

__all__ = ["BNAct", "Conv", "ConvBNAct", "convolution", "shrunk_image"]


def convolution(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Conv2d:
    """Make a convolution without a bias whose output has H / stride rows, rounded up."""
    padding = dilation * (kernel - 1) // 2
    return nn.Conv2d(
        inputs, outputs, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups, bias=False
    )


class Conv(nn.Module):
    """A convolution alone, for files whose keys wrap it once more."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, dilation: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = convolution(inputs, outputs, kernel, stride, dilation, groups)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)  # type: ignore[no-any-return]


class BNAct(nn.Module):
    """BatchNorm, then a PReLU with a slope per channel."""

    def __init__(self, channels: int, eps: float = 1e-3) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, eps=eps)
        self.act = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(x))  # type: ignore[no-any-return]


class ConvBNAct(BNAct):
    """A convolution, BatchNorm, PReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, eps: float = 1e-3) -> None:
        super().__init__(outputs, eps)
        self.conv = convolution(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.conv(x))


def shrunk_image(image: Tensor, times: int) -> Tensor:
    """Halve an image's sides so many times: the mean of 3x3 pixels around every second, zeros outside counted."""
    for _ in range(times):
        image = torch.nn.functional.avg_pool2d(image, 3, stride=2, padding=1)
    return image
