"""Where a run computes: the device by its name, and how many threads torch gets."""

import os

import torch

from .. import environment
from ..errors import UsageError

__all__ = ["evaluation_threads", "find_device"]


def find_device(name: str) -> torch.device:
    """Turn "cpu" or "cuda" (or "cuda:1") into a device. Raises UsageError where there is none of that name."""
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
    """How many threads torch gets in a quality cell: what OMP_NUM_THREADS says, or a core is left to each process that
    loads images by default, since torch's threads wait for each other, and one that is held up holds up all.

    It is the same for any --workers: with another number of threads, sums are added in another order and single pixels
    may get another class.
    """
    threads = torch.get_num_threads()
    if "OMP_NUM_THREADS" in os.environ:
        return threads
    return min(threads, max(1, environment.available_cores() - environment.default_workers(device.type)))
