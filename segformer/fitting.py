"""Match a file's tensors to the tensors that a network needs: strictly, except for what can't change a logit."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from .files import Content
from .info import CheckpointError, shorten
from .nesting import UNREAD

__all__ = ["fit", "refuse_misfits"]

COUNTER = ".num_batches_tracked"  # BatchNorm reads it only in training
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def fit(content: Content, expected: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Take the tensors that a network needs from a file. expected: only its keys, shapes and types are read.

    The second value lists the keys left out: heads and criteria that no forward pass reads. A BatchNorm counter that
    the file lacks becomes 0. Raises CheckpointError for any other difference, and for values that are not floating
    point where the network's are, because quantised weights need scales that are not read.
    """
    tensors = dict(content.tensors)
    left_out = tuple(key for key in tensors if key not in expected and UNREAD.search(key))
    for key in left_out:
        del tensors[key]
    for key, tensor in expected.items():
        if key.endswith(COUNTER):
            tensors.setdefault(key, torch.zeros(tensor.shape, dtype=tensor.dtype))
    refuse_misfits(content.path, tensors, expected, content)
    return tensors, left_out


def refuse_misfits(
    path: Path, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], content: Content | None = None
) -> None:
    """Raise CheckpointError unless keys and shapes are exactly as expected; it lists ten per kind of fault and a count.

    content: the file, if the message shall give the file's own keys and the remedy.
    """
    prefix = content.prefix if content else ""
    both = [(prefix + key, tensors[key], tensor) for key, tensor in expected.items() if key in tensors]
    faults = {
        "missing": sorted(prefix + key for key in expected.keys() - tensors.keys()),
        "unknown": sorted(prefix + key for key in tensors.keys() - expected.keys()),
        "misshapen": [
            f"{key} is {tuple(theirs.shape)}, not {tuple(ours.shape)}"
            for key, theirs, ours in both
            if theirs.shape != ours.shape
        ],
        "not floating point": [
            f"{key} is {str(theirs.dtype).removeprefix('torch.')}"
            for key, theirs, ours in both
            if ours.is_floating_point() and theirs.dtype not in FLOATS
        ],
    }
    parts = [f"{len(keys)} {kind}: {shorten(keys)}" for kind, keys in faults.items() if keys]
    if content and faults["unknown"] and len(parts) == 1:
        parts.append(suggest_copy(content, faults["unknown"], expected))
    if parts:
        raise CheckpointError(f"{path}: keys do not fit the network; {'; '.join(filter(None, parts))}")


def suggest_copy(content: Content, keys: list[str], expected: Mapping[str, Tensor]) -> str:
    """Write the remedy for unknown keys: code that saves a copy without them, or "" if the code would be too long."""
    owners = tuple(sorted({"".join(key.removeprefix(content.prefix).partition(".")[:2]) for key in keys}))
    if not any(key.startswith(owners) for key in expected):
        condition = f"not k.startswith({tuple(content.prefix + owner for owner in owners)})"
    elif len(keys) <= 10:
        condition = f"k not in {tuple(keys)}"
    else:
        return ""
    line = f"{{k: v for k, v in {content.expression}.items() if {condition}}}"
    return f"if no forward pass reads {'them' if len(keys) > 1 else 'it'}, {content.loaded.saving(line)}"
