"""AdamW with linear warm-up and polynomial decay (Xie et al. 2021, Section 4.1)."""

import torch
from torch import nn

from .recipe import Recipe

__all__ = ["make_optimizer", "rate_at", "set_rate"]


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Make AdamW. Norms, biases and positional encodings have no weight decay; the decoder's rate has a factor."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        decay = 0.0 if parameter.ndim <= 1 or name.endswith("position.map") else recipe.weight_decay
        factor = 1.0 if ".encoder." in f".{name}" else recipe.decoder_rate_factor
        groups.setdefault((decay, factor), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": p, "weight_decay": decay, "factor": factor} for (decay, factor), p in groups.items()],
        lr=recipe.learning_rate,
        fused=True,
    )


def rate_at(recipe: Recipe, step: int) -> float:
    """Compute the learning rate of iteration `step` (from 0): linear warm-up times polynomial decay."""
    warm = min(1.0, (step + 1) / recipe.warmup) if recipe.warmup else 1.0
    decayed: float = (1 - step / recipe.iterations) ** recipe.power
    return recipe.learning_rate * warm * decayed


def set_rate(optimizer: torch.optim.Optimizer, recipe: Recipe, step: int) -> float:
    """Set the learning rate of iteration `step` in every group. Returns the encoder's rate."""
    rate = rate_at(recipe, step)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
    return rate
