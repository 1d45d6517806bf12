"""What a model is to the suite: uint8 RGB images in, logits out. It owns its normalisation, so nobody else does."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "NetworkSegmenter", "Segmenter", "normalise"]

# Mean and standard deviation of ImageNet's RGB values, 0 .. 255: what every network here was made for.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


class Segmenter(Protocol):
    """A model under test.

    name: as in the suite. class_names: one per logit. licence: of the weights. checkpoint_sha256: of the file they were
    read from; for random weights a word that says so. about: the network in words. parameters: their number.
    """

    name: str
    class_names: tuple[str, ...]
    licence: str
    checkpoint_sha256: str
    about: str
    parameters: int

    @property
    def device(self) -> torch.device:
        """Where images must be."""

    def __call__(self, images: Tensor) -> Tensor:
        """Turn uint8 RGB (B, 3, H, W) into float logits (B, classes, h, w), at any stride."""


def normalise(images: Tensor) -> Tensor:
    """Turn uint8 RGB (B, 3, H, W) into float32 with ImageNet's mean 0 and standard deviation 1."""
    mean = torch.tensor(IMAGENET_MEAN, device=images.device)[:, None, None]
    std = torch.tensor(IMAGENET_STD, device=images.device)[:, None, None]
    return (images.float() - mean) / std


@dataclass(kw_only=True)
class NetworkSegmenter:
    """A Segmenter around a torch network that takes normalised float images."""

    name: str
    network: nn.Module
    class_names: tuple[str, ...]
    licence: str
    checkpoint_sha256: str
    about: str

    def __post_init__(self) -> None:
        self.network.eval()
        self.parameters = sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    def __call__(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(normalise(images))
        return logits
