"""The all-MLP decoder of SegFormer (Xie et al. 2021, Section 3.2, Eq. 4), in the form that we run; and a port's head.

As written, each stage goes through its own linear map to D channels, is upsampled to 1/4, and a 1x1 convolution fuses
the 4 D channels. Up to the BatchNorm behind it all of this is linear, and a 1x1 map commutes with bilinear
upsampling, whose weights sum to one. With F_i the columns of the fusion that belong to stage i,

    sum_i F_i up(L_i x_i + b_i)  =  sum_i up((F_i L_i) x_i + F_i b_i).

So each stage is projected by the product F_i L_i at its own resolution, upsampled and added: the same function of the
same parameters, with no 4 D map at 1/4 resolution. The products are made on the fly, gradients and all. In evaluation
BatchNorm is linear too and goes into them; on a CPU stripes of rows are added, rectified and classified while they are
in its cache.

MMSegmentation trained its own models with a BatchNorm and a ReLU per stage in between, which forbids this.
"""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .order import by_cpu
from .resize import resize_rows

__all__ = ["AllMLPDecoder", "MMSegDecoder"]

STRIPE = 8  # rows of the map at 1/4 that are fused, rectified and classified at a time in evaluation on a CPU


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
        maps = self.fused_maps(features)
        height, width = maps[0].shape[2:]
        # In training BatchNorm needs the whole map, and dropout draws once for it.
        whole = self.norm.training or self.dropout.training or not by_cpu(self, maps[0])
        step = height if whole else STRIPE
        stripes = []
        for top in range(0, height, step):
            rows = range(top, min(top + step, height))
            fused = sum_of([resize_rows(mapped, rows, (height, width)) for mapped in maps])
            fused = functional.relu(self.norm(fused) if self.norm.training else fused, inplace=True)
            stripes.append(self.classify(self.dropout(fused)))
        return torch.cat(stripes, dim=2)

    def fused_maps(self, features: list[Tensor]) -> list[Tensor]:
        """Each stage times its F_i L_i, at its own resolution: (B, D, H_i, W_i), to be resized and added."""
        weight, shift = self.fuse.weight, torch.zeros_like(self.norm.bias)
        if not self.norm.training:  # its statistics are constants then, and BatchNorm is one more linear map
            mean, variance = cast(Tensor, self.norm.running_mean), cast(Tensor, self.norm.running_var)
            scale = self.norm.weight / (variance + self.norm.eps).sqrt()
            weight, shift = scale[:, None] * weight, self.norm.bias - scale * mean
        maps = []
        columns = weight.chunk(len(features), dim=1)[::-1]
        for feature, linear, column in zip(features, cast(Iterable[nn.Linear], self.project), columns, strict=True):
            bias = column @ linear.bias + shift / len(features)
            maps.append(functional.conv2d(feature, (column @ linear.weight)[:, :, None, None], bias))
        return maps


def sum_of(maps: list[Tensor]) -> Tensor:
    """Add maps up, the later ones into the first."""
    total, *others = maps
    total = total + others[0]
    for other in others[1:]:
        total += other
    return total


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
