"""DABNet: modules of two asymmetric depthwise branches, one of them dilated.

Source: Li et al., "DABNet: Depth-wise Asymmetric Bottleneck for Real-time Semantic Segmentation", BMVC 2019, arXiv
1907.11357: section 3, figure 2, table 1. Any H and W.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..blocks import convolution, shrunk_image
from .blocks import DownBlock, cba, resized_to

__all__ = ["DABNet", "build"]


def asymmetric(channels: int, dilation: int) -> nn.Sequential:
    """Make a depthwise column and row."""
    return nn.Sequential(
        *(
            cba(channels, channels, kernel, dilation=dilation, groups=channels, act=nn.PReLU)
            for kernel in ((3, 1), (1, 3))
        )
    )


class Module(nn.Module):
    """Reduce, the sum of a plain and a dilated branch, expand, plus the input."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        half = channels // 2
        self.init_conv = cba(channels, half, 3, act=nn.PReLU)
        self.left_branch = asymmetric(half, 1)
        self.right_branch = asymmetric(half, dilation)
        self.last_conv = cba(half, channels, act=nn.PReLU)

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.init_conv(x)
        joint = self.left_branch(reduced) + self.right_branch(reduced)
        return x + self.last_conv(joint)


class DABNet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.layer1 = cba(3, 32, 3, 2, act=nn.PReLU)
        self.layer2 = cba(32, 32, 3, act=nn.PReLU)
        self.layer3 = cba(32, 32, 3, act=nn.PReLU)
        self.layer4 = DownBlock(35, 64, nn.PReLU)
        self.layer5_7 = nn.Sequential(*(Module(64, 2) for _ in range(3)))
        self.layer8 = cba(131, 128, 3, 2, act=nn.PReLU)
        self.layer9_10 = nn.Sequential(Module(128, 4), Module(128, 4))
        self.layer11_12 = nn.Sequential(Module(128, 8), Module(128, 8))
        self.layer13_14 = nn.Sequential(Module(128, 16), Module(128, 16))
        self.layer15 = convolution(259, num_classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(image)))
        first = self.layer4(torch.cat([x, shrunk_image(image, 1)], 1))
        x = torch.cat([self.layer5_7(first), first, shrunk_image(image, 2)], 1)
        first = self.layer8(x)
        x = self.layer13_14(self.layer11_12(self.layer9_10(first)))
        x = self.layer15(torch.cat([x, first, shrunk_image(image, 3)], 1))
        return resized_to(x, image)


def build(tensors: Mapping[str, Tensor]) -> DABNet:
    """Make the network that a file was written for. K is read from the shapes."""
    return DABNet(tensors["layer15.weight"].shape[0])
