"""The all-MLP decoder of SegFormer (Xie et al. 2021, Section 3.2, Eq. 4) in our form; MMSegmentation's head.

In the paper, a linear map projects each stage to D channels, each projection is upsampled to 1/4, and a 1x1 convolution
fuses the 4 D channels. All of this is linear up to the BatchNorm. A 1x1 map commutes with bilinear upsampling, because
the weights of the upsampling sum to one. Let F_i be the columns of the fusion that belong to stage i. Then

    sum_i F_i up(L_i x_i + b_i)  =  sum_i up((F_i L_i) x_i + F_i b_i).

So the product F_i L_i projects each stage at its own resolution, and the results are upsampled and added. This is the
same function of the same parameters, without a map of 4 D channels at 1/4 resolution. Every pass computes the products,
and gradients flow through them. In evaluation BatchNorm is linear too and is folded into the products; on a CPU the
maps are added, rectified and classified in stripes of rows that fit into the cache.

MMSegmentation's head has a BatchNorm and a ReLU after each projection, so this rewriting does not apply to it.
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

    widths: channels of the four maps. width: D. dropout: rate at which channels are dropped before the classifier.
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
        # In training BatchNorm needs the whole map, and dropout draws once for the whole map.
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
        """Multiply each stage by F_i L_i at its own resolution: (B, D, H_i, W_i), still to be resized and added."""
        weight, shift = self.fuse.weight, torch.zeros_like(self.norm.bias)
        if not self.norm.training:  # BatchNorm's statistics are constants, so BatchNorm is one more linear map
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
    """Add maps up; all but the first addition are in place."""
    total, *others = maps
    total = total + others[0]
    for other in others[1:]:
        total += other
    return total


class MMSegDecoder(nn.Module):
    """MMSegmentation's head (>= 0.20). It is not Eq. 4, because it normalises and rectifies each stage.

    Four maps ─▶ logits at the resolution of the first. widths: channels of the four maps. width: channels of the fused
    map. dropout: rate at which whole channels are dropped before the classifier.
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
