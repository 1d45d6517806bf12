"""The all-MLP decoder of SegFormer (Xie et al. 2021, Section 3.2, Eq. 4), in the form that we run; and a port's head.

As written, each stage goes through its own linear map to D channels, is upsampled to 1/4, and a 1x1 convolution fuses
the 4 D channels. Up to the BatchNorm behind it all of this is linear, and a 1x1 map commutes with bilinear
upsampling, whose weights sum to one. With F_i the columns of the fusion that belong to stage i,

    sum_i F_i up(L_i x_i + b_i)  =  sum_i up((F_i L_i) x_i + F_i b_i).

So each stage is projected by the product F_i L_i at its own resolution, upsampled and added: the same function of the
same parameters, with no 4 D map at 1/4 resolution. The products are made on the fly, gradients and all.

MMSegmentation trained its own models with a BatchNorm and a ReLU per stage in between, which forbids this.
"""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["AllMLPDecoder", "MMSegDecoder"]


class AllMLPDecoder(nn.Module):
    """Four maps ─▶ logits at the resolution of the first.

    widths: channels of the four maps. width: D. dropout: rate of whole channels before the classifier.
    """

    def __init__(self, widths: tuple[int, ...], width: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Linear(channels, width) for channels in widths)
        self.fuse = nn.Linear(len(widths) * width, width, bias=False)  # columns: stage 4, 3, 2, 1, as released
        self.norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout2d(dropout)
        self.classify = nn.Conv2d(width, num_classes, 1)

    def forward(self, features: list[Tensor]) -> Tensor:
        """(B, C_i, H_i, W_i) of the four stages ─▶ logits (B, num_classes, H_1, W_1)."""
        size = features[0].shape[2:]
        columns = self.fuse.weight.chunk(len(features), dim=1)[::-1]
        maps = []
        for feature, linear, column in zip(features, cast(Iterable[nn.Linear], self.project), columns, strict=True):
            mapped = functional.conv2d(feature, (column @ linear.weight)[:, :, None, None], column @ linear.bias)
            if mapped.shape[2:] != size:
                mapped = functional.interpolate(mapped, size, mode="bilinear", align_corners=False)
            maps.append(mapped)
        fused = maps[0] + maps[1] + maps[2] + maps[3]
        logits: Tensor = self.classify(self.dropout(functional.relu(self.norm(fused))))
        return logits


class MMSegDecoder(nn.Module):
    """The head of MMSegmentation's port (>= 0.20), another function than Eq. 4: each stage is normalised and rectified.

    Four maps ─▶ logits at the resolution of the first. widths: channels of the four maps. width: of the fused map.
    dropout: rate of whole channels before the classifier.
    """

    def __init__(self, widths: tuple[int, ...], width: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Conv2d(channels, width, 1, bias=False) for channels in widths)
        self.project_norm = nn.ModuleList(nn.BatchNorm2d(width) for _ in widths)
        self.fuse = nn.Conv2d(len(widths) * width, width, 1, bias=False)  # columns: stage 1, 2, 3, 4
        self.norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout2d(dropout)
        self.classify = nn.Conv2d(width, num_classes, 1)

    def forward(self, features: list[Tensor]) -> Tensor:
        """(B, C_i, H_i, W_i) of the four stages ─▶ logits (B, num_classes, H_1, W_1)."""
        size = features[0].shape[2:]
        maps = []
        for feature, project, norm in zip(features, self.project, self.project_norm, strict=True):
            projected = functional.relu(norm(project(feature)))
            maps.append(functional.interpolate(projected, size, mode="bilinear", align_corners=False))
        fused = functional.relu(self.norm(self.fuse(torch.cat(maps, dim=1))))
        logits: Tensor = self.classify(self.dropout(fused))
        return logits
