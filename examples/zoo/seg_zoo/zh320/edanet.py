"""EDANet: densely connected modules of asymmetric convolutions.

Source: Lo et al., "Efficient Dense Modules of Asymmetric Convolution for Real-Time Semantic Segmentation", 2018, arXiv
1809.06323: section 3, figure 2, table 1. H and W must be multiples of 8.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from ..blocks import convolution
from .blocks import bn_act, cba, resized_to

__all__ = ["EDANet", "build"]

GROWTH = 40


class Down(nn.Module):
    """A convolution and a maximum with half of H and W, concatenated, then BatchNorm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = convolution(inputs, outputs - inputs, 3, 2)
        self.bn_act = bn_act(outputs, nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn_act(torch.cat([self.conv(x), max_pool2d(x, 2)], 1))


class Module(nn.Module):
    """40 new channels before the input's."""

    def __init__(self, inputs: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            cba(inputs, GROWTH, act=nn.ReLU),
            convolution(GROWTH, GROWTH, (3, 1)),
            cba(GROWTH, GROWTH, (1, 3), act=nn.ReLU),
            convolution(GROWTH, GROWTH, (3, 1), dilation=dilation),
            cba(GROWTH, GROWTH, (1, 3), dilation=dilation, act=nn.ReLU),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.conv(x), x], 1)


def dense_block(inputs: int, dilations: tuple[int, ...]) -> nn.ModuleDict:
    modules = (Module(inputs + GROWTH * index, dilation) for index, dilation in enumerate(dilations))
    return nn.ModuleDict({"layers": nn.Sequential(*modules)})


class EDANet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.stage1 = Down(3, 15)
        self.stage2_d = Down(15, 60)
        self.stage2 = dense_block(60, (1, 1, 1, 2, 2))
        self.stage3_d = cba(260, 130, 3, 2, act=nn.ReLU)
        self.stage3 = dense_block(130, (2, 2, 4, 4, 8, 8, 16, 16))
        self.project = convolution(450, num_classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.stage2["layers"](self.stage2_d(self.stage1(image)))
        x = self.stage3["layers"](self.stage3_d(x))
        return resized_to(self.project(x), image)


def build(tensors: Mapping[str, Tensor]) -> EDANet:
    """Make the network that a file was written for. K is read from the shapes."""
    return EDANet(tensors["project.weight"].shape[0])
