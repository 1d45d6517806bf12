"""The family of models. To add one, add a file with an adapter and a line to MODELS (`registry.py`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..files import expanded
from .entry import Model
from .options import ModelOptions
from .registry import BUILTIN_WEIGHTS, DEEPLABV3PLUS_ENCODERS, MODELS, RANDOM_WEIGHTS, look_up
from .request import Request

if TYPE_CHECKING:
    import torch
    from torch import nn

    from segformer import CheckpointInfo

    from .base import Segmenter
    from .source import Source

__all__ = [
    "BUILTIN_WEIGHTS",
    "DEEPLABV3PLUS_ENCODERS",
    "MODELS",
    "RANDOM_WEIGHTS",
    "Model",
    "ModelOptions",
    "Request",
    "build_network",
    "find_weights",
    "load_source",
    "look_up",
    "save_network",
    "start_from_encoder",
]


def find_weights(weights: str, folder: Path, model: str) -> str:
    """Read what a file in `folder` names as a model's weights: a path is relative to that folder, `~` is expanded.

    Words in the place of a path stay as they are; a SegFormer's name on the Hugging Face hub, where no such path is,
    becomes hf:OWNER/NAME. Raises UsageError for one of another model.
    """
    if weights == RANDOM_WEIGHTS or weights in BUILTIN_WEIGHTS:
        return weights
    reads_hub = model in MODELS and MODELS[model].hub
    if weights.startswith("hf:") or reads_hub:
        from segformer.huggingface import HUB, repository_of

        if repository := repository_of(weights, folder):
            if not reads_hub:
                raise UsageError(f"weights {weights}: the hub is for hf:, smp: and SegFormers alone")
            return f"{HUB}{repository}"
    given = expanded(weights).removeprefix("hf:")
    return given if Path(given).is_absolute() else f"{folder}/{given}"  # "./owner/name" stays a path


def load_source(source: "Source", name: str, class_names: Sequence[str], device: "torch.device") -> "Segmenter":
    """Make a model under test, with the classes that its files name, or with these where they name none.

    name: as results call it. Raises UsageError for what is missing, does not fit or can't be stated of it.
    """
    import torch

    from .base import NetworkSegmenter, extend_identity
    from .overrides import override

    model = look_up(source.model)
    if model.needs_weights and source.weights is None:
        raise UsageError(f"model {name} needs weights: --weights {name}=PATH")
    if not model.needs_weights and source.weights is not None:
        raise UsageError(f"model {name} has no weights, got {source.weights}")
    if source.weights == RANDOM_WEIGHTS:
        made = random_model(source.model, class_names)
    else:
        place = str(BUILTIN_WEIGHTS.get(source.weights or "", source.weights or ""))
        names = tuple(class_names)
        made = model.load(
            Request(name=name, variant=model.variant, weights=place, class_names=names, options=source.options)
        )
    override(source, made)
    if isinstance(made, NetworkSegmenter):  # onnxruntime keeps to the CPU
        made.network.to(device)
        if model.channels_last:  # on two CPU threads half the time of the other order for DeepLabV3+
            made.network.to(memory_format=torch.channels_last)
    if model.source:
        extend_identity(made, model.source)
    return made


def random_model(name: str, class_names: Sequence[str]) -> "Segmenter":
    """Make a model under test with random weights."""
    from .base import NetworkSegmenter

    network = build_network(name, class_names)
    return NetworkSegmenter(
        name=name,
        network=network,
        class_names=tuple(class_names),
        licence="Apache-2.0",
        checkpoint_sha256=f"random-{name}",
        about=look_up(name).code.describe(network),
    )


def build_network(name: str, class_names: Sequence[str], *, seed: int = 0, **options: Any) -> "nn.Module":
    """Make a trainable network with random weights: normalised float images in, logits out."""
    model = look_up(name)
    if not model.trainable:
        raise UsageError(f"model {name} can't be trained and has no random weights")
    network: nn.Module = model.code.build_network(model.variant, class_names, seed=seed, **options)
    return network


def start_from_encoder(name: str, network: "nn.Module", weights: str) -> "CheckpointInfo":
    """Give a trainable network's encoder the weights of a checkpoint, such as one made on ImageNet.

    Returns what is known about that file: licence, sha256. Raises UsageError for a model without such weights, and for
    a file that is missing, CheckpointError for one that does not fit.
    """
    model = look_up(name)
    if not model.encoder_files:
        raise UsageError(f"encoder {weights}: only a SegFormer's encoder can start from a file, not the one of {name}")
    info: CheckpointInfo = model.code.start_from(network, weights)
    return info


def save_network(
    name: str, network: "nn.Module", path: Path, *, class_names: Sequence[str], licence: str, recipe: str
) -> None:
    """Write a trained network's weights in half precision, with their origin, in the form that `load_source` reads."""
    look_up(name).code.save(network, path, class_names=class_names, licence=licence, recipe=recipe)
