"""Read a published file of weights, strictly: every key and shape must be the network's."""

import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .architectures import ARCHITECTURES, Architecture, recognise

__all__ = ["Loaded", "load", "load_network"]

WRAPPINGS = ("state_dict", "model")  # keys under which some files hold their tensors
PREFIX = "module."  # of torch's DataParallel


@dataclass(frozen=True)
class Loaded:
    """A network with a file's weights, in evaluation mode. outputs: logits of a pixel. sha256: of the file."""

    network: nn.Module
    architecture: Architecture
    outputs: int
    sha256: str


def load_network(path: str | os.PathLike[str]) -> nn.Module:
    """Read a file of weights into the network that it was written for, on the CPU, in evaluation mode.

    The network turns normalised images (B, 3, H, W) into logits (B, K, h, w). Raises ValueError for a file that is none
    of the known ones, and for keys or shapes that are not the network's.
    """
    return load(path).network


def load(path: str | os.PathLike[str]) -> Loaded:
    """Do as `load_network` does, and state the architecture and the file's hash."""
    content = Path(path).read_bytes()
    tensors = tensors_of(content, path)
    architecture = recognise(tensors)
    if architecture is None:
        known = ", ".join(each.name for each in ARCHITECTURES)
        raise ValueError(f"{path}: holds the weights of no network known here; known: {known}")
    renamed = rename(tensors, architecture.renamed)
    try:
        network = architecture.build(renamed)
        network.load_state_dict(renamed)
    except (KeyError, RuntimeError, ValueError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"{path}: does not fit {architecture.name} ({reason:.300})") from error
    return Loaded(network.eval(), architecture, outputs_of(network), hashlib.sha256(content).hexdigest())


def tensors_of(data: bytes, path: str | os.PathLike[str]) -> Mapping[str, Tensor]:
    """Read the tensors of a file's bytes without running code from it. path: for errors."""
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a file that torch did not write makes it raise
        raise ValueError(f"{path}: is no file of torch that holds weights alone") from error
    for wrapping in WRAPPINGS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapping), Mapping):
            content = content[wrapping]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ValueError(f"{path}: holds no table of tensors")
    return {str(key).removeprefix(PREFIX): value for key, value in content.items()}


def rename(tensors: Mapping[str, Tensor], prefixes: Mapping[str, str]) -> dict[str, Tensor]:
    """Replace the beginnings of keys."""
    renamed = {}
    for key, tensor in tensors.items():
        theirs = next((prefix for prefix in prefixes if key.startswith(prefix)), "")
        renamed[prefixes.get(theirs, "") + key.removeprefix(theirs)] = tensor
    return renamed


def outputs_of(network: nn.Module) -> int:
    """Count the logits of a pixel by running the network once on the smallest image that all networks take."""
    with torch.inference_mode():
        logits: Tensor = network(torch.zeros(1, 3, 128, 128))
    return logits.shape[1]
