"""C3Net and C3NetV2: ESPNet's frame with concentrated-comprehensive convolutions.

Source: Park et al., "Concentrated-Comprehensive Convolutions for lightweight semantic segmentation", 2018, arXiv
1812.04920: section 3 (the block and the module). H and W must be multiples of 8.
"""

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from . import blocks
from .blocks import Conv, convolution, enlarged
from .espnet import Encoder, ESPNet, count_blocks

__all__ = ["C3NetV2", "build", "build_v2"]

EPS = 1e-3
BNAct = partial(blocks.BNAct, eps=EPS)
DILATIONS = (2, 3, 7, 13)
DILATIONS_V2 = (2, 4, 8, 16)


class Branch(nn.Module):
    """Concentrate by a long column and a long row, then look around with dilation. All but the last are depthwise."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        length = 2 * dilation - 1
        self.conv = nn.Sequential(
            convolution(inputs, inputs, (length, 1), groups=inputs),
            nn.BatchNorm2d(inputs),
            nn.PReLU(inputs),
            convolution(inputs, inputs, (1, length), groups=inputs),
            nn.BatchNorm2d(inputs),
            convolution(inputs, inputs, 3, dilation=dilation, groups=inputs),
            convolution(inputs, outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Branches(nn.Module):
    """Reduce, apply four branches in parallel, concatenate. The first takes the channels that do not divide by four."""

    def __init__(self, inputs: int, outputs: int, dilations: tuple[int, ...], kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        width = outputs // 4
        first, second, third, fourth = dilations
        self.c1 = Conv(inputs, width, kernel, stride)
        self.d1 = Branch(width, outputs - 3 * width, first)
        self.d2 = Branch(width, width, second)
        self.d3 = Branch(width, width, third)
        self.d4 = Branch(width, width, fourth)

    def merged(self, x: Tensor) -> Tensor:
        reduced = self.c1(x)
        return torch.cat([branch(reduced) for branch in (self.d1, self.d2, self.d3, self.d4)], 1)


class DownBlock(Branches):
    """The branches with half of H and W."""

    def __init__(self, inputs: int, outputs: int, dilations: tuple[int, ...]) -> None:
        super().__init__(inputs, outputs, dilations, kernel=3, stride=2)
        self.bn = nn.BatchNorm2d(outputs, eps=EPS)
        self.act = nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.merged(x)))


class Block(Branches):
    """The branches with the same H and W, and a residual if the channels allow it."""

    def __init__(self, inputs: int, outputs: int, dilations: tuple[int, ...]) -> None:
        super().__init__(inputs, outputs, dilations)
        self.residual = inputs == outputs
        self.bn = BNAct(outputs)

    def forward(self, x: Tensor) -> Tensor:
        merged = self.merged(x)
        return self.bn(x + merged if self.residual else merged)


class SeparableConv(nn.Module):
    """A depthwise 3x3 convolution, one of 1x1, BatchNorm, PReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(convolution(inputs, inputs, 3, groups=inputs), convolution(inputs, outputs))
        self.bn = nn.BatchNorm2d(outputs, eps=EPS)
        self.act = nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(x)))


class C3NetV2(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out: the frame with another decoder."""

    def __init__(self, num_classes: int, encoder: Encoder, stem: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.bn = nn.BatchNorm2d(num_classes, eps=EPS)
        self.conv_l2 = SeparableConv(num_classes + 64, num_classes)
        self.conv_l1 = SeparableConv(num_classes + stem, num_classes)
        self.classifier = nn.Sequential(nn.UpsamplingBilinear2d(scale_factor=2), Conv(num_classes, num_classes))

    def forward(self, image: Tensor) -> Tensor:
        half, _, quarter, _, eighth = self.encoder(image)
        x = self.conv_l2(torch.cat([enlarged(self.bn(eighth)), quarter], 1))
        x = self.conv_l1(torch.cat([enlarged(x), half], 1))
        return self.classifier(x)


def halved_image(image: Tensor, times: int) -> Tensor:
    """Take the mean of 2x2 pixels that many times."""
    return avg_pool2d(image, 2**times)


def encoder_of(tensors: Mapping[str, Tensor], dilations: tuple[int, ...]) -> Encoder:
    return Encoder(
        tensors["encoder.classifier.conv.weight"].shape[0],
        count_blocks(tensors, "encoder.level3."),
        stem=tensors["encoder.level1.conv.weight"].shape[0],
        make_down=partial(DownBlock, dilations=dilations),
        make_block=partial(Block, dilations=dilations),
        shrink=halved_image,
    )


def build(tensors: Mapping[str, Tensor]) -> ESPNet:
    """Make the C3Net that a file was written for. K, q and the skip are read from the shapes."""
    num_classes, joint = tensors["conv.conv.weight"].shape[:2]
    make_block = partial(Block, dilations=DILATIONS)
    return ESPNet(num_classes, encoder_of(tensors, DILATIONS), joint - num_classes, make_block)


def build_v2(tensors: Mapping[str, Tensor]) -> C3NetV2:
    """Make the C3NetV2 that a file was written for. K, q and the stem are read from the shapes."""
    num_classes, joint = tensors["conv_l1.conv.1.weight"].shape[:2]
    return C3NetV2(num_classes, encoder_of(tensors, DILATIONS_V2), joint - num_classes)
