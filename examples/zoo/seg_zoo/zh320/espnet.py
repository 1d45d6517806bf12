"""ESPNet: a spatial pyramid of dilated convolutions in every block.

Source: Mehta et al., "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions for Semantic Segmentation", ECCV 2018,
arXiv 1803.06815: section 3. Here each branch has its own BatchNorm and activation. H and W must be multiples of 8.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..blocks import convolution, cumulated
from .blocks import Up, cba, resized_to

__all__ = ["ESPNet", "build"]

DILATIONS = (2, 4, 8, 16)


class Pyramid(nn.Module):
    """Reduce, apply five dilations in parallel, sum hierarchically, concatenate.

    The undilated branch takes the channels that do not divide by five. It has its own reduction and is not part of the
    sums.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        width, first = outputs // 5, outputs - 4 * (outputs // 5)
        self.residual = inputs == outputs and stride == 1
        self.conv_k1 = convolution(inputs, first, 1, stride)
        self.conv_kn = convolution(inputs, width, 1, stride)
        self.layers = nn.ModuleList([cba(first, first, 3, act=nn.PReLU)])
        self.layers.extend(cba(width, width, 3, dilation=dilation, act=nn.PReLU) for dilation in DILATIONS)

    def forward(self, x: Tensor) -> Tensor:
        undilated, *dilated = self.layers
        reduced = self.conv_kn(x)
        sums = cumulated(layer(reduced) for layer in dilated)
        joint = torch.cat([undilated(self.conv_k1(x)), *sums], 1)
        return x + joint if self.residual else joint


class ESPNet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out, none below 0."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.l1_block = cba(3, 16, 3, 2, act=nn.PReLU)
        self.l2_block = level(19, 64, 2)
        self.l3_block = level(131, 128, 8)
        self.l3_block["conv_last"] = cba(256, num_classes, act=nn.PReLU)
        self.decoder = nn.ModuleDict({
            "upconv_l3": Up(num_classes, num_classes, nn.PReLU),
            "conv_cat_l2": cba(131, num_classes, act=nn.ReLU),
            "conv_l2": Pyramid(2 * num_classes, num_classes),
            "upconv_l2": Up(num_classes, num_classes, nn.PReLU),
            "conv_cat_l1": cba(19, num_classes, act=nn.ReLU),
            "conv_l1": Pyramid(2 * num_classes, num_classes),
            "upconv_l1": Up(num_classes, num_classes, nn.ReLU),
        })  # fmt: skip

    def forward(self, image: Tensor) -> Tensor:
        x = self.l1_block(image)
        half = with_image(x, image)
        first = self.l2_block["conv1"](half)
        quarter = with_image(torch.cat([self.l2_block["layers"](first), first], 1), image)
        first = self.l3_block["conv1"](quarter)
        x = self.l3_block["conv_last"](torch.cat([self.l3_block["layers"](first), first], 1))
        decoder = self.decoder
        x = decoder["conv_l2"](torch.cat([decoder["upconv_l3"](x), decoder["conv_cat_l2"](quarter)], 1))
        x = decoder["conv_l1"](torch.cat([decoder["upconv_l2"](x), decoder["conv_cat_l1"](half)], 1))
        return decoder["upconv_l1"](x)


def level(inputs: int, outputs: int, repeats: int) -> nn.ModuleDict:
    """Make a strided module and those after it."""
    layers = nn.Sequential(*(Pyramid(outputs, outputs) for _ in range(repeats)))
    return nn.ModuleDict({"conv1": Pyramid(inputs, outputs, 2), "layers": layers})


def with_image(x: Tensor, image: Tensor) -> Tensor:
    return torch.cat([x, resized_to(image, x, align_corners=False)], 1)


def build(tensors: Mapping[str, Tensor]) -> ESPNet:
    """Make the network that a file was written for. K is read from the shapes."""
    return ESPNet(tensors["l3_block.conv_last.0.weight"].shape[0])
