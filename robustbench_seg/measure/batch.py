"""Images of equal size together, on the device of a model; and what comes back from there.

On a GPU nothing here waits for the device: images go there from pinned memory on a separate stream, while the model
is at work on the images before, and results are fetched when an event reports that they are there.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..datasets.base import Sample

__all__ = ["Batch", "batches", "to_host"]

DELAY = 4  # batches whose samples may wait for others of their size


class Batch:
    """Samples whose images have one size, and whose labels do."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = tuple(samples)
        self.copies: dict[torch.device, tuple[Tensor, Tensor]] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def on(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Give images uint8 (B, H, W, 3) and labels uint8 (B, height, width) on a device, sent there once."""
        if device not in self.copies:
            images = send([sample.image for sample in self.samples], device)
            self.copies[device] = images, send([sample.label for sample in self.samples], device)
        return self.copies[device]

    def parts(self, size: int) -> list["Batch"]:
        """Split it into batches of this size at most."""
        if len(self) <= size:
            return [self]
        return [Batch(self.samples[first : first + size]) for first in range(0, len(self), size)]


def batches(samples: Iterable[Sample], size: int) -> Iterator[Batch]:
    """Put samples of equal size together, `size` of them at most, in the order in which batches are complete."""
    waiting: dict[tuple[tuple[int, ...], ...], list[Sample]] = {}
    for sample in samples:
        shapes = (sample.image.shape, sample.label.shape)
        waiting.setdefault(shapes, []).append(sample)
        if len(waiting[shapes]) == size:
            yield Batch(waiting.pop(shapes))
        elif sum(map(len, waiting.values())) >= DELAY * size:
            yield Batch(waiting.pop(max(waiting, key=lambda shape: len(waiting[shape]))))
    yield from map(Batch, waiting.values())


def send(arrays: Sequence[NDArray[np.uint8]], device: torch.device) -> Tensor:
    """Put arrays of one shape on a device, stacked; what the device does after this finds them there.

    On a CPU, one array is not copied: the tensor lies in its memory. For a GPU they are stacked in pinned memory, from
    which it takes them while this process continues. PyTorch keeps that memory until the copy is made.
    """
    if device.type != "cuda":
        stacked = np.stack(arrays) if len(arrays) > 1 else np.require(arrays[0], requirements=["C", "W"])[None]
        return torch.from_numpy(stacked).to(device)
    host = torch.empty((len(arrays), *arrays[0].shape), dtype=torch.uint8, pin_memory=True)
    writable = [np.require(array, requirements=["C", "W"]) for array in arrays]  # torch warns of others
    torch.stack([torch.from_numpy(array) for array in writable], out=host)  # by several threads
    copier, work = stream_for_copies(device), torch.cuda.current_stream(device)
    with torch.cuda.stream(copier):
        there = host.to(device, non_blocking=True)
    work.wait_stream(copier)  # the device waits, not this process
    there.record_stream(work)  # its memory belongs to the other stream
    return there


@lru_cache
def stream_for_copies(device: torch.device) -> Any:
    stream: Any = torch.cuda.Stream
    return stream(device)


def to_host(values: Tensor) -> Tensor:
    """Copy values from a GPU without waiting: they are there after an event that is recorded next."""
    if not values.is_cuda:
        return values
    host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    return host.copy_(values, non_blocking=True)
