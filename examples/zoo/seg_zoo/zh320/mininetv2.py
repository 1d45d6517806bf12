"""MiniNet-v2: separable modules of two dilations, and a second short path from the image.

Source: Alonso et al., "MiniNet: An Efficient Semantic Segmentation ConvNet for Real-Time Robotic Applications", IEEE
Transactions on Robotics, 2020. H and W must be multiples of 8.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from .blocks import Activation, DownBlock, Up, cba, resized_to

__all__ = ["MiniNetV2", "build"]

DILATIONS = (1, 2, 1, 4, 1, 8, 1, 16, 1, 1, 1, 2, 1, 4, 1, 8)


class Module(nn.Module):
    """A depthwise convolution, plus a dilated one, then a 1x1 convolution with bias. No residual."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.dw_conv = cba(channels, channels, 3, groups=channels, act=nn.ReLU)
        self.ddw_conv = None
        if dilation > 1:
            self.ddw_conv = cba(channels, channels, 3, dilation=dilation, groups=channels, act=nn.ReLU)
        self.pw_conv = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels), Activation(nn.ReLU))

    def forward(self, x: Tensor) -> Tensor:
        joint = self.dw_conv(x)
        if self.ddw_conv is not None:
            joint = joint + self.ddw_conv(x)
        return self.pw_conv(joint)


class MiniNetV2(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out, none below 0."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.d1_2 = to_quarter()
        self.m1_10 = nn.Sequential(*(Module(64) for _ in range(10)))
        self.d3 = DownBlock(64, 128, nn.ReLU)
        self.feature_extractor = nn.Sequential(*(Module(128, dilation) for dilation in DILATIONS))
        self.up1 = Up(128, 64, nn.ReLU)
        self.ref = to_quarter()
        self.m26_29 = nn.Sequential(*(Module(64) for _ in range(4)))
        self.output = Up(64, num_classes, nn.ReLU)

    def forward(self, image: Tensor) -> Tensor:
        x = self.feature_extractor(self.d3(self.m1_10(self.d1_2(image))))
        x = self.m26_29(self.up1(x) + self.ref(image))
        return resized_to(self.output(x), image)


def to_quarter() -> nn.Sequential:
    return nn.Sequential(DownBlock(3, 16, nn.ReLU), DownBlock(16, 64, nn.ReLU))


def build(tensors: Mapping[str, Tensor]) -> MiniNetV2:
    """Make the network that a file was written for. K is read from the shapes."""
    return MiniNetV2(tensors["output.up_conv.0.weight"].shape[1])
