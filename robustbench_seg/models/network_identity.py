"""What tells two networks apart: weights, sources of classes, settings and hooks, wherever their attributes hold them.

torch's own code is known by its version, which is in every record.
"""

import hashlib
from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils.hooks import RemovableHandle

from segformer.info import CheckpointInfo
from segformer.preprocessor import FILES

from ..own_code import OURS
from ..own_values import Values
from .base import Segmenter
from .hf_processor import ProcessorResize
from .preprocessing import Preprocessing

__all__ = ["NetworkValues", "identity_of", "without_notes"]

# Attributes that each module has, or gets from torch.compile, and from Transformers' first call and how it read a file.
BLANK = {
    *vars(nn.Module()), "_compiled_call_impl", "_is_torch_compile", "_output_capturing_hooks_installed",
    "_weight_conversions",
}  # fmt: skip
# Of networks and configurations of Transformers: the folder that they were read from, which may be moved.
PLACES = ("name_or_path", "_name_or_path")
# The ones of each module that decide logits.
TENSORS = ("_parameters", "_buffers", "_modules")
# Values that decide no logits: where a network lies, a number that torch counts in each process, notes on weights.
WITHOUT_EFFECT = {torch.device: "device", RemovableHandle: "handle", CheckpointInfo: "info"}
HOOKS = ("_forward_pre_hooks", "_forward_hooks")
# Attributes of a Segmenter that decide no logits: of any one, and of ours.
NOTES, NOTES_OF_OURS = {"about", "licence"}, {"about", "licence", "threads"}
RECORDING = "transformers.utils.output_capturing"


class NetworkValues(Values):
    """Hashes values among which there are tensors and networks, on whatever device they lie."""

    libraries = Values.libraries | {"torch"}

    def parts(self, value: Any) -> list[Any]:
        if type(value) in WITHOUT_EFFECT:
            return [WITHOUT_EFFECT[type(value)]]
        if isinstance(value, ProcessorResize):  # it reads the folder when it is first used
            return ["processor", *(self.hash(value.folder / name) for name in FILES)]
        if isinstance(value, Tensor):
            return self.tensor(value)
        if isinstance(value, nn.Module):
            return self.module(value)
        if type(value).__module__.startswith("onnxruntime."):  # it holds paths and times
            return self.refuse(f"a {type(value).__name__} of onnxruntime can't be hashed")
        return super().parts(value)

    def attributes(self, value: object, members: Mapping[str, object], leave: Iterable[str] = ()) -> list[list[str]]:
        if any(kind.__module__.startswith("transformers.") for kind in type(value).__mro__):
            members = {**members, **{name: "" for name in PLACES if name in members}}
        notes = ["origin"] if isinstance(value, Preprocessing) else []
        return super().attributes(value, members, [*leave, *notes])

    def tensor(self, value: Tensor) -> list[Any]:
        if value.is_quantized:
            return ["quantised", self.hash(value.int_repr()), *map(self.hash, scales_of(value))]
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


def scales_of(value: Tensor) -> list[Any]:
    """List what turns the integers of a quantised tensor into numbers."""
    if value.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        return [str(value.dtype), value.q_scale(), value.q_zero_point()]
    scales = (value.q_per_channel_scales(), value.q_per_channel_zero_points())
    return [str(value.dtype), *scales, value.q_per_channel_axis()]


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


def without_notes(segmenter: Segmenter) -> Segmenter:
    """Copy a Segmenter without attributes that decide no logits, for `identity_of`."""
    bare = copy(segmenter)
    members = getattr(bare, "__dict__", {})
    for note in NOTES_OF_OURS if type(bare).__module__.partition(".")[0] in OURS else NOTES:
        members.pop(note, None)
    return bare
