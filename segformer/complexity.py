"""Count parameters and multiply-accumulates (MACs) of a network and of its modules, without running it on data.

A MAC is one product and the addition of it. The paper's "FLOPs" are MACs (Xie et al. 2021, Tables 1a, 2, 7). The count
includes convolutions and all matrix products: linear maps, and Q K^T and A V of attention. It excludes biases, norms,
activations, softmax and resizing. torch's counter reads the shapes that pass through a copy of the network on the meta
device. That device stores shapes without values, so a count takes no memory and is exact at any input size.

The decoder has two counts. `complexity` counts the form that we run (see decoder.py). It includes the product of the
weight matrices, which every pass computes. `complexity_as_published` counts the form in the paper, for which the paper
states the cost. Both forms give the same logits.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import SegFormerConfig
from .decoder import AllMLPDecoder
from .model import SegFormer
from .shapes import KnownShapes

__all__ = ["Complexity", "Cost", "PublishedDecoder", "complexity", "complexity_as_published", "count"]

FLOPS_PER_MAC = 2  # torch's counter counts the product and the addition separately


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of one module with its submodules.

    parameters: trainable and frozen, each counted once. macs: multiply-accumulates of one forward pass.
    """

    parameters: int
    macs: int


@dataclass(frozen=True, kw_only=True)
class Complexity(Cost):
    """The cost of a whole network, and of each module under its path, such as "encoder.stages.0.embed".

    The decoder multiplies by the weights of its linear maps without calling them. Therefore these MACs count for the
    decoder, and the parameters for the linear maps.
    """

    modules: Mapping[str, Cost]


def complexity(network: nn.Module, size: tuple[int, int]) -> Complexity:
    """Count any network that takes images, for one RGB image of `size` = (height, width) in pixels.

    Weights, mode, device and dtype of the network do not matter and do not change. Raises what the network raises for
    an image of that size.
    """
    return count(network, torch.empty(1, 3, *size, device="meta"))


def complexity_as_published(config: SegFormerConfig, size: tuple[int, int]) -> Complexity:
    """Count a SegFormer with the decoder as its authors write it, for one image of `size` = (height, width).

    The decoder is the paper's Eq. 4, or MMSegmentation's head if the configuration names it.
    """
    with torch.device("meta"):
        network = SegFormer(config)
        if config.decoder == "mlp":
            network.decoder = PublishedDecoder(config.widths, config.decoder_width, config.num_classes, config.dropout)
    return complexity(network, size)


def count(network: nn.Module, *inputs: Any) -> Complexity:
    """Count any module for the given arguments. Tensors among them are float32 on the meta device.

    Raises NotImplementedError or RuntimeError for a module with control flow that depends on tensor values.
    """
    from torch.utils.flop_counter import FlopCounterMode  # it imports Triton

    shadow = copy_to_meta(network)
    counter = FlopCounterMode(display=False, custom_mapping={torch.ops.aten.mv: flops_of_mv})
    with torch.no_grad(), torch.device("meta"), KnownShapes(), counter:  # type: ignore[no-untyped-call]
        shadow(*inputs)
    flops = {path: sum(by_operation.values()) for path, by_operation in counter.get_flop_counts().items()}
    root = type(shadow).__name__  # the counter's paths begin with the class of the outermost module
    modules = {
        path: Cost(parameters=parameters_of(module), macs=flops.get(f"{root}.{path}", 0) // FLOPS_PER_MAC)
        for path, module in shadow.named_modules()
        if path
    }
    macs = counter.get_total_flops() // FLOPS_PER_MAC
    return Complexity(parameters=parameters_of(shadow), macs=macs, modules=modules)


def parameters_of(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def copy_to_meta(network: nn.Module) -> nn.Module:
    """Copy a module in eval mode, with float32 parameters and buffers on the meta device."""
    memo: dict[int, Any] = {}  # deepcopy treats these as copied already
    for parameter in network.parameters():
        memo[id(parameter)] = nn.Parameter(torch.empty_like(parameter, device="meta"), requires_grad=False)
    for buffer in network.buffers():
        memo[id(buffer)] = torch.empty_like(buffer, device="meta")
    return copy.deepcopy(network, memo).eval().float()


def flops_of_mv(matrix: tuple[int, int], *_: Any, **__: Any) -> int:
    """Count the FLOPs of matrix times vector, which torch's counter omits."""
    return FLOPS_PER_MAC * matrix[0] * matrix[1]


class PublishedDecoder(AllMLPDecoder):
    """The all-MLP decoder as in the paper (Section 3.2, Eq. 4): the same parameters and function, at a higher cost.

    Each stage is projected to D channels and upsampled to 1/4; the 4 D channels are fused, then classified.
    """

    def forward(self, features: list[Tensor]) -> Tensor:
        """(B, C_i, H_i, W_i) of the four stages ─▶ logits (B, num_classes, H_1, W_1)."""
        size = features[0].shape[2:]
        maps = []
        for feature, linear in zip(features, self.project, strict=True):
            projected = linear(feature.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)  # (B, D, H_i, W_i)
            maps.append(functional.interpolate(projected, size, mode="bilinear", align_corners=False))
        concatenated = torch.cat(maps[::-1], dim=1)  # (B, 4 D, H_1, W_1), stage 4 first, as released
        fused = self.fuse(concatenated.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)  # (B, D, H_1, W_1)
        logits: Tensor = self.classify(self.dropout(functional.relu(self.norm(fused))))
        return logits
