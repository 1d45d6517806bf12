"""The device of a run, and the number of torch's threads."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .. import environment
from ..errors import UsageError

__all__ = ["evaluation_threads", "find_device", "torch_threads"]


def find_device(name: str) -> torch.device:
    """Turn "cpu", "cuda" or "cuda:1" into a device. Raises UsageError if this machine lacks it."""
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"--device must be cpu, cuda or cuda:N, got {name!r}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"--device {name}: torch sees {torch.cuda.device_count()} CUDA devices here")
    return device


def evaluation_threads(device: torch.device) -> int:
    """Choose the number of torch's threads in a quality cell.

    Without OMP_NUM_THREADS each process of the default --workers gets its own core: torch's threads wait for each
    other, so one thread without a core delays all. The number does not depend on --workers: with other threads, sums
    are added in another order, and single pixels may get another class.
    """
    threads = torch.get_num_threads()
    if "OMP_NUM_THREADS" in os.environ:
        return threads
    return min(threads, max(1, environment.available_cores() - environment.default_workers(device.type)))


@contextmanager
def torch_threads(number: int | None) -> Iterator[None]:
    """Let torch use this number of threads; as many as before for None."""
    before = torch.get_num_threads()
    if number in (None, before):  # setting the same number is not free
        yield
        return
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
