"""SegFormer B0-B5 of this project's own package."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segformer import CheckpointInfo, SegFormer, build, load_checkpoint, load_encoder, save_checkpoint
from segformer.huggingface import HUB, missing

from ..errors import UsageError
from ..wording import counted
from .base import NetworkSegmenter, extend_identity, unchanged
from .preprocessing import IMAGENET, Preprocessing
from .request import Request

__all__ = ["build_network", "describe", "load", "read_network", "save", "start_from", "wrap_network"]


def build_network(variant: str, class_names: Sequence[str], *, seed: int = 0, **options: Any) -> SegFormer:
    """Make the network with random weights. Raises UsageError for options that SegFormerConfig does not allow."""
    try:
        return build(variant, num_classes=len(class_names), seed=seed, **options)
    except (TypeError, ValueError) as error:
        raise UsageError(f"model options: {error}") from None


def start_from(network: SegFormer, weights: str) -> CheckpointInfo:
    """Give the encoder the weights of a checkpoint; return what is told about that file. Raises UsageError."""
    if lack := missing(weights):
        raise UsageError(f"encoder {lack}")
    with unchanged(files_of(weights)):
        info = load_encoder(network, weights)
    if (made_for := Preprocessing.from_json(info.preprocessor, f"image processor of {weights}")) != IMAGENET:
        raise UsageError(f"encoder {weights}: made for the input {made_for}, but training has {IMAGENET}")
    return info


def describe(network: SegFormer) -> str:
    """Describe in words what the name of the variant leaves open."""
    config = network.config
    unread = len(network.info.left_out)
    left_out = f", {counted(unread, 'tensor')} of the file left out" if unread else ""
    size = f" made for {config.train_size[0]}x{config.train_size[1]}" if config.train_size else ""
    return (
        f"SegFormer, ffn {config.ffn}, positional encoding {config.positional_encoding or 'none'}{size}, "
        f"{'MMSegmentation head, ' if config.decoder == 'mmseg' else ''}"
        f"weights from {network.info.source}{left_out}"
    )


def save(network: SegFormer, path: Path, *, class_names: Sequence[str], licence: str, recipe: str) -> None:
    """Write trained weights in half precision, with where they come from."""
    network.info = CheckpointInfo(
        class_names=tuple(class_names), licence=licence, source="robustbench-seg train", recipe=recipe
    )
    save_checkpoint(network, path, half=True)


def load(request: Request) -> NetworkSegmenter:
    """Read weights, from the Hugging Face hub too; the variant that is asked for must be the one in the file.

    Raises CheckpointError for the file and UsageError where the file holds another network than was asked for.
    """
    network = read_network(request)
    expected = build(request.variant).config
    for field in ("widths", "depths"):
        if (own := getattr(network.config, field)) != getattr(expected, field):
            raise UsageError(f"{request.weights}: not a SegFormer-{request.variant.upper()}; its {field} are {own}")
    return wrap_network(network, request, network.info.class_names)


def read_network(request: Request) -> SegFormer:
    """Read a whole network, of any variant. Raises CheckpointError, and UsageError where there is none."""
    if lack := missing(request.weights):
        raise UsageError(f"weights of {request.name}: {lack}")
    with unchanged(files_of(request.weights)):
        network = load_checkpoint(request.weights)
    if not isinstance(network, SegFormer):
        raise UsageError(f"{request.weights}: holds an encoder alone, which can't segment")
    return network


def wrap_network(network: SegFormer, request: Request, names: Sequence[str]) -> NetworkSegmenter:
    """Make a network a model under test. names: of its logits, none where its files have none."""
    stored = tuple(name.strip() for name in names)  # a widespread ADE20K list has "bed "
    model = NetworkSegmenter(
        name=request.name,
        network=network,
        class_names=request.names(stored, network.config.num_classes, request.weights),
        licence=network.info.licence,
        checkpoint_sha256=network.info.sha256,
        about=describe(network),
        preprocessing=Preprocessing.from_json(network.info.preprocessor, f"image processor of {request.weights}"),
    )
    if model.preprocessing.order == "BGR":  # earlier versions took some of them for RGB
        extend_identity(model, model.preprocessing.order)
    return model


def files_of(weights: str) -> list[Path]:
    """The files that weights are read from, if they are here and not on the hub."""
    path = Path(weights.removeprefix(HUB))
    return [file for file in path.iterdir() if file.is_file()] if path.is_dir() else [path]
