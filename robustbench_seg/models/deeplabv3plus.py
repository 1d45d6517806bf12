"""DeepLabV3+ of segmentation-models-pytorch, at output stride 16 unless a file of that library states another.

It is that library's construction, not the SegFormer paper's: there DeepLabV3+ with MobileNetV2 has 15.4 M
parameters, here 4.4 M. Reports print the parameters for that reason.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor, nn

from segformer.checkpoint import pack
from segformer.files import read_file, sha256_of

from ..errors import UsageError
from ..files import write_bytes
from .base import NetworkSegmenter, pad_and_crop, unchanged
from .preprocessing import IMAGENET
from .request import Request
from .smp import building, fill
from .smp_files import DEFAULTS, read_smp

__all__ = ["DeepLabV3Plus", "build_network", "describe", "load", "save"]

METADATA_KEY = "deeplabv3plus"
NETWORK = "a DeepLabV3+ with encoder {} and these options"


class DeepLabV3Plus(nn.Module):
    """Normalised float (B, 3, H, W) of any size ─▶ logits (B, classes, H, W).

    The image is padded right and bottom to a multiple of the output stride, 16 by default, since the decoder adds maps
    at that stride and at 1/4; with 0, which is the mean colour after normalisation. options: of smp's class.
    """

    def __init__(self, encoder: str, num_classes: int, **options: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.options = {**DEFAULTS, **options}
        self.inner = smp.DeepLabV3Plus(encoder, encoder_weights=None, classes=num_classes, **self.options)

    def forward(self, images: Tensor) -> Tensor:
        return pad_and_crop(self.inner, images, self.inner.encoder.output_stride)


def build_network(encoder: str, class_names: Sequence[str], *, seed: int = 0, **options: Any) -> DeepLabV3Plus:
    """Make the network with random weights that depend on `seed` alone; the global generator stays as it was."""
    if options:
        raise UsageError(f"model options: DeepLabV3+ has none, got {', '.join(options)}")
    return make(encoder, len(class_names), seed=seed)


def make(encoder: str, num_classes: int, *, seed: int = 0, **options: Any) -> DeepLabV3Plus:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed CUDA's generators too
        return DeepLabV3Plus(encoder, num_classes, **options)


def describe(network: DeepLabV3Plus) -> str:
    """State whose construction it is."""
    stride = network.options["encoder_output_stride"]
    return (
        f"DeepLabV3+ of segmentation-models-pytorch, encoder {network.encoder}, output stride {stride}; not the "
        "construction of the SegFormer paper's rows, whose MobileNetV2 variant has 15.4 M parameters"
    )


def save(network: DeepLabV3Plus, path: Path, *, class_names: Sequence[str], licence: str, recipe: str) -> None:
    """Write trained weights in half precision, with where they come from, atomically."""
    tensors = pack(network.state_dict(), half=True)
    description = {
        "encoder": network.encoder,
        "class_names": list(class_names),
        "licence": licence,
        "recipe": recipe,
    }
    write_bytes(path, serialise(tensors, {METADATA_KEY: json.dumps(description, sort_keys=True)}))


def load(request: Request) -> NetworkSegmenter:
    """Read weights that `save` wrote, or smp's own folder or state dict. Without a variant, of whichever encoder.

    Raises UsageError where they are not there, of another network or of other classes, CheckpointError where they
    can't be read.
    """
    encoder, class_names, path = request.variant, request.class_names, Path(request.weights)
    if not path.exists():
        raise UsageError(f"weights of {request.name}: {path}: no such file or folder")
    with unchanged([path] if path.is_file() else []):
        if description := own_description(path):
            licence, class_names, network = load_own(path, encoder, description)
            class_names = request.names(class_names, len(class_names), path)
            remark, preprocessing, sha256 = "", IMAGENET, sha256_of(path)
        else:
            files = read_smp(path, encoder, "DeepLabV3Plus")
            outputs = files.classes or len(request.options.names or class_names)
            class_names = request.names((), outputs, path)
            network = make_as_stored(path, files.encoder, outputs, files.options)
            fill(network.inner, files.weights, NETWORK.format(network.encoder))
            licence, sha256 = "unknown", files.identity
            remark, preprocessing = files.remark, files.preprocessing
    return NetworkSegmenter(
        name=request.name,
        network=network,
        class_names=class_names,
        licence=licence,
        checkpoint_sha256=sha256,
        about=describe(network) + remark,
        preprocessing=preprocessing,
    )


def own_description(path: Path) -> str:
    """What `save` wrote about the weights; "" for a file or folder of others."""
    if path.suffix != ".safetensors" or not path.is_file():
        return ""
    try:
        with safe_open(path, "pt") as file:
            description: str = (file.metadata() or {}).get(METADATA_KEY, "")
    except (SafetensorError, OSError) as error:
        raise UsageError(f"{path}: not a complete .safetensors file ({error})") from None
    return description


def load_own(path: Path, encoder: str, text: str) -> tuple[str, tuple[str, ...], DeepLabV3Plus]:
    """Read what `save` wrote: licence, class names and network."""
    try:
        description = json.loads(text)
        stored_encoder, names, licence = (description[name] for name in ("encoder", "class_names", "licence"))
        names = tuple(map(str, names))
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{path}: its description is not one of this version ({error})") from None
    if encoder and stored_encoder != encoder:
        raise UsageError(f"{path}: not a DeepLabV3+ with encoder {encoder} (found {stored_encoder})")
    network = make_as_stored(path, str(stored_encoder), len(names), {})
    fill(network, read_file(path), NETWORK.format(network.encoder))
    return str(licence), names, network


def make_as_stored(path: Path, encoder: str, num_classes: int, options: Mapping[str, Any]) -> DeepLabV3Plus:
    """Make the network that a file describes, with random weights."""
    with building(path, encoder):
        return make(encoder, num_classes, **options)
