"""The family of models. To add one, add a file with an adapter and a line to MODELS."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..family import Family
from ..files import digest, expanded
from .entry import Model, Request

if TYPE_CHECKING:
    import torch
    from torch import nn

    from segformer import CheckpointInfo

    from .base import Segmenter

__all__ = [
    "BUILTIN_WEIGHTS",
    "MODELS",
    "RANDOM_WEIGHTS",
    "Model",
    "Request",
    "build_network",
    "find_weights",
    "load_model",
    "look_up",
    "save_network",
    "start_from_encoder",
]

DEEPLABV3PLUS_ENCODERS = (
    "mobilenet_v2", "resnet50", "resnet101", "tu-xception41", "tu-xception65", "tu-xception71",
)  # fmt: skip
WEIGHTS = Path(__file__).parent / "weights"
BUILTIN = {
    "segformer-b0": {
        "builtin:streets-b0": WEIGHTS / "segformer-b0-streets.safetensors",
        "builtin:streets-b0-learned": WEIGHTS / "segformer-b0-learned-streets.safetensors",
    },
    "deeplabv3plus-mobilenet_v2": {
        "builtin:streets-deeplabv3plus": WEIGHTS / "deeplabv3plus-mobilenet_v2-streets.safetensors",
    },
}
SEGFORMER = Model(name="", module=".segformer", shipped=True, trainable=True, encoder_files=True, hub=True)
DEEPLABV3PLUS = Model(name="", module=".deeplabv3plus", shipped=True, pools_images=True, channels_last=True)
SHIPPED = (
    *(replace(SEGFORMER, name=f"segformer-b{k}", variant=f"b{k}") for k in range(6)),
    *(
        replace(DEEPLABV3PLUS, name=f"deeplabv3plus-{encoder}", variant=encoder, trainable=True)
        for encoder in DEEPLABV3PLUS_ENCODERS
    ),
    replace(DEEPLABV3PLUS, name="deeplabv3plus"),  # with whichever encoder its files have
    Model(name="constant", module=".constant", shipped=True, needs_weights=False),
    Model(name="onnx", module=".onnx", shipped=True, fp32_only=True),  # the graph decides its precision
)
MODELS = Family("model", Model, {model.name: replace(model, builtin=BUILTIN.get(model.name, {})) for model in SHIPPED})
# Words that may stand where a path to weights stands.
RANDOM_WEIGHTS = "random"  # for speed, which does not depend on them
BUILTIN_WEIGHTS = {word: path for files in BUILTIN.values() for word, path in files.items()}


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
                raise UsageError(f"weights {weights}: of models, SegFormer's alone are fetched from the hub")
            return f"{HUB}{repository}"
    given = expanded(weights).removeprefix("hf:")
    return given if Path(given).is_absolute() else f"{folder}/{given}"  # "./owner/name" stays a path


def load_model(name: str, class_names: Sequence[str], weights: str | None, device: "torch.device") -> "Segmenter":
    """Make a model under test on a device.

    weights: a path, a key of BUILTIN_WEIGHTS, RANDOM_WEIGHTS, for SegFormer a repository on the Hugging Face hub, or
    None for models that have none.
    Raises UsageError for an unknown name, which lists the known ones, and for weights that are missing or do not fit.
    """
    import torch

    from .base import NetworkSegmenter

    model = look_up(name)
    if model.needs_weights and weights is None:
        raise UsageError(f"model {name} needs weights: --weights {name}=PATH")
    if not model.needs_weights and weights is not None:
        raise UsageError(f"model {name} has no weights, got {weights}")
    if weights == RANDOM_WEIGHTS:
        made = random_model(name, class_names)
    else:
        place = BUILTIN_WEIGHTS.get(weights or "", weights or "")
        made = model.load(Request(name=name, variant=model.variant, weights=str(place), class_names=tuple(class_names)))
    if isinstance(made, NetworkSegmenter):  # onnxruntime keeps to the CPU
        made.network.to(device)
        if model.channels_last:  # on two CPU threads half the time of the other order for DeepLabV3+
            made.network.to(memory_format=torch.channels_last)
    if model.source:
        made.checkpoint_sha256 = digest([made.checkpoint_sha256, model.source])
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

    Returns what is known about that file: licence, sha256. Raises UsageError for a model of which no such weights are
    read and for a file that is missing, CheckpointError for one that does not fit.
    """
    model = look_up(name)
    if not model.encoder_files:
        raise UsageError(f"encoder {weights}: only a SegFormer's encoder can start from a file, not that of {name}")
    info: CheckpointInfo = model.code.start_from(network, weights)
    return info


def save_network(
    name: str, network: "nn.Module", path: Path, *, class_names: Sequence[str], licence: str, recipe: str
) -> None:
    """Write a trained network's weights in half precision, with their origin, in the form that `load_model` reads."""
    look_up(name).code.save(network, path, class_names=class_names, licence=licence, recipe=recipe)


def look_up(name: str) -> Model:
    """Find a model. Raises UsageError for an unknown name, which lists the known ones."""
    if name not in MODELS:
        raise UsageError(f"unknown model {name!r}; known: {', '.join(MODELS)}")
    return MODELS[name]
