"""DiCENet: convolutions along each of the three dimensions of a map, then their weighted sum.

Source: Mehta et al., "DiCENet: Dimension-wise Convolutions for Efficient Networks", IEEE TPAMI 2020, arXiv 1906.03516:
section 3 (DimConv, DimFuse), section 4 and table 1 (the network). The decoder is in edgenets.py. H and W must be
multiples of 16.
"""

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import channel_shuffle, interpolate

from .blocks import convolution
from .edgenets import CBR, Decoder, JointBR, JointCBR, decoder_keys, resized

__all__ = ["KEYS", "DiCENet", "build"]

STEM = 24  # channels at 1/2 and 1/4
SIDES = {"eighth": 28, "sixteenth": 14}  # rows and columns that convolutions along the other dimensions are made for

# Names in the files to names here.
KEYS = decoder_keys(
    ("eff_pool_16x16", "eff_pool_32x32", "eff_pool_64x64", "eff_pool_128x128"),
    ("proj_enc_32x32", "proj_enc_64x64", "proj_enc_128x128"),
    ("bu_br_32x32", "bu_br_64x64", "bu_br_128x128"),
)


class Unit(nn.Module):
    """DimConv and DimFuse. side: the number of rows and columns to which other maps are resized."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.conv_channel = convolution(channels, channels, 3, groups=channels)
        self.conv_width = convolution(side, side, 3, groups=side)
        self.conv_height = convolution(side, side, 3, groups=side)
        self.br_act = JointBR(3 * channels)
        self.weight_avg_layer = JointCBR(3, channels)
        self.proj_layer = CBR(channels, channels, 3, groups=channels)
        self.linear_comb_layer = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            convolution(channels, channels // 4),
            nn.ReLU(),
            convolution(channels // 4, channels),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        _, _, height, width = x.shape
        rows = fitted(x, (self.side, width))
        rows = self.conv_height(rows.transpose(1, 2)).transpose(1, 2)  # each row by itself: over (channels, columns)
        columns = fitted(x, (height, self.side))
        columns = self.conv_width(columns.transpose(1, 3)).transpose(1, 3)  # each column: over (rows, channels)
        parts = [self.conv_channel(x), fitted(rows, (height, width)), fitted(columns, (height, width))]
        fused = self.weight_avg_layer(self.br_act(parts))
        return self.proj_layer(fused) * self.linear_comb_layer(fused)


class ShuffleUnit(nn.Module):
    """Half of the channels pass unchanged, the rest go through a unit."""

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__()
        self.unchanged = round(inputs / 2)
        width = outputs - self.unchanged
        self.layer_right = nn.Sequential(CBR(inputs - self.unchanged, width), Unit(width, side))

    def forward(self, x: Tensor) -> Tensor:
        left, right = x[:, : self.unchanged], x[:, self.unchanged :]
        return channel_shuffle(torch.cat([left, self.layer_right(right)], 1), 2)


class DownUnit(nn.Module):
    """Two ways to half of H and W, concatenated: twice the channels."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.left_layer = nn.Sequential(CBR(channels, channels, 3, 2, groups=channels), CBR(channels, channels))
        self.right_layer = nn.Sequential(
            nn.AvgPool2d(3, stride=2, padding=1), Unit(channels, side), CBR(channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return channel_shuffle(torch.cat([self.left_layer(x), self.right_layer(x)], 1), 2)


class Encoder(nn.Module):
    """The image to maps at 1/2, 1/4, 1/8 and 1/16 of H and W. eighth, sixteenth: channels of the last two."""

    def __init__(self, eighth: int, sixteenth: int) -> None:
        super().__init__()
        self.level1 = CBR(3, STEM, 3, 2)
        self.level2 = nn.MaxPool2d(3, stride=2, padding=1)
        self.level3 = level(STEM, eighth, 3, SIDES["eighth"])
        self.level4 = level(eighth, sixteenth, 7, SIDES["sixteenth"])

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        half = self.level1(image)
        quarter = self.level2(half)
        eighth = self.level3(quarter)
        return half, quarter, eighth, self.level4(eighth)


class DiCENet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out. eighth, sixteenth: channels of these maps."""

    def __init__(self, eighth: int, sixteenth: int, num_classes: int) -> None:
        super().__init__()
        self.base_net = Encoder(eighth, sixteenth)
        self.decoder = Decoder((STEM, STEM, eighth, sixteenth), num_classes)

    def forward(self, image: Tensor) -> Tensor:
        logits = self.decoder(*self.base_net(image))
        return interpolate(logits, image.shape[2:], mode="bilinear", align_corners=True)


def level(inputs: int, outputs: int, repeats: int, side: int) -> nn.Sequential:
    """Make a strided unit and the shuffle units after it."""
    widths = [2 * inputs] + [outputs] * repeats
    return nn.Sequential(DownUnit(inputs, side), *(ShuffleUnit(*pair, side) for pair in pairwise(widths)))


def fitted(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring H and W to a size, of which one may be another."""
    return resized(x, size, grow=x.shape[2] < size[0] or x.shape[3] < size[1])


def build(tensors: Mapping[str, Tensor]) -> DiCENet:
    """Make the network that a file was written for. Its width and K are read from the shapes."""
    eighth = tensors["decoder.laterals.0.wt_layer.1.weight"].shape[1]
    sixteenth = tensors["decoder.pyramids.0.projection_layer.cbr.0.weight"].shape[1]
    return DiCENet(eighth, sixteenth, tensors["decoder.pyramids.3.merge_layer.3.weight"].shape[0])
