"""A model that gives every pixel one class: the floor that any trained model must beat, and a fast one for tests."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .base import expect_images
from .request import Request

__all__ = ["ConstantSegmenter", "load"]


class ConstantSegmenter:
    """Logits are 1 for one class and 0 for the others, at 1/4 of the image's size."""

    licence = "Apache-2.0"
    parameters = 0
    about = "one class for every pixel"
    device = torch.device("cpu")

    def __init__(self, name: str, class_names: Sequence[str], index: int = 0) -> None:
        self.name = name
        self.class_names = tuple(class_names)
        self.index = index
        self.checkpoint_sha256 = f"constant-{index}"

    def __call__(self, images: Tensor) -> Tensor:
        expect_images(images, self.name)
        batch, _, height, width = images.shape
        logits = torch.zeros(batch, len(self.class_names), -(-height // 4), -(-width // 4))
        logits[:, self.index] = 1
        return logits


def load(request: Request) -> ConstantSegmenter:
    """Make the model of the first class."""
    return ConstantSegmenter(request.name, request.class_names)
