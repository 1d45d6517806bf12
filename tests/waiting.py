"""Blocks in which PyTorch raises an error where this process waits for a GPU."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["nothing_waits"]


@contextmanager
def nothing_waits() -> Iterator[None]:
    """Hold a block that raises RuntimeError where an operation waits for the GPU without being asked to."""
    set_mode("error")
    try:
        yield
    finally:
        set_mode("default")


def set_mode(mode: str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Synchronization debug mode is a prototype")
        torch.cuda.set_sync_debug_mode(mode)
