"""What a model is to the suite: uint8 RGB images in, logits out. It owns its preprocessing, so nobody else does."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .preprocessing import IMAGENET, Preprocessing

__all__ = ["NetworkSegmenter", "Segmenter", "unchanged"]


class Segmenter(Protocol):
    """A model under test.

    name: as in the suite. class_names: one per logit. licence: of the weights. checkpoint_sha256: of all files that
    decide the logits (`segformer.files.identity_of`); for random weights a word that says so. about: the network in
    words, and its preprocessing where that is not ImageNet's. parameters: their number.
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
class NetworkSegmenter:
    """A Segmenter around a torch network that takes float images which `preprocessing` made."""

    name: str
    network: nn.Module
    class_names: tuple[str, ...]
    licence: str
    checkpoint_sha256: str
    about: str
    preprocessing: Preprocessing = IMAGENET

    def __post_init__(self) -> None:
        self.network.eval()
        self.parameters = sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    def __call__(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(self.preprocessing.normalise(images))
        return logits
