"""The all-MLP decoder of SegFormer (Xie et al. 2021, Section 3.2, Eq. 4) in our form; MMSegmentation's head.

In the paper, a linear map projects each stage to D channels, each projection is upsampled to 1/4, and a 1x1 convolution
fuses the 4 D channels. All of this is linear up to the BatchNorm. A 1x1 map commutes with bilinear upsampling, because
the weights of the upsampling sum to one. Let F_i be the columns of the fusion that belong to stage i. Then

    sum_i F_i up(L_i x_i + b_i)  =  sum_i up((F_i L_i) x_i + F_i b_i).

So the product F_i L_i projects each stage at its own resolution, and the results are upsampled and added. This is the
same function of the same parameters, without a map of 4 D channels at 1/4 resolution. Every pass computes the products,
and gradients flow through them. In evaluation BatchNorm is linear too and is folded into the products; on a CPU the
first stage is projected, and the maps are added, rectified and classified, in stripes of rows that fit into the cache.

MMSegmentation's head has a BatchNorm and a ReLU after each projection, so this rewriting does not apply to it.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .order import by_cpu
from .resize import resize_rows

__all__ = ["AllMLPDecoder", "MMSegDecoder"]

STRIPE_VALUES = 2**20  # of the map of D channels at 1/4 that is held at a time in evaluation on a CPU: 4 MiB


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
        first, *others = features
        (weight, bias), *products = self.products()
        maps = [functional.conv2d(feature, *product) for feature, product in zip(others, products, strict=True)]
        batch, _, height, width = first.shape
        # In training BatchNorm needs the whole map, and dropout draws once for the whole map.
        whole = self.norm.training or self.dropout.training or not by_cpu(self, first)
        step = height if whole else max(1, STRIPE_VALUES // (batch * width * len(bias)))
        stripes = []
        for top in range(0, height, step):
            rows = range(top, min(top + step, height))
            fused = functional.conv2d(first[:, :, rows.start : rows.stop], weight, bias)
            for mapped in maps:
                fused += resize_rows(mapped, rows, (height, width))
            fused = functional.relu(self.norm(fused) if self.norm.training else fused, inplace=True)
            stripes.append(self.classify(self.dropout(fused)))
        return torch.cat(stripes, dim=2)

    def products(self) -> list[tuple[Tensor, Tensor]]:
        """Multiply F_i L_i for each stage: the kernel (D, C_i, 1, 1) and the bias (D,) that project it."""
        weight, shift = self.fuse.weight, torch.zeros_like(self.norm.bias)
        if not self.norm.training:  # BatchNorm's statistics are constants, so BatchNorm is one more linear map
            mean, variance = cast(Tensor, self.norm.running_mean), cast(Tensor, self.norm.running_var)
            scale = self.norm.weight / (variance + self.norm.eps).sqrt()
            weight, shift = scale[:, None] * weight, self.norm.bias - scale * mean
        layers = [cast(nn.Linear, layer) for layer in self.project]
        columns = weight.chunk(len(layers), dim=1)[::-1]
        return [
            ((column @ layer.weight)[:, :, None, None], column @ layer.bias + shift / len(layers))
            for layer, column in zip(layers, columns, strict=True)
        ]


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
