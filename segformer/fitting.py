"""A file's tensors against those that a network needs: strict, but for what can't change a logit."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from .files import Content
from .info import CheckpointError, shortened
from .nesting import UNREAD

__all__ = ["fitted", "refuse_misfits"]

COUNTER = ".num_batches_tracked"  # of BatchNorm, which reads it in training alone
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def fitted(found: Content, expected: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Take the tensors that a network needs from a file, of which only keys, shapes and types are read.

    Heads and criteria that no forward pass reads are left out, and returned as the second value; counters of BatchNorm
    that the file lacks are 0. Raises CheckpointError for any other difference, and for values that are not floating
    point where the network's are, since quantised weights are of no use without their scales.
    """
    tensors = dict(found.tensors)
    left_out = tuple(key for key in tensors if key not in expected and UNREAD.search(key))
    for key in left_out:
        del tensors[key]
    for key, tensor in expected.items():
        if key.endswith(COUNTER):
            tensors.setdefault(key, torch.zeros(tensor.shape, dtype=tensor.dtype))
    refuse_misfits(found.path, tensors, expected, found)
    return tensors, left_out


def refuse_misfits(
    path: Path, found: Mapping[str, Tensor], expected: Mapping[str, Tensor], content: Content | None = None
) -> None:
    """Raise CheckpointError unless keys and shapes are exactly those expected: the first ten of a kind, the count.

    content: the file, where the error is to name its own keys and the cure.
    """
    prefix = content.prefix if content else ""
    both = [(prefix + key, found[key], tensor) for key, tensor in expected.items() if key in found]
    faults = {
        "missing": sorted(prefix + key for key in expected.keys() - found.keys()),
        "unknown": sorted(prefix + key for key in found.keys() - expected.keys()),
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
    parts = [f"{len(keys)} {kind}: {shortened(keys)}" for kind, keys in faults.items() if keys]
    if content and faults["unknown"] and len(parts) == 1:
        parts.append(without(content, faults["unknown"], expected))
    if parts:
        raise CheckpointError(f"{path}: keys do not fit the network; {'; '.join(filter(None, parts))}")


def without(content: Content, keys: list[str], expected: Mapping[str, Tensor]) -> str:
    """Word the cure for a file that has more than the network: a copy without that, "" if it would be too long."""
    owners = tuple(sorted({"".join(key.removeprefix(content.prefix).partition(".")[:2]) for key in keys}))
    if not any(key.startswith(owners) for key in expected):
        condition = f"not k.startswith({tuple(content.prefix + owner for owner in owners)})"
    elif len(keys) <= 10:
        condition = f"k not in {tuple(keys)}"
    else:
        return ""
    line = f"{{k: v for k, v in {content.expression}.items() if {condition}}}"
    return f"if no forward pass reads {'them' if len(keys) > 1 else 'it'}, {content.loaded.saving(line)}"
