"""Prepare a network for inference: BatchNorm folded into convolutions, activations in place, channels stored last."""

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["fold"]

Convolution = nn.Conv2d | nn.ConvTranspose2d
SIDES = 128, 128  # of the smallest image that all networks take
ROUNDING = 1e-3  # of the largest logit


def fold(network: nn.Module) -> nn.Module:
    """Fold each BatchNorm that reads a convolution's output into that convolution, in place. Returns the network.

    The logits stay the same up to rounding. The pairs are found by running the network once, on the smallest image that
    all networks take; the new weights are computed in float64. Raises ValueError if the logits do not stay the same, as
    where something else reads a convolution's output, too.
    """
    image = torch.rand(1, 3, *SIDES, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        before = network(image)
    names = {module: name for name, module in network.named_modules()}
    for convolution, norm in pairs(network):
        transposed = isinstance(convolution, nn.ConvTranspose2d)
        fused = fuse_conv_bn_eval(convolution.double(), norm.double(), transposed).float()
        replace(network, names[convolution], fused)
        replace(network, names[norm], nn.Identity())
    for module in network.modules():
        if isinstance(module, nn.ReLU | nn.ReLU6):  # whose input nothing else reads, in all networks here
            module.inplace = True
    network = network.to(memory_format=torch.channels_last)
    with torch.inference_mode():
        changed = (network(image) - before).abs().max()
    if not changed <= ROUNDING * before.abs().max():
        raise ValueError(f"folding changes the logits by {changed:.2g}: use the network as it is")
    return network


def replace(network: nn.Module, name: str, module: nn.Module) -> None:
    """Put a module in the place of the one with that name."""
    parent, _, own = name.rpartition(".")
    setattr(network.get_submodule(parent), own, module)


def pairs(network: nn.Module) -> list[tuple[Convolution, nn.BatchNorm2d]]:
    """List each convolution whose output a BatchNorm reads, with that BatchNorm."""
    outputs: dict[Tensor, Convolution] = {}  # tensors hash by identity, and stay alive here
    found = []

    def note_output(module: Convolution, _: tuple[Tensor], output: Tensor) -> None:
        outputs[output] = module

    def note_input(module: nn.BatchNorm2d, given: tuple[Tensor]) -> None:
        if given[0] in outputs:
            found.append((outputs[given[0]], module))

    hooks = []
    for module in network.modules():
        if isinstance(module, Convolution):
            hooks.append(module.register_forward_hook(note_output))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(note_input))
    try:
        with torch.inference_mode():
            network(torch.zeros(1, 3, *SIDES))
    finally:
        for hook in hooks:
            hook.remove()
    return found
