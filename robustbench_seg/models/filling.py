"""A file's tensors into a network, whatever prefixes the keys of either carry."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from segformer.files import Content
from segformer.fitting import fit
from segformer.nesting import UNREAD

__all__ = ["fill", "hash_of_state"]


def fill(network: nn.Module, content: Content) -> tuple[str, ...]:
    """Give a network all its weights from a file; return the keys that no forward pass reads and that are left out.

    A prefix that all keys of the file carry is taken off, or one that all keys of the network carry put before them.
    Raises CheckpointError, with the file's own keys, for whatever is missing, unknown or misshapen then.
    """
    expected = network.state_dict()
    best = max(levels(content, expected), key=lambda level: len(level.tensors.keys() & expected.keys()))
    tensors, left_out = fit(best, expected)
    network.load_state_dict(tensors)
    return left_out


def levels(content: Content, expected: Mapping[str, Tensor]) -> Iterator[Content]:
    """List the forms of a file's keys that may be the network's, the one that was read first."""
    yield content
    own = common_prefix(expected)
    level = content
    while True:
        for prefix in {own, content.prefix} - {""}:
            yield replace(level, tensors={prefix + key: tensor for key, tensor in level.tensors.items()})
        first = common_prefix(level.tensors)
        if not first:
            return
        read = {key: tensor for key, tensor in level.tensors.items() if key.startswith(first) or UNREAD.search(key)}
        stripped = {key.removeprefix(first): tensor for key, tensor in read.items()}
        level = replace(level, tensors=stripped, prefix=level.prefix + first)
        yield level


def common_prefix(keys: Mapping[str, Tensor]) -> str:
    """The first name, with its dot, of all keys that a forward pass may read; "" if they differ."""
    firsts = {key.partition(".")[0] + "." for key in keys if not UNREAD.search(key)}
    return firsts.pop() if len(firsts) == 1 and all("." in key for key in keys if not UNREAD.search(key)) else ""


def hash_of_state(network: nn.Module) -> list[list[str]]:
    """Hash all weights and buffers of a network, also those that no file keeps: [key, type and shape, hash]."""
    import hashlib

    rows = []
    for key, tensor in sorted((dict(network.named_buffers()) | network.state_dict()).items()):
        values = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()
        rows.append([key, f"{tensor.dtype} {tuple(tensor.shape)}", hashlib.sha256(values.tobytes()).hexdigest()])
    return rows
