"""CGNet: blocks that combine a local feature, its surroundings and a gate from the whole map.

Source: Wu et al., "CGNet: A Light-weight Context Guided Network for Semantic Segmentation", IEEE TIP 2021, arXiv
1811.08201: section III (figures 3 and 4, table I). M blocks at 1/4 and N at 1/8 of H and W, which are any.
"""

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from . import blocks
from .blocks import Conv, shrunk_image
from .espnet import count_blocks

__all__ = ["CGNet", "build"]

EPS = 1e-3
BNAct, ConvBNAct = partial(blocks.BNAct, eps=EPS), partial(blocks.ConvBNAct, eps=EPS)


class Gate(nn.Module):
    """Weigh channels by a function of the map's mean. reduction: of the channels, in the hidden layer."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = channels // reduction
        self.fc = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.fc(x.mean((2, 3)))[:, :, None, None]


class DownBlock(nn.Module):
    """A context guided block with half of H and W."""

    def __init__(self, inputs: int, outputs: int, dilation: int, reduction: int) -> None:
        super().__init__()
        self.conv1x1 = ConvBNAct(inputs, outputs, 3, 2)  # the files' name, though it is 3x3 here
        self.F_loc = Conv(outputs, outputs, 3, groups=outputs)
        self.F_sur = Conv(outputs, outputs, 3, dilation=dilation, groups=outputs)
        self.bn = nn.BatchNorm2d(2 * outputs, eps=EPS)
        self.act = nn.PReLU(2 * outputs)
        self.reduce = Conv(2 * outputs, outputs)
        self.F_glo = Gate(outputs, reduction)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1x1(x)
        x = self.act(self.bn(torch.cat([self.F_loc(x), self.F_sur(x)], 1)))
        return self.F_glo(self.reduce(x))


class Block(nn.Module):
    """A context guided block with the same H and W, and a residual."""

    def __init__(self, channels: int, dilation: int, reduction: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1x1 = ConvBNAct(channels, half)
        self.F_loc = Conv(half, half, 3, groups=half)
        self.F_sur = Conv(half, half, 3, dilation=dilation, groups=half)
        self.bn_prelu = BNAct(channels)
        self.F_glo = Gate(channels, reduction)

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.conv1x1(x)
        joint = self.bn_prelu(torch.cat([self.F_loc(reduced), self.F_sur(reduced)], 1))
        return x + self.F_glo(joint)


class CGNet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out. m, n: blocks at 1/4 and 1/8, the down blocks too."""

    def __init__(self, num_classes: int, m: int, n: int) -> None:
        super().__init__()
        self.level1_0 = ConvBNAct(3, 32, 3, 2)
        self.level1_1 = ConvBNAct(32, 32, 3)
        self.level1_2 = ConvBNAct(32, 32, 3)
        self.b1 = BNAct(35)
        self.level2_0 = DownBlock(35, 64, dilation=2, reduction=8)
        self.level2 = nn.Sequential(*(Block(64, dilation=2, reduction=8) for _ in range(m - 1)))
        self.bn_prelu_2 = BNAct(131)
        self.level3_0 = DownBlock(131, 128, dilation=4, reduction=16)
        self.level3 = nn.Sequential(*(Block(128, dilation=4, reduction=16) for _ in range(n - 1)))
        self.bn_prelu_3 = BNAct(256)
        self.classifier = nn.Sequential(Conv(256, num_classes))

    def forward(self, image: Tensor) -> Tensor:
        x = self.level1_2(self.level1_1(self.level1_0(image)))
        first = self.level2_0(self.b1(torch.cat([x, shrunk_image(image, 1)], 1)))
        x = self.bn_prelu_2(torch.cat([self.level2(first), first, shrunk_image(image, 2)], 1))
        first = self.level3_0(x)
        logits = self.classifier(self.bn_prelu_3(torch.cat([first, self.level3(first)], 1)))
        return interpolate(logits, image.shape[2:], mode="bilinear", align_corners=False)


def build(tensors: Mapping[str, Tensor]) -> CGNet:
    """Make the network that a file was written for. K, M and N are read from the shapes."""
    m, n = (1 + count_blocks(tensors, prefix) for prefix in ("level2.", "level3."))
    return CGNet(tensors["classifier.0.conv.weight"].shape[0], m, n)
