"""Where a run computes: the device, and the number of torch's threads."""

import os

import torch

from .. import environment
from ..errors import UsageError

__all__ = ["evaluation_threads", "find_device"]


def find_device(name: str) -> torch.device:
    """Turn "cpu", "cuda" or "cuda:1" into a device. Raises UsageError where this machine has none of that name."""
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

    Without OMP_NUM_THREADS it leaves a core to each process of the default --workers: torch's threads wait for each
    other, so that one without a core holds up all. It is the same for any --workers: another number of threads adds up
    in another order, and single pixels may get another class.
    """
    threads = torch.get_num_threads()
    if "OMP_NUM_THREADS" in os.environ:
        return threads
    return min(threads, max(1, environment.available_cores() - environment.default_workers(device.type)))
