"""What a model is to the suite: uint8 RGB images in, logits out. It owns its preprocessing."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import UsageError
from ..files import SHA256_DIGITS, digest
from .preprocessing import IMAGENET, Preprocessing

__all__ = [
    "NetworkSegmenter", "PreparedSegmenter", "Segmenter", "expect_images", "expect_segmenter", "extend_identity",
    "pad_and_crop", "takes_logarithm", "unchanged",
]  # fmt: skip


ATTRIBUTES = ("__call__", "class_names", "licence", "checkpoint_sha256", "about", "parameters", "device")


def is_text(value: object) -> bool:
    return isinstance(value, str)


def are_texts(value: object) -> bool:
    return isinstance(value, tuple | list) and all(map(is_text, value))


# What a record keeps of a Segmenter, and a run needs.
FORMS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "class_names": ("a tuple of texts", are_texts),
    "licence": ("a text", is_text),
    "checkpoint_sha256": ("a text, such as an identity of its weights or 'none'", is_text),
    "about": ("a text", is_text),
    "parameters": ("an integer of 0 or more", lambda value: type(value) is int and value >= 0),
    "device": ("a torch.device", lambda value: isinstance(value, torch.device)),
}


class Segmenter(Protocol):
    """A model under test.

    name: as in the suite. class_names: one per logit. licence: of the weights. checkpoint_sha256: of all files that
    decide the logits (`segformer.files.identity_of`); for random weights a word that states it. about: the network in
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


def expect_segmenter(made: object, where: str) -> None:
    """Raise UsageError for what is no Segmenter, naming what it lacks."""
    if lacking := [name for name in ATTRIBUTES if not hasattr(made, name)]:
        kind = type(made).__name__
        raise UsageError(f"{where}: {kind} is neither a torch network nor a Segmenter: it lacks {', '.join(lacking)}")
    for name, (form, is_allowed) in FORMS.items():
        if not is_allowed(value := getattr(made, name)):
            raise UsageError(f"{where}: its {name} must be {form}, got {value!r:.60}")


def expect_images(images: object, name: str) -> None:
    """Raise UsageError for anything but uint8 (B, 3, H, W): of floats, or of channels last, logits would be wrong."""
    if isinstance(images, Tensor) and images.dtype == torch.uint8 and images.ndim == 4 and images.shape[1] == 3:
        return
    got = type(images).__name__
    if isinstance(images, Tensor):
        got = f"{str(images.dtype).removeprefix('torch.')} {tuple(images.shape)}"
    raise UsageError(f"{name} takes a tensor of uint8 RGB images (B, 3, H, W), got {got}")


def extend_identity(model: Segmenter, *more: Any) -> None:
    """Make the identity of a model cover more, JSON values; where it was a sha256 of its files, `about` states that."""
    if len(model.checkpoint_sha256) == SHA256_DIGITS:
        model.about += f"; weights sha256 {model.checkpoint_sha256}"
    model.checkpoint_sha256 = digest([model.checkpoint_sha256, *more])


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


def pad_and_crop(scores_of: Callable[[Tensor], Tensor], images: Tensor, pad_to: int) -> Tensor:
    """Pad normalised images right and bottom to a multiple, with 0, the mean colour, and crop their scores again.

    Scores at a whole stride keep ceil(side / stride) rows and columns, as many as without padding; others are resized
    to the padded size first, bilinearly.
    """
    height, width = images.shape[2:]
    more = -width % pad_to, -height % pad_to
    if not any(more):
        return scores_of(images)
    padded = functional.pad(images, (0, more[0], 0, more[1]))
    scores = scores_of(padded)
    size = (padded.shape[2], padded.shape[3])
    stride = size[0] // scores.shape[2]
    if size != (stride * scores.shape[2], stride * scores.shape[3]):
        scores, stride = functional.interpolate(scores, size, mode="bilinear", align_corners=False), 1
    return scores[:, :, : -(-height // stride), : -(-width // stride)]


@dataclass(kw_only=True)
class PreparedSegmenter(ABC):
    """A Segmenter around something that takes float images which `preprocessing` made.

    sides: the one (height, width) that it takes; None for any. log_after_resize: as of `Segmenter`. resize: what its
    own image processor does to the size of uint8 images (B, 3, H, W), for the view `processor`.
    """

    name: str
    class_names: tuple[str, ...]
    licence: str
    checkpoint_sha256: str
    about: str
    preprocessing: Preprocessing = IMAGENET
    sides: tuple[int, int] | None = None
    log_after_resize: bool = False
    resize: Callable[[Tensor], Tensor] | None = None

    def __call__(self, images: Tensor, pad_to: int = 1) -> Tensor:
        expect_images(images, self.name)
        height, width = (side + -side % pad_to for side in images.shape[2:])
        self.refuse_another_size((height, width))
        return pad_and_crop(self.scores, self.preprocessing.normalise(images), pad_to)

    def refuse_another_size(self, size: tuple[int, int]) -> None:
        """Raise UsageError for images of another (height, width) than the one that it takes, if it takes one alone."""
        if self.sides not in (None, size):
            height, width = self.sides
            window = f", or windows of {height} pixels, such as slide-{height}-{height * 3 // 4}"
            raise UsageError(
                f"{self.name} takes images of {height}x{width} alone, got {size[0]}x{size[1]}: use the view "
                f"resize-{height}x{width}{window if height == width else ''}"
            )

    def process_size(self, images: Tensor) -> Tensor:
        """Resize uint8 images (B, 3, H, W) as its own image processor does. Raises UsageError where it has none."""
        if self.resize is None:
            raise UsageError(f"{self.name} has no image processor, so that the view processor is not for it")
        return self.resize(images)

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
