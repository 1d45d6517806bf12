"""ESPNetv2: depthwise dilated pyramids between grouped 1x1 convolutions.

Source: Mehta et al., "ESPNetv2: A Light-weight, Power Efficient, and General Purpose Convolutional Neural Network",
CVPR 2019, arXiv 1811.11431: section 3 (the EESP unit and its strided form, figure 1 and 2). The decoder is in
edgenets.py. H and W must be multiples of 16.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from .blocks import BNAct, Conv, ConvBN, ConvBNAct, cumulated, shrunk_image
from .edgenets import Decoder, decoder_keys

__all__ = ["KEYS", "ESPNetv2", "build"]

GROUPS = 4
WIDE = (1, 2, 3, 4)
NARROW = (1, 1, 2, 3)  # at 1/16 no branch may see more than 7 pixels of the map: 4 becomes 1, and they are sorted

# Names in the files to names here.
KEYS = decoder_keys(
    ("bu_dec_l1", "bu_dec_l2", "bu_dec_l3", "bu_dec_l4"),
    ("merge_enc_dec_l2", "merge_enc_dec_l3", "merge_enc_dec_l4"),
    ("bu_br_l2", "bu_br_l3", "bu_br_l4"),
)


class Unit(nn.Module):
    """EESP: project in groups, apply four depthwise dilations, sum hierarchically, expand in groups."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, dilations: tuple[int, ...] = WIDE) -> None:
        super().__init__()
        width = outputs // 4
        self.strided, self.residual = stride > 1, inputs == outputs
        self.proj_1x1 = ConvBNAct(inputs, width, groups=GROUPS)
        self.spp_dw = nn.ModuleList(Conv(width, width, 3, stride, dilation, width) for dilation in dilations)
        self.br_after_cat = BNAct(outputs)
        self.conv_1x1_exp = ConvBN(outputs, outputs, groups=GROUPS)
        self.module_act = nn.PReLU(outputs)  # a strided unit has it too, but does not use it

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.proj_1x1(x)
        sums = cumulated(branch(reduced) for branch in self.spp_dw)
        expanded = self.conv_1x1_exp(self.br_after_cat(torch.cat(sums, 1)))
        if self.strided:
            return expanded
        return self.module_act(x + expanded if self.residual else expanded)


class DownUnit(nn.Module):
    """The pooled input and a strided unit, concatenated, plus the shrunk image."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.eesp = Unit(inputs, outputs - inputs, stride=2)
        self.inp_reinf = nn.Sequential(ConvBNAct(3, 3, 3), ConvBN(3, outputs))
        self.act = nn.PReLU(outputs)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        joint = torch.cat([avg_pool2d(x, 3, stride=2, padding=1), self.eesp(x)], 1)
        return self.act(joint + self.inp_reinf(image))


class Encoder(nn.Module):
    """The image to maps at 1/2, 1/4, 1/8 and 1/16 of H and W. channels: of these maps."""

    def __init__(self, channels: tuple[int, int, int, int]) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth = channels
        self.level1 = ConvBNAct(3, half, 3, 2)
        self.level2_0 = DownUnit(half, quarter)
        self.level3_0 = DownUnit(quarter, eighth)
        self.level3 = nn.Sequential(*(Unit(eighth, eighth) for _ in range(3)))
        self.level4_0 = DownUnit(eighth, sixteenth)
        self.level4 = nn.Sequential(*(Unit(sixteenth, sixteenth, dilations=NARROW) for _ in range(7)))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        half = self.level1(image)
        image = shrunk_image(image, 2)
        quarter = self.level2_0(half, image)
        image = shrunk_image(image, 1)
        eighth = self.level3(self.level3_0(quarter, image))
        sixteenth = self.level4(self.level4_0(eighth, shrunk_image(image, 1)))
        return half, quarter, eighth, sixteenth


class ESPNetv2(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out."""

    def __init__(self, channels: tuple[int, int, int, int], num_classes: int) -> None:
        super().__init__()
        self.base_net = Encoder(channels)
        self.decoder = Decoder(channels, num_classes)

    def forward(self, image: Tensor) -> Tensor:
        logits = self.decoder(*self.base_net(image))
        return interpolate(logits, image.shape[2:], mode="bilinear", align_corners=True)


def build(tensors: Mapping[str, Tensor]) -> ESPNetv2:
    """Make the network that a file was written for. Its width and K are read from the shapes."""
    half, quarter, eighth, sixteenth = (
        tensors[f"base_net.{name}.weight"].shape[0]
        for name in ("level1.conv", "level2_0.act", "level3_0.act", "level4_0.act")
    )
    return ESPNetv2((half, quarter, eighth, sixteenth), tensors["decoder.pyramids.3.merge_layer.3.weight"].shape[0])
