"""The decoder that ESPNetv2 and DiCENet share: efficient pyramid pooling at four sizes, added to the encoder's maps.

Source: Mehta et al., "DiCENet: Dimension-wise Convolutions for Efficient Networks", IEEE TPAMI 2020, arXiv 1906.03516:
section 5.3 (semantic segmentation).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from .blocks import convolution, enlarged, shuffled

__all__ = ["BR", "CBR", "Decoder", "decoder_keys", "resized"]

SCALES = (2.0, 1.5, 1.0, 0.5, 0.1)
LEAST_SIDE = 5
INNER = 10  # channels in the pyramids
OUTPUTS = (64, 48, 32)  # channels of the maps at 1/16, 1/8 and 1/4, before the classes


class CBR(nn.Module):
    """A convolution, BatchNorm, PReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.cbr = nn.Sequential(
            convolution(inputs, outputs, kernel, stride, groups=groups), nn.BatchNorm2d(outputs), nn.PReLU(outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.cbr(x)


class BR(nn.Module):
    """BatchNorm, PReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.br = nn.Sequential(nn.BatchNorm2d(channels), nn.PReLU(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.br(x)


class Shuffle(nn.Module):
    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        return shuffled(x, self.groups)


class Pyramid(nn.Module):
    """Efficient pyramid pooling: depthwise convolutions at five sizes of the map. The last pyramid gives the logits."""

    def __init__(self, inputs: int, outputs: int, *, last: bool = False) -> None:
        super().__init__()
        joint = INNER * len(SCALES)
        self.projection_layer = CBR(inputs, INNER)
        self.stages = nn.ModuleList(convolution(INNER, INNER, 3, groups=INNER) for _ in SCALES)
        self.merge_layer = nn.Sequential(
            BR(joint),
            Shuffle(len(SCALES)),
            CBR(joint, INNER, 3, groups=INNER),
            nn.Conv2d(INNER, outputs, 1, bias=last),
        )
        self.br = nn.Identity() if last else BR(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.projection_layer(x)
        height, width = x.shape[2:]
        branches = []
        for stage, scale in zip(self.stages, SCALES, strict=True):
            size = (max(math.ceil(height * scale), LEAST_SIDE), max(math.ceil(width * scale), LEAST_SIDE))
            branches.append(resized(stage(resized(x, size, grow=scale > 1)), (height, width), grow=scale < 1))
        return self.br(self.merge_layer(torch.cat(branches, 1)))


class Lateral(nn.Module):
    """A map of the encoder, weighed per channel by its own mean."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.wt_layer = nn.Sequential(nn.AdaptiveAvgPool2d(1), convolution(inputs, outputs), nn.Sigmoid())
        self.expansion_layer = CBR(inputs, outputs, 3, groups=math.gcd(inputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.expansion_layer(x) * self.wt_layer(x)


class Decoder(nn.Module):
    """Maps at 1/2, 1/4, 1/8 and 1/16 of H and W in, logits (B, K, H / 2, W / 2) out. channels: of these maps."""

    def __init__(self, channels: tuple[int, int, int, int], num_classes: int) -> None:
        super().__init__()
        inputs = (channels[-1], *OUTPUTS)
        self.pyramids = nn.ModuleList(Pyramid(*pair) for pair in zip(inputs[:-1], OUTPUTS, strict=True))
        self.pyramids.append(Pyramid(inputs[-1], num_classes, last=True))
        self.laterals = nn.ModuleList(Lateral(*pair) for pair in zip(channels[2::-1], OUTPUTS, strict=True))
        self.joins = nn.ModuleList(nn.Sequential(nn.BatchNorm2d(width), nn.PReLU(width)) for width in OUTPUTS)

    def forward(self, half: Tensor, quarter: Tensor, eighth: Tensor, sixteenth: Tensor) -> Tensor:
        x = self.pyramids[0](sixteenth)
        maps = (eighth, quarter, half)
        for lateral, join, pyramid, finer in zip(self.laterals, self.joins, self.pyramids[1:], maps, strict=True):
            x = pyramid(join(enlarged(x) + lateral(finer)))
        return x


def resized(x: Tensor, size: tuple[int, int], *, grow: bool) -> Tensor:
    """Bring H and W to a size: bilinearly to grow, by adaptive average pooling to shrink."""
    if x.shape[2:] == size:
        return x
    if grow:
        return interpolate(x, size, mode="bilinear", align_corners=True)
    return adaptive_avg_pool2d(x, size)


def decoder_keys(pyramids: tuple[str, ...], laterals: tuple[str, ...], joins: tuple[str, ...]) -> dict[str, str]:
    """Map the names in a network's files to those of `Decoder`, each from the coarsest to the finest map."""
    names = {"pyramids": pyramids, "laterals": laterals, "joins": joins}
    return {f"{name}.": f"decoder.{kind}.{index}." for kind, of in names.items() for index, name in enumerate(of)}
