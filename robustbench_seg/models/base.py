"""What a model is to the suite: uint8 RGB images in, logits out. It owns its preprocessing, so nobody else does."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .preprocessing import IMAGENET, Preprocessing

__all__ = ["NetworkSegmenter", "PreparedSegmenter", "Segmenter", "takes_logarithm", "unchanged"]


class Segmenter(Protocol):
    """A model under test.

    name: as in the suite. class_names: one per logit. licence: of the weights. checkpoint_sha256: of all files that
    decide the logits (`segformer.files.identity_of`); for random weights a word that says so. about: the network in
    words, and its preprocessing where that is not ImageNet's. parameters: their number.

    A model may also have `log_after_resize`, true where its scores are no logits but sums of mask probabilities, which
    are resized as they are; see `takes_logarithm`.
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


def takes_logarithm(model: Segmenter) -> bool:
    """Whether a model's scores are to be resized as they are, and their logarithm are the logits."""
    return bool(getattr(model, "log_after_resize", False))


@contextmanager
def unchanged(paths: Iterable[Path]) -> Iterator[None]:
    """Hold a block in which files are read and hashed to files that stay as they are: else the hash would be of others.

    Raises UsageError that names the file.
    """
    before = {path: stamp(path) for path in paths}
    yield
    for path, then in before.items():
        if stamp(path) != then:
            raise UsageError(f"{path}: changed while it was read; run again when nothing writes there")


def stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes with a file's content, None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


@dataclass(kw_only=True)
class PreparedSegmenter(ABC):
    """A Segmenter around something that takes float images which `preprocessing` made.

    sides: the one (height, width) that it takes; None for any. log_after_resize: as of `Segmenter`.
    """

    name: str
    class_names: tuple[str, ...]
    licence: str
    checkpoint_sha256: str
    about: str
    preprocessing: Preprocessing = IMAGENET
    sides: tuple[int, int] | None = None
    log_after_resize: bool = False

    def __call__(self, images: Tensor) -> Tensor:
        size = (images.shape[2], images.shape[3])
        if self.sides not in (None, size):
            height, width = self.sides
            window = f", or windows of {height} pixels, such as slide-{height}-{height * 3 // 4}"
            raise UsageError(
                f"{self.name} takes images of {height}x{width} alone, got {size[0]}x{size[1]}: use the view "
                f"resize-{height}x{width}{window if height == width else ''}"
            )
        return self.scores(self.preprocessing.normalise(images))

    @abstractmethod
    def scores(self, inputs: Tensor) -> Tensor:
        """Turn what `preprocessing` made (B, 3, H, W) into logits, or scores whose logarithm they are."""


@dataclass(kw_only=True)
class NetworkSegmenter(PreparedSegmenter):
    """A Segmenter around a torch network."""

    network: nn.Module

    def __post_init__(self) -> None:
        self.network.eval()
        self.parameters = sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def device(self) -> torch.device:
        return next(chain(self.network.parameters(), self.network.buffers()), torch.empty(0)).device

    def scores(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.network(inputs)
        return logits
