"""FDDWNet: factorised dilated depthwise convolutions.

Source: Liu et al., "FDDWNet: A Lightweight Convolutional Neural Network for Real-time Semantic Segmentation", ICASSP
2020, arXiv 1911.00632: section 3, figures 1 and 2, table 1. H and W must be multiples of 8.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from .blocks import DownBlock, Up, cb, cba

__all__ = ["FDDWNet", "build"]

DILATIONS = (1, 2, 5, 9, 1, 2, 5, 9), (2, 5, 9, 17, 2, 5, 9, 17)


class Unit(nn.Module):
    """Two depthwise columns and rows, the second pair dilated, each before a 1x1 convolution; plus the input; ReLU."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            cb(channels, channels, (3, 1), groups=channels),
            cb(channels, channels, (1, 3), groups=channels),
            cba(channels, channels, act=nn.ReLU),
            cb(channels, channels, (3, 1), dilation=dilation, groups=channels),
            cb(channels, channels, (1, 3), dilation=dilation, groups=channels),
            cb(channels, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.conv(x)).relu_()


class FDDWNet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out, none below 0."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.layer1 = DownBlock(3, 16, nn.ReLU)
        self.layer2 = DownBlock(16, 64, nn.ReLU)
        self.layer3_7 = nn.Sequential(*(Unit(64) for _ in range(5)))
        self.layer8 = DownBlock(64, 128, nn.ReLU)
        self.layer9_16, self.layer17_24 = (
            nn.Sequential(*(Unit(128, dilation) for dilation in dilations)) for dilations in DILATIONS
        )
        self.layer25 = Up(128, 64, nn.ReLU)
        self.layer26_27 = nn.Sequential(Unit(64), Unit(64))
        self.layer28 = Up(64, 16, nn.ReLU)
        self.layer29_30 = nn.Sequential(Unit(16), Unit(16))
        self.layer31 = Up(16, num_classes, nn.ReLU)

    def forward(self, image: Tensor) -> Tensor:
        quarter = self.layer3_7(self.layer2(self.layer1(image)))
        x = self.layer17_24(self.layer9_16(self.layer8(quarter)))
        x = self.layer26_27(self.layer25(x)) + quarter
        return self.layer31(self.layer29_30(self.layer28(x)))


def build(tensors: Mapping[str, Tensor]) -> FDDWNet:
    """Make the network that a file was written for. K is read from the shapes."""
    return FDDWNet(tensors["layer31.up_conv.0.weight"].shape[1])
