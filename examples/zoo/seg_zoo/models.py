"""Networks of the zoo as models that robustbench-seg measures: uint8 RGB images in, logits out."""

import os
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from robustbench_seg.models import Model, Request
from robustbench_seg.models.base import NetworkSegmenter, Segmenter
from robustbench_seg.models.preprocessing import Preprocessing

from .files import load
from .folding import fold
from .recipes import class_names

__all__ = ["Padded", "make", "zoo"]


class Padded(nn.Module):
    """Pad normalised images with 0, right and bottom, to multiples of a number, and cut the logits back."""

    def __init__(self, network: nn.Module, multiple: int) -> None:
        super().__init__()
        self.network = network
        self.multiple = multiple

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        images = images.contiguous(memory_format=torch.channels_last)  # as the folded network computes
        right, bottom = -width % self.multiple, -height % self.multiple
        if not right and not bottom:
            return self.network(images)
        padded = pad(images, (0, right, 0, bottom))
        logits = interpolate(self.network(padded), padded.shape[2:], mode="bilinear", align_corners=False)
        return logits[:, :, :height, :width]


def make(checkpoint: str | os.PathLike[str]) -> Segmenter:
    """Make the model of a file of weights: a `.pth` of torch, or the 8-bit `.tflite`.

    All outputs are kept: a pixel may be given the class "background" or "unlabelled" where the network has it.
    Raises ValueError for a file that is not known, and for a number of outputs for which no recipe is known.
    """
    path = Path(checkpoint)
    if path.suffix == ".tflite":
        from .tflite import HardLabels

        return HardLabels(path)
    loaded = load(path)
    kind = loaded.architecture
    if loaded.outputs not in kind.recipes:
        known = " or ".join(map(str, kind.recipes))
        raise ValueError(f"{path}: is {kind.name} with {loaded.outputs} outputs; the input is known for {known} alone")
    recipe = kind.recipes[loaded.outputs]
    padding = f", padded with 0 to multiples of {kind.multiple}" if kind.multiple > 1 else ""
    parameters = sum(parameter.numel() for parameter in loaded.network.parameters())
    made = NetworkSegmenter(
        name=path.stem,
        network=Padded(fold(loaded.network), kind.multiple),
        class_names=class_names(loaded.outputs),
        licence=kind.licence,
        checkpoint_sha256=loaded.sha256,
        about=f"{kind.name} from {kind.source}, input recipe {recipe.letter}{padding}, BatchNorm folded",
        preprocessing=Preprocessing(order=recipe.order, rescale=recipe.rescale, mean=recipe.mean, std=recipe.std),
    )
    made.parameters = parameters  # the file's; folding leaves fewer
    return made


def load_request(request: Request) -> Segmenter:
    """Make the model that a suite asks for under a name of its own."""
    made = make(request.weights)
    made.name = request.name
    return made


zoo = Model(name="zoo", function=load_request)
