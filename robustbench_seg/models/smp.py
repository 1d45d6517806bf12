"""Networks of segmentation-models-pytorch (smp), of any architecture, as its `save_pretrained` writes them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import segmentation_models_pytorch as smp
import torch
from torch import nn

from segformer import CheckpointError
from segformer.files import Content
from segformer.fitting import fit
from segformer.sources import NVIDIA_LICENCE

from ..errors import UsageError
from .base import NetworkSegmenter, extend_identity
from .foreign import Facts, wrap
from .hub import fetch
from .request import Request
from .smp_files import CONFIG, TRANSFORM, SmpFiles, read_smp
from .smp_input import ENCODER, OF_HALF

__all__ = ["building", "fill", "load"]


def load(request: Request) -> NetworkSegmenter:
    """Read a folder, a repository on the hub, or a file of weights next to its config.json.

    Raises UsageError for what is no network of smp here, CheckpointError for files that can't be read.
    """
    path = fetch(request, also=(CONFIG, TRANSFORM))
    files = read_smp(path)
    assert files.classes is not None  # a config.json has it
    model = wrap(
        build(path, files, files.classes),
        request,
        Facts(
            where=str(path),
            identity=files.identity,
            about=f"{files.architecture} of segmentation-models-pytorch, encoder {files.encoder}{files.remark}",
            outputs=files.classes,
            licence=NVIDIA_LICENCE if is_nvidias(request, files) else "",
            preprocessing=files.preprocessing,
        ),
    )
    if files.encoder in OF_HALF and files.preprocessing.origin == ENCODER:  # earlier versions fed ImageNet's
        extend_identity(model, *files.preprocessing.numbers)
    return model


def is_nvidias(request: Request, files: SmpFiles) -> bool:
    """Whether the weights are NVIDIA's, or began with their encoder of a SegFormer."""
    return files.encoder.startswith("mit_b") and (files.initial == "imagenet" or "smp-hub/" in request.weights)


def build(path: Path, files: SmpFiles, classes: int) -> nn.Module:
    """Make the network that files describe, with their weights.

    Raises UsageError where smp can't build it, or where the weights are of another one.
    """
    with building(path, files.encoder), torch.random.fork_rng(devices=[]):
        kind = getattr(smp, files.architecture)
        network: nn.Module = kind(files.encoder, encoder_weights=None, classes=classes, **files.options)
    fill(network, files.weights, f"a {files.architecture} with encoder {files.encoder} and these options")
    return network


@contextmanager
def building(path: Path, encoder: str) -> Iterator[None]:
    """Hold a block that makes the network that files describe. Raises UsageError for what smp can't build."""
    if ":" in encoder:  # to timm the name of a place
        raise UsageError(f"{path}: its encoder {encoder!r} would be fetched from there; only known ones are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of an encoder's name, which is as it is
            yield
    except Exception as error:  # smp and timm raise all kinds for options that can't be
        raise UsageError(f"{path}: smp can't build its network ({' '.join(str(error).split())})") from None


def fill(network: nn.Module, weights: Content, what: str) -> None:
    """Give a network its weights, all of them and nothing else that a forward pass might read."""
    try:
        tensors, _ = fit(weights, network.state_dict())
    except CheckpointError as error:
        raise UsageError(f"{weights.path}: not {what}: {str(error).partition('; ')[2]}") from None
    network.load_state_dict(tensors)
