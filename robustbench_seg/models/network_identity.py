"""What tells two networks apart: weights, sources of classes, settings and hooks, wherever their attributes hold them.

torch's own code is known by its version, which is in every record.
"""

import hashlib
from typing import Any

import torch
from torch import Tensor, fx, nn

from ..own_values import Values

__all__ = ["NetworkValues", "identity_of"]

# Attributes that each module has, or gets from torch.compile and from Transformers' first call.
BLANK = frozenset({*vars(nn.Module()), "_compiled_call_impl", "_output_capturing_hooks_installed"})
# The ones of each module that decide logits.
TENSORS = ("_parameters", "_buffers", "_modules")
HOOKS = ("_forward_pre_hooks", "_forward_hooks")
RECORDING = "transformers.utils.output_capturing"


class NetworkValues(Values):
    """Hashes values among which there are tensors and networks, on whatever device they lie."""

    libraries = Values.libraries | {"torch"}

    def parts(self, value: Any) -> list[Any]:
        if isinstance(value, torch.device):
            return ["device"]
        if isinstance(value, Tensor):
            return self.tensor(value)
        if isinstance(value, nn.Module):
            return self.module(value)
        return super().parts(value)

    def tensor(self, value: Tensor) -> list[Any]:
        try:
            content = value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
        except (RuntimeError, TypeError, NotImplementedError):  # such as of a sparse one
            return self.refuse(f"a tensor of {value.layout} and {value.dtype} can't be hashed")
        return ["tensor", str(value.dtype), list(value.shape), hashlib.sha256(content).hexdigest()]

    def module(self, value: nn.Module) -> list[Any]:
        kind = type(value)
        if kind.__module__.startswith("torch._dynamo"):  # torch.compile has wrapped it
            return self.parts(value._modules["_orig_mod"])
        if isinstance(value, torch.jit.ScriptModule | fx.GraphModule):
            return self.refuse(f"{kind.__name__} has no source file: it was traced or scripted")
        members = vars(value)
        hooks = [[one for one in members[name].values() if decides(one)] for name in HOOKS]
        return [
            "module",
            self.hash(kind),
            *([self.attribute("forward hook", one) for one in some] for some in hooks),
            *([[key, self.attribute(key, one)] for key, one in members[name].items()] for name in TENSORS),
            self.attributes(value, members, leave=BLANK),
        ]


def decides(hook: object) -> bool:
    """Whether a hook may change an output: those that Transformers adds on its first call record outputs alone."""
    return getattr(hook, "__module__", "") != RECORDING


def identity_of(code: object, version: str = "") -> list[str]:
    """Hash what decides the output of a network, of a function or of another object that is called.

    Raises UsageError for what can't be hashed, such as code without a source file, unless there is a version.
    """
    values = NetworkValues(version)
    with values.below(type(code).__qualname__):
        return [version, values.hash(code)]
