"""SINet: modules of two branches that see the map at different sizes, and a decoder that blocks confident pixels.

Source: Park et al., "SINet: Extreme Lightweight Portrait Segmentation Networks with Spatial Squeeze Modules and
Information Blocking Decoder", WACV 2020, arXiv 1911.09099: sections 3.1 and 3.2. H and W must be multiples of 128.
"""

from collections.abc import Mapping
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, channel_shuffle, interpolate

from . import blocks
from .blocks import Conv, convolution, doubling, enlarged

__all__ = ["SINet", "build"]

EPS = 1e-3
BNAct, ConvBNAct = partial(blocks.BNAct, eps=EPS), partial(blocks.ConvBNAct, eps=EPS)
BatchNorm = partial(nn.BatchNorm2d, eps=EPS)

# Each module: inputs, outputs, and of its two branches the kernel and the pool. Pool 0 is a plain 3x3 convolution.
LEVEL3 = (
    (24, 60, (3, 1), (5, 1)),
    (60, 60, (3, 0), (3, 1)),
    (60, 60, (3, 0), (3, 1)),
)
LEVEL4 = (
    (60, 84, (3, 1), (5, 1)),
    (84, 84, (3, 0), (3, 1)),
    (84, 84, (5, 1), (5, 4)),
    (84, 84, (3, 2), (5, 8)),
    (84, 84, (3, 1), (5, 1)),
    (84, 108, (3, 1), (5, 1)),
    (108, 108, (3, 0), (3, 1)),
    (108, 108, (5, 1), (5, 8)),
    (108, 108, (3, 2), (5, 4)),
    (108, 108, (3, 0), (5, 2)),
)


class Gate(nn.Module):
    """Weigh channels by a function of the map's mean. hidden: its channels, None for one layer alone."""

    def __init__(self, channels: int, hidden: int | None) -> None:
        super().__init__()
        widths = [channels, channels] if hidden is None else [channels, hidden, channels]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.PReLU(outputs)]
        self.dense = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.dense(x.mean((2, 3)))[:, :, None, None]


class Squeeze(nn.Module):
    """A depthwise convolution with half of H and W, a gate, a 1x1 convolution, BatchNorm, PReLU."""

    def __init__(self, inputs: int, outputs: int, hidden: int | None = None) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            convolution(inputs, inputs, 3, 2, groups=inputs), Gate(inputs, hidden), convolution(inputs, outputs)
        )
        self.bn = BatchNorm(outputs)
        self.act = nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(x)))


class PlainBranch(nn.Module):
    """A depthwise convolution, BatchNorm, PReLU, a 1x1 convolution, BatchNorm."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(convolution(channels, channels, kernel, groups=channels), BatchNorm(channels))
        self.act_conv1x1 = nn.Sequential(nn.PReLU(channels), convolution(channels, channels))
        self.bn = BatchNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.act_conv1x1(self.conv(x)))


class SqueezedBranch(nn.Module):
    """The same at 1 / pool of H and W, with the sum of a column and a row as the depthwise convolution."""

    def __init__(self, channels: int, kernel: int, pool: int) -> None:
        super().__init__()
        self.pool = pool
        self.vertical = convolution(channels, channels, (kernel, 1), groups=channels)
        self.horizontal = convolution(channels, channels, (1, kernel), groups=channels)
        self.B_v = BatchNorm(channels)
        self.B_h = BatchNorm(channels)
        self.act_conv1x1 = nn.Sequential(nn.PReLU(channels), convolution(channels, channels))
        self.bn = BatchNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        pooled = avg_pool2d(x, self.pool) if self.pool > 1 else x
        pooled = self.act_conv1x1(self.B_v(self.vertical(pooled)) + self.B_h(self.horizontal(pooled)))
        if self.pool > 1:
            pooled = interpolate(pooled, x.shape[2:], mode="bilinear", align_corners=True)
        return self.bn(pooled)


class Module(nn.Module):
    """Spatial squeeze (S2): both branches get all of the reduced channels, and each gives half of the outputs."""

    def __init__(self, inputs: int, outputs: int, *branches: tuple[int, int]) -> None:
        super().__init__()
        self.residual = inputs == outputs
        self.c1 = Conv(inputs, outputs // 2, groups=2)
        self.d1, self.d2 = (
            SqueezedBranch(outputs // 2, kernel, pool) if pool else PlainBranch(outputs // 2, kernel)
            for kernel, pool in branches
        )
        self.BR = BNAct(outputs)

    def forward(self, x: Tensor) -> Tensor:
        reduced = channel_shuffle(self.c1(x), 2)
        joint = torch.cat([self.d1(reduced), self.d2(reduced)], 1)
        return self.BR(x + joint if self.residual else joint)


class Encoder(nn.Module):
    """The image to maps at 1/4 (19 channels), 1/8 (60) and 1/16 (K)."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.level1 = ConvBNAct(3, 16, 3, 2)
        self.level2_0 = Squeeze(16, 19)
        self.level3_0 = Squeeze(19, 24)
        self.level3 = nn.Sequential(*(Module(*config) for config in LEVEL3))
        self.BR3 = BNAct(84)
        self.level4_0 = Squeeze(84, 60, hidden=42)
        self.level4 = nn.Sequential(*(Module(*config) for config in LEVEL4))
        self.BR4 = BNAct(168)
        self.classifier = Conv(168, num_classes)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        quarter = self.level2_0(self.level1(image))
        first = self.level3_0(quarter)
        eighth = self.level3(first)
        first = self.level4_0(self.BR3(torch.cat([first, eighth], 1)))
        return quarter, eighth, self.classifier(self.BR4(torch.cat([first, self.level4(first)], 1)))


class SINet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H / 2, W / 2) out. K is 19, the channels of the map at 1/4."""

    def __init__(self, num_classes: int = 19) -> None:
        super().__init__()
        self.encoder = Encoder(num_classes)
        self.bn_4 = BatchNorm(num_classes)
        self.level3_C = ConvBNAct(60, num_classes)
        self.bn_3 = BatchNorm(num_classes)
        self.classifier = doubling(num_classes)

    def forward(self, image: Tensor) -> Tensor:
        quarter, eighth, scores = self.encoder(image)
        scores = self.bn_4(enlarged(scores, align_corners=False))
        scores = scores + self.level3_C(eighth) * doubt(scores)
        scores = self.bn_3(enlarged(scores, align_corners=False))
        return self.classifier(scores + quarter * doubt(scores))


def doubt(scores: Tensor) -> Tensor:
    """Compute one minus the largest probability of each pixel, (B, 1, h, w)."""
    return 1 - scores.softmax(1).amax(1, keepdim=True)


def build(tensors: Mapping[str, Tensor]) -> SINet:
    """Make the network that a file was written for. It has one size."""
    return SINet(tensors["encoder.classifier.conv.weight"].shape[0])
