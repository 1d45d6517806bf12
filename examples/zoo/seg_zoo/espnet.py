"""ESPNet: a spatial pyramid of dilated convolutions in every block.

Source: Mehta et al., "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions for Semantic Segmentation", ECCV 2018,
arXiv 1803.06815: section 3 (the module, hierarchical feature fusion), figure 4 (the network with its light decoder).

K classes; p blocks at 1/4 and q blocks at 1/8 of the sides, which must be multiples of 8.
"""

import torch
from torch import Tensor, nn

from .blocks import BNAct, Conv, ConvBNAct, shrunk_image

__all__ = ["ESPNet"]

EPS = 1e-3
DILATIONS = (2, 4, 8, 16)


class Pyramid(nn.Module):
    """Reduce, transform by five dilations in parallel, sum hierarchically, concatenate (paper, figure 1).

    The first, undilated branch takes the channels that do not divide by five, and is not part of the sums.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        width = outputs // 5
        self.c1 = Conv(inputs, width, kernel, stride)
        self.d1 = Conv(width, outputs - 4 * width, 3)
        for dilation in DILATIONS:
            setattr(self, f"d{dilation}", Conv(width, width, 3, dilation=dilation))

    def merged(self, x: Tensor) -> Tensor:
        reduced = self.c1(x)
        branches = [self.d1(reduced)]
        total: Tensor | float = 0.0
        for dilation in DILATIONS:
            total = getattr(self, f"d{dilation}")(reduced) + total
            branches.append(total)
        return torch.cat(branches, 1)


class DownBlock(Pyramid):
    """The pyramid at half the sides."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, kernel=3, stride=2)
        self.bn = nn.BatchNorm2d(outputs, eps=EPS)
        self.act = nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.merged(x)))  # type: ignore[no-any-return]


class Block(Pyramid):
    """The pyramid at the same sides, with a residual where the channels allow it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.residual = inputs == outputs
        self.bn = BNAct(outputs, EPS)

    def forward(self, x: Tensor) -> Tensor:
        merged = self.merged(x)
        return self.bn(x + merged if self.residual else merged)  # type: ignore[no-any-return]


class Encoder(nn.Module):
    """The image to K maps at 1/8; each level is fed the shrunk image once more."""

    def __init__(self, num_classes: int, q: int, p: int = 2) -> None:
        super().__init__()
        self.level1 = ConvBNAct(3, 16, 3, 2)
        self.b1 = BNAct(19, EPS)
        self.level2_0 = DownBlock(19, 64)
        self.level2 = nn.ModuleList(Block(64, 64) for _ in range(p))
        self.b2 = BNAct(131, EPS)
        self.level3_0 = DownBlock(131, 128)
        self.level3 = nn.ModuleList(Block(128, 128) for _ in range(q))
        self.b3 = BNAct(256, EPS)
        self.classifier = Conv(256, num_classes)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give the maps at 1/2 (16 channels; 19 with the image), at 1/4 (131 channels) and at 1/8 (K channels)."""
        half = self.level1(image)
        half_and_image = self.b1(torch.cat([half, shrunk_image(image, 1)], 1))
        first = x = self.level2_0(half_and_image)
        for block in self.level2:
            x = block(x)
        quarter = self.b2(torch.cat([x, first, shrunk_image(image, 2)], 1))
        first = x = self.level3_0(quarter)
        for block in self.level3:
            x = block(x)
        eighth = self.classifier(self.b3(torch.cat([first, x], 1)))  # here the first map comes first
        return half, half_and_image, quarter, eighth


class ESPNet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out.

    skip: channels of the map at 1/2 that reaches the decoder: 16 without the shrunk image, 19 with it.
    """

    def __init__(self, num_classes: int, q: int, skip: int) -> None:
        super().__init__()
        if skip not in (16, 19):
            raise ValueError(f"skip must be 16 or 19 channels, got {skip}")
        self.skip_image = skip == 19
        self.encoder = Encoder(num_classes, q)
        self.br = nn.BatchNorm2d(num_classes, eps=EPS)
        self.up_l3 = nn.Sequential(doubling(num_classes))
        self.level3_C = Conv(131, num_classes)
        self.combine_l2_l3 = nn.Sequential(BNAct(2 * num_classes, EPS), Block(2 * num_classes, num_classes))
        self.up_l2 = nn.Sequential(doubling(num_classes), BNAct(num_classes, EPS))
        self.conv = ConvBNAct(num_classes + skip, num_classes, 3)
        self.classifier = doubling(num_classes)

    def forward(self, image: Tensor) -> Tensor:
        half, half_and_image, quarter, eighth = self.encoder(image)
        x = torch.cat([self.level3_C(quarter), self.up_l3(self.br(eighth))], 1)
        x = self.up_l2(self.combine_l2_l3(x))
        x = self.conv(torch.cat([x, half_and_image if self.skip_image else half], 1))
        return self.classifier(x)  # type: ignore[no-any-return]


def doubling(channels: int) -> nn.ConvTranspose2d:
    """Make a transposed convolution that doubles the sides."""
    return nn.ConvTranspose2d(channels, channels, 2, stride=2, bias=False)
