"""CGNet: blocks that combine a local feature, its surroundings and a gate from the whole map.

Source: Wu et al., "CGNet: A Light-weight Context Guided Network for Semantic Segmentation", IEEE TIP 2021, arXiv
1811.08201: section III. Here M = 3, N = 15, and the blocks carry the stride. H and W must be multiples of 8.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..blocks import convolution
from .blocks import bn_act, cba, resized_to

__all__ = ["CGNet", "build"]


class Block(nn.Module):
    """A context guided block, with a residual if input and output have the same shape."""

    def __init__(self, inputs: int, outputs: int, dilation: int, stride: int = 1) -> None:
        super().__init__()
        half = outputs // 2
        self.residual = inputs == outputs and stride == 1
        self.conv = convolution(inputs, half)
        self.loc = convolution(half, half, 3, stride, groups=half)
        self.sur = convolution(half, half, 3, stride, dilation, groups=half)
        self.joi = bn_act(outputs, nn.PReLU)
        self.glo = nn.Sequential(nn.Linear(outputs, outputs // 8), nn.Linear(outputs // 8, outputs))

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.conv(x)
        joint = self.joi(torch.cat([self.loc(reduced), self.sur(reduced)], 1))
        gate = self.glo(joint.mean((2, 3))).sigmoid()[:, :, None, None]
        return x + joint * gate if self.residual else joint * gate


class CGNet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.stage1 = nn.ModuleDict({
            "conv0": cba(3, 32, 3, 2, act=nn.PReLU),
            "conv1": cba(32, 32, 3, act=nn.PReLU),
            "conv2": cba(32, 32, 3, act=nn.PReLU),
        })  # fmt: skip
        self.stage2_down = Block(64, 64, dilation=2, stride=2)
        self.stage2 = nn.Sequential(Block(67, 64, dilation=2), Block(64, 64, dilation=2))
        self.stage3_down = Block(128, 128, dilation=4, stride=2)
        self.stage3 = nn.Sequential(Block(131, 128, dilation=4), *(Block(128, 128, dilation=4) for _ in range(13)))
        self.seg_head = convolution(256, num_classes)

    def forward(self, image: Tensor) -> Tensor:
        first = self.stage1["conv0"](image)
        x = torch.cat([self.stage1["conv2"](self.stage1["conv1"](first)), first], 1)
        first = self.stage2_down(x)
        x = torch.cat([self.stage2(torch.cat([first, resized_to(image, first)], 1)), first], 1)
        first = self.stage3_down(x)
        x = torch.cat([self.stage3(torch.cat([first, resized_to(image, first)], 1)), first], 1)
        return resized_to(self.seg_head(x), image)


def build(tensors: Mapping[str, Tensor]) -> CGNet:
    """Make the network that a file was written for. K is read from the shapes."""
    return CGNet(tensors["seg_head.weight"].shape[0])
