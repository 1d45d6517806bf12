"""Decide when to compute in stripes, and linear maps as convolutions: the same function in another order."""

import torch
from torch import Tensor, nn

__all__ = ["by_cpu"]


def by_cpu(module: nn.Module, x: Tensor) -> bool:
    """Whether to compute in the order that suits a CPU's caches; gradients and compilers need whole maps."""
    return x.device.type == "cpu" and not module.training and not torch.compiler.is_compiling()
