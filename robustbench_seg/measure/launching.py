"""Where Triton's kernels are launched."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import torch

__all__ = ["on_own_device"]

Rest = ParamSpec("Rest")
Result = TypeVar("Result")


def on_own_device(function: Callable[Concatenate[torch.Tensor, Rest], Result]) -> Callable[..., Result]:
    """Let a function of a tensor start Triton's kernels on that tensor's GPU, in its order of work.

    Triton starts them on the current GPU, the first one unless it was set.
    """

    @wraps(function)
    def call(tensor: torch.Tensor, *rest: Rest.args, **more: Rest.kwargs) -> Result:
        with torch.cuda.device(tensor.get_device()):  # of a tensor on the CPU -1, which changes nothing
            return function(tensor, *rest, **more)

    return call
