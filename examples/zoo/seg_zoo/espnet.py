"""ESPNet: a spatial pyramid of dilated convolutions in every block.

Source: Mehta et al., "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions for Semantic Segmentation", ECCV 2018,
arXiv 1803.06815: section 3 (the module, hierarchical feature fusion), figure 4 (the network with its light decoder).

K classes; p = 2 blocks at 1/4 and q blocks at 1/8 of H and W, which must be multiples of 8.
"""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn

from . import blocks
from .blocks import Conv, cumulated, doubling, shrunk_image

__all__ = ["ESPNet", "Encoder", "build", "count_blocks"]

EPS = 1e-3
BNAct, ConvBNAct = partial(blocks.BNAct, eps=EPS), partial(blocks.ConvBNAct, eps=EPS)
DILATIONS = (2, 4, 8, 16)
MakeBlock = Callable[[int, int], nn.Module]


class Pyramid(nn.Module):
    """Reduce, apply five dilations in parallel, sum hierarchically, concatenate (paper, figure 1).

    The undilated branch takes the channels that do not divide by five. It is not part of the sums.
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
        sums = cumulated(getattr(self, f"d{dilation}")(reduced) for dilation in DILATIONS)
        return torch.cat([self.d1(reduced), *sums], 1)


class DownBlock(Pyramid):
    """The pyramid with half of H and W."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, kernel=3, stride=2)
        self.bn = nn.BatchNorm2d(outputs, eps=EPS)
        self.act = nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.merged(x)))


class Block(Pyramid):
    """The pyramid with the same H and W, and a residual if the channels allow it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.residual = inputs == outputs
        self.bn = BNAct(outputs)

    def forward(self, x: Tensor) -> Tensor:
        merged = self.merged(x)
        return self.bn(x + merged if self.residual else merged)


class Encoder(nn.Module):
    """The image to K maps at 1/8. Each level also receives the shrunk image.

    q: blocks at 1/8. stem: channels at 1/2. make_down, make_block: of (inputs, outputs). shrink: of (image, times).
    """

    def __init__(
        self,
        num_classes: int,
        q: int,
        *,
        stem: int = 16,
        make_down: MakeBlock = DownBlock,
        make_block: MakeBlock = Block,
        shrink: Callable[[Tensor, int], Tensor] = shrunk_image,
    ) -> None:
        super().__init__()
        self.shrink = shrink
        self.level1 = ConvBNAct(3, stem, 3, 2)
        self.b1 = BNAct(stem + 3)
        self.level2_0 = make_down(stem + 3, 64)
        self.level2 = nn.Sequential(*(make_block(64, 64) for _ in range(2)))
        self.b2 = BNAct(131)
        self.level3_0 = make_down(131, 128)
        self.level3 = nn.Sequential(*(make_block(128, 128) for _ in range(q)))
        self.b3 = BNAct(256)
        self.classifier = Conv(256, num_classes)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return five maps: at 1/2 (stem; stem + 3 with the image), at 1/4 (64; 131 with the rest), at 1/8 (K)."""
        half = self.level1(image)
        half_and_image = self.b1(torch.cat([half, self.shrink(image, 1)], 1))
        first = self.level2_0(half_and_image)
        quarter = self.level2(first)
        joint = self.b2(torch.cat([quarter, first, self.shrink(image, 2)], 1))
        first = self.level3_0(joint)
        eighth = self.classifier(self.b3(torch.cat([first, self.level3(first)], 1)))  # here the first map comes first
        return half, half_and_image, quarter, joint, eighth


class ESPNet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out.

    skip: channels of the map at 1/2 that the decoder receives: 16 without the shrunk image, 19 with it.
    """

    def __init__(self, num_classes: int, encoder: Encoder, skip: int, make_block: MakeBlock = Block) -> None:
        super().__init__()
        if skip not in (16, 19):
            raise ValueError(f"skip must be 16 or 19 channels, got {skip}")
        self.skip_image = skip == 19
        self.encoder = encoder
        self.br = nn.BatchNorm2d(num_classes, eps=EPS)
        self.up_l3 = nn.Sequential(doubling(num_classes))
        self.level3_C = Conv(131, num_classes)
        self.combine_l2_l3 = nn.Sequential(BNAct(2 * num_classes), make_block(2 * num_classes, num_classes))
        self.up_l2 = nn.Sequential(doubling(num_classes), BNAct(num_classes))
        self.conv = ConvBNAct(num_classes + skip, num_classes, 3)
        self.classifier = doubling(num_classes)

    def forward(self, image: Tensor) -> Tensor:
        half, half_and_image, _, joint, eighth = self.encoder(image)
        x = torch.cat([self.level3_C(joint), self.up_l3(self.br(eighth))], 1)
        x = self.up_l2(self.combine_l2_l3(x))
        x = self.conv(torch.cat([x, half_and_image if self.skip_image else half], 1))
        return self.classifier(x)


def build(tensors: Mapping[str, Tensor]) -> ESPNet:
    """Make the network that a file was written for. K, q and the skip are read from the shapes."""
    num_classes, joint = tensors["conv.conv.weight"].shape[:2]
    encoder = Encoder(num_classes, count_blocks(tensors, "encoder.level3."))
    return ESPNet(num_classes, encoder, joint - num_classes)


def count_blocks(tensors: Mapping[str, Tensor], prefix: str) -> int:
    """Count the blocks of a list: keys are the prefix, the index of a block, a dot, and more."""
    return len({key.removeprefix(prefix).partition(".")[0] for key in tensors if key.startswith(prefix)})
