"""torchvision's segmentation networks, with weights from a file: FCN, DeepLabV3 and LR-ASPP."""

from pathlib import Path

import torch
from torch import nn

from segformer.files import Content, identity_of, read_file

from ..errors import UsageError
from .base import NetworkSegmenter, unchanged
from .filling import fill
from .foreign import Facts, wrap
from .preprocessing import Preprocessing
from .request import Request

__all__ = ["load"]

# The bias of the last layer has a value per class, whatever the backbone.
LAST = ("classifier.4.bias", "classifier.low_classifier.bias")


def load(request: Request) -> NetworkSegmenter:
    """Make a network by its name in torchvision, and read its weights: NAME@FILE.

    Raises UsageError for another name and for weights that are not there, CheckpointError for those that do not fit.
    """
    from torchvision.models import get_model, list_models, segmentation

    name, _, file = request.weights.partition("@")
    known = list_models(segmentation)
    if name not in known:
        raise UsageError(f"torchvision has no network {name!r} for segmentation; it has {', '.join(known)}")
    path = Path(file)
    if not file or not path.is_file():
        lack = f"{file}: no such file" if file else "its weights come from a file"
        raise UsageError(f"torchvision:{name}: {lack}; write torchvision:{name}@FILE")
    with unchanged([path]):
        content, identity = read_file(path), identity_of([path], path.parent)
    classes = classes_of(content)
    with torch.random.fork_rng(devices=[]):
        network: nn.Module = get_model(name, weights=None, weights_backbone=None, num_classes=classes)
    fill(network, content)
    return wrap(
        network,
        request,
        Facts(
            where=str(path),
            identity=identity,
            about=f"{name} of torchvision",
            names=released_names(name, path, classes),
            outputs=classes,
            preprocessing=Preprocessing(origin="torchvision's"),
        ),
    )


def classes_of(content: Content) -> int:
    """Read the number of classes from the shapes. Raises UsageError where no last layer is found."""
    for key, tensor in content.tensors.items():
        if key.endswith(LAST) and not key.startswith("aux_classifier"):
            return tensor.shape[0]
    raise UsageError(
        f"{content.path}: holds no network of torchvision: {' or '.join(LAST)} is not there; found "
        f"{', '.join(list(content.tensors)[:10])}"
    )


def released_names(name: str, path: Path, classes: int) -> tuple[str, ...]:
    """Name the classes of a file that torchvision released, which it is known by; of another file they are unknown."""
    from torchvision.models import get_model_weights

    for weights in get_model_weights(name):
        if Path(weights.url).name == path.name and len(weights.meta["categories"]) == classes:
            return tuple(weights.meta["categories"])
    return ()
