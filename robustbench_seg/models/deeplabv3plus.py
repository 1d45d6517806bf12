"""DeepLabV3+ of segmentation-models-pytorch at output stride 16.

It is that library's construction, not that of the SegFormer paper's rows: there DeepLabV3+ with MobileNetV2 has 15.4 M
parameters, here 4.4 M. Reports print the parameters for that reason.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as serialise
from torch import Tensor, nn
from torch.nn import functional

from segformer.checkpoint import packed
from segformer.files import sha256_of

from ..errors import UsageError
from ..files import write_bytes
from .base import NetworkSegmenter

__all__ = ["DeepLabV3Plus", "build_network", "describe", "lay_out", "load", "save"]

METADATA_KEY = "deeplabv3plus"
MULTIPLE = 16  # the decoder adds maps at 1/4 and 1/16, which only fit for such sizes


class DeepLabV3Plus(nn.Module):
    """Normalised float (B, 3, H, W) of any size ─▶ logits (B, classes, H, W).

    The image is padded right and bottom to a multiple of 16 with the mean colour, which is 0 after normalisation.
    """

    def __init__(self, encoder: str, num_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.inner = smp.DeepLabV3Plus(encoder, encoder_weights=None, encoder_output_stride=16, classes=num_classes)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        padded = functional.pad(images, (0, -width % MULTIPLE, 0, -height % MULTIPLE))
        logits: Tensor = self.inner(padded)
        return logits[:, :, :height, :width]


def build_network(encoder: str, class_names: Sequence[str], *, seed: int = 0, **options: Any) -> DeepLabV3Plus:
    """Make the network with random weights that depend on `seed` alone; the global generator stays as it was."""
    if options:
        raise UsageError(f"model options: DeepLabV3+ has none, got {', '.join(options)}")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed CUDA's generators too
        return DeepLabV3Plus(encoder, len(class_names))


def describe(network: DeepLabV3Plus) -> str:
    """Say whose construction it is."""
    return (
        f"DeepLabV3+ of segmentation-models-pytorch, encoder {network.encoder}, output stride 16; not the construction "
        "of the SegFormer paper's rows, whose MobileNetV2 variant has 15.4 M parameters"
    )


def lay_out(network: DeepLabV3Plus) -> None:
    """Put the weights channels last for evaluation: on two CPU threads half the time of the other order."""
    network.to(memory_format=torch.channels_last)


def save(network: DeepLabV3Plus, path: Path, *, class_names: Sequence[str], licence: str, recipe: str) -> None:
    """Write trained weights in half precision, with where they come from, atomically."""
    tensors = packed(network.state_dict(), half=True)
    description = {
        "encoder": network.encoder,
        "class_names": list(class_names),
        "licence": licence,
        "recipe": recipe,
    }
    write_bytes(path, serialise(tensors, {METADATA_KEY: json.dumps(description, sort_keys=True)}))


def load(name: str, encoder: str, weights: str | os.PathLike[str], class_names: Sequence[str]) -> NetworkSegmenter:
    """Read weights that `save` wrote. Raises UsageError where the file is damaged, another's or of other classes."""
    path = Path(weights)
    if not path.is_file():
        raise UsageError(f"weights of {name}: {path}: no such file")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UsageError(f"{path}: not a complete .safetensors file ({error})") from None
    if METADATA_KEY not in metadata:
        raise UsageError(f"{path}: not a DeepLabV3+ with encoder {encoder} of this project")
    try:
        description = json.loads(metadata[METADATA_KEY])
        found, stored, licence = (description[name] for name in ("encoder", "class_names", "licence"))
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{path}: its description is not one of this version ({error})") from None
    if found != encoder:
        raise UsageError(f"{path}: not a DeepLabV3+ with encoder {encoder} (found {found})")
    if stored != list(class_names):
        raise UsageError(f"{path}: its classes are {stored}, the dataset's {list(class_names)}")
    network = build_network(encoder, class_names)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise UsageError(f"{path}: keys do not fit the network; {str(error).splitlines()[1].strip()}") from None
    return NetworkSegmenter(
        name=name,
        network=network,
        class_names=tuple(class_names),
        licence=licence,
        checkpoint_sha256=sha256_of(path),
        about=describe(network),
    )
