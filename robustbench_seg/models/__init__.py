"""The family of models. To add one, add a file with an adapter and a line to MODELS."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..files import digest, expanded
from ..own_code import source_hash

if TYPE_CHECKING:
    import torch
    from torch import nn

    from segformer import CheckpointInfo

    from .base import Segmenter

__all__ = [
    "BUILTIN_WEIGHTS",
    "FP32_ONLY",
    "MODELS",
    "NO_WEIGHTS",
    "POOLS_IMAGES",
    "RANDOM_WEIGHTS",
    "build_network",
    "find_weights",
    "load_model",
    "save_network",
    "start_from_encoder",
]

DEEPLABV3PLUS_ENCODERS = (
    "mobilenet_v2", "resnet50", "resnet101", "tu-xception41", "tu-xception65", "tu-xception71",
)  # fmt: skip
# name: (module, variant or encoder)
MODELS = {
    **{f"segformer-b{k}": ("segformer", f"b{k}") for k in range(6)},
    **{f"deeplabv3plus-{encoder}": ("deeplabv3plus", encoder) for encoder in DEEPLABV3PLUS_ENCODERS},
    "deeplabv3plus": ("deeplabv3plus", ""),  # with whichever encoder its files have
    "constant": ("constant", ""),
    "onnx": ("onnx", ""),
}
SHIPPED = ("segformer", "deeplabv3plus", "constant", "onnx")  # modules; weights alone tell models of theirs apart
ONLY_EVALUATED = ("constant", "onnx", "deeplabv3plus")
NO_WEIGHTS = ("constant",)
POOLS_IMAGES = tuple(name for name, (module, _) in MODELS.items() if module == "deeplabv3plus")  # to one value each
FP32_ONLY = ("onnx",)  # the graph decides its precision, and torch's autocast does not reach it
# Words that may stand where a path to weights stands.
RANDOM_WEIGHTS = "random"  # for speed, which does not depend on them
BUILTIN_WEIGHTS = {
    f"builtin:streets-{word}": Path(__file__).parent / "weights" / f"{file}-streets.safetensors"
    for word, file in {
        "b0": "segformer-b0",
        "b0-learned": "segformer-b0-learned",
        "deeplabv3plus": "deeplabv3plus-mobilenet_v2",
    }.items()
}


def find_weights(weights: str, folder: Path, model: str) -> str:
    """Read what a file in `folder` names as a model's weights: a path is relative to that folder, `~` is expanded.

    Words in the place of a path stay as they are; a SegFormer's name on the Hugging Face hub, where no such path is,
    becomes hf:OWNER/NAME. Raises UsageError for one of another model.
    """
    if weights == RANDOM_WEIGHTS or weights in BUILTIN_WEIGHTS:
        return weights
    if weights.startswith("hf:") or model.startswith("segformer"):
        from segformer.huggingface import HUB, repository_of

        if repository := repository_of(weights, folder):
            if not model.startswith("segformer"):
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
    module, variant = look_up(name)
    loaded: Segmenter
    if name in NO_WEIGHTS:
        if weights is not None:
            raise UsageError(f"model {name} has no weights, got {weights}")
        loaded = adapter(module).ConstantSegmenter(name, class_names)
        return loaded
    if weights is None:
        raise UsageError(f"model {name} needs weights: --weights {name}=PATH")
    if weights == RANDOM_WEIGHTS:
        loaded = random_model(name, class_names)
    else:
        loaded = adapter(module).load(name, variant, BUILTIN_WEIGHTS.get(weights, Path(weights)), class_names)
    if hasattr(loaded, "network"):  # onnxruntime keeps to the CPU
        loaded.network.to(device)
        if hasattr(adapter(module), "lay_out"):
            adapter(module).lay_out(loaded.network)
    if module not in SHIPPED:  # one that a user has added: an edit of its code makes another model
        loaded.checkpoint_sha256 = digest([loaded.checkpoint_sha256, source_hash(adapter(module).__name__)])
    return loaded


def random_model(name: str, class_names: Sequence[str]) -> "Segmenter":
    """Make a model under test with random weights."""
    network = build_network(name, class_names)
    random: Segmenter = adapter("base").NetworkSegmenter(
        name=name,
        network=network,
        class_names=tuple(class_names),
        licence="Apache-2.0",
        checkpoint_sha256=f"random-{name}",
        about=adapter(MODELS[name][0]).describe(network),
    )
    return random


def build_network(name: str, class_names: Sequence[str], *, seed: int = 0, **options: Any) -> "nn.Module":
    """Make a trainable network with random weights: normalised float images in, logits out."""
    module, variant = look_up(name)
    if name in ONLY_EVALUATED:
        raise UsageError(f"model {name} can't be trained and has no random weights")
    network: nn.Module = adapter(module).build_network(variant, class_names, seed=seed, **options)
    return network


def start_from_encoder(name: str, network: "nn.Module", weights: str) -> "CheckpointInfo":
    """Give a trainable network's encoder the weights of a checkpoint, such as one made on ImageNet.

    Returns what is told about that file: licence, sha256. Raises UsageError for a model of which no such weights are
    read and for a file that is missing, CheckpointError for one that does not fit.
    """
    module, _ = look_up(name)
    if not hasattr(adapter(module), "start_from"):
        raise UsageError(f"encoder {weights}: only a SegFormer's encoder can start from a file, not that of {name}")
    info: CheckpointInfo = adapter(module).start_from(network, weights)
    return info


def save_network(
    name: str, network: "nn.Module", path: Path, *, class_names: Sequence[str], licence: str, recipe: str
) -> None:
    """Write a trained network's weights in half precision, with their origin, in the form that `load_model` reads."""
    module, _ = look_up(name)
    adapter(module).save(network, path, class_names=class_names, licence=licence, recipe=recipe)


def look_up(name: str) -> tuple[str, str]:
    if name not in MODELS:
        raise UsageError(f"unknown model {name!r}; known: {', '.join(MODELS)}")
    return MODELS[name]


def adapter(module: str) -> Any:
    return import_module(f".{module}", __name__)
