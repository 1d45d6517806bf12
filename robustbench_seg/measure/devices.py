"""The device of a run: torch's threads, time on it, and its memory."""

import ctypes
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch

from .. import environment
from ..errors import MachineError, UsageError, in_one_line

__all__ = [
    "Stopwatch", "accelerator_of", "evaluation_threads", "find_device", "fitting_batch", "kernels_on", "loading_onto",
    "memory_kept", "torch_threads",
]  # fmt: skip

SHARE_OF_MEMORY = 0.8  # of a GPU, for one batch
# Parameters of glibc's mallopt: how much free memory is kept, -1 for all; from which size on, and how many, arrays have
# separate pages, which go back to the system with the array. In the block of `memory_kept`, and after it: what glibc
# itself ends with in a process that has freed large arrays.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
KEEP = {M_TRIM_THRESHOLD: -1, M_MMAP_MAX: 0}
GIVE_BACK = {M_TRIM_THRESHOLD: 1 << 26, M_MMAP_THRESHOLD: 1 << 25, M_MMAP_MAX: 1 << 16}
KEEPING: list[None] = []  # one for each block of `memory_kept` that is open
LOCK = threading.Lock()


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


@contextmanager
def loading_onto(device: torch.device) -> Iterator[None]:
    """Hold a block that loads models onto a device. Raises MachineError where a GPU is full, or refuses."""
    try:
        yield
    except (torch.OutOfMemoryError, torch.AcceleratorError) as error:
        raise MachineError(
            f"--device {device}: models can't be loaded there ({in_one_line(error):.300}); nvidia-smi shows what else "
            "is using it"
        ) from None


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


@contextmanager
def memory_kept() -> Iterator[None]:
    """Hold a block in which this process keeps the memory of the arrays that it frees, for the next ones.

    Otherwise glibc returns large arrays to the system, which clears each page of the next ones: up to a quarter of a
    CPU's forward pass. The last block that ends, of all threads, gives the memory back. Elsewhere than on Linux with
    glibc, nothing changes.
    """
    library: Any = ctypes.CDLL(None) if sys.platform == "linux" else None
    if not (hasattr(library, "mallopt") and hasattr(library, "malloc_trim")):
        yield
        return
    with LOCK:
        KEEPING.append(None)
        for parameter, value in KEEP.items():
            library.mallopt(parameter, value)
    try:
        yield
    finally:
        with LOCK:
            KEEPING.pop()
            if not KEEPING:
                for parameter, value in GIVE_BACK.items():
                    library.mallopt(parameter, value)
                library.malloc_trim(0)


class Stopwatch:
    """The time from now to `stop`, on the clock of a device: on a GPU it runs while the device works.

    Neither starting nor stopping waits for a GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.cuda, self.elapsed_s = device.type == "cuda", 0.0
        if self.cuda:
            event: Any = torch.cuda.Event
            self.events = [event(enable_timing=True) for _ in range(2)]
            self.stream = torch.cuda.current_stream(device)
            self.events[0].record(self.stream)
        self.begin = time.perf_counter()

    def stop(self) -> None:
        """Stop when the device has done what it was given until now."""
        self.elapsed_s = time.perf_counter() - self.begin
        if self.cuda:
            self.events[1].record(self.stream)

    def seconds(self) -> float:
        """Wait until it has stopped, and give the seconds."""
        if self.cuda:
            self.events[1].synchronize()
            self.elapsed_s = self.events[0].elapsed_time(self.events[1]) / 1000
        return self.elapsed_s


def accelerator_of(device: torch.device) -> tuple[str, bool | None]:
    """Name a device, "cpu" or a GPU's name; and whether Triton's kernels run on it, None for a CPU."""
    if device.type != "cuda":
        return "cpu", None
    return torch.cuda.get_device_name(device), kernels_on(device) is not None


def kernels_on(device: torch.device) -> Any:
    """Return the module `kernels` if a device can run them: a GPU, where Triton and a C compiler are. Else None.

    Raises torch.OutOfMemoryError where the GPU is full, which is no answer.
    """
    if device.type != "cuda":
        return None
    return kernels_of(torch.cuda.current_device() if device.index is None else device.index)


@lru_cache
def kernels_of(gpu: int) -> Any:
    try:
        from . import kernels

        kernels.try_all(torch.device("cuda", gpu))
    except torch.OutOfMemoryError:
        raise
    except Exception:
        return None
    return kernels


@contextmanager
def fitting_batch(device: torch.device, most: int) -> Iterator[list[int]]:
    """Hold a block that puts one image through a model on a GPU; the list then has how many fit, 1 .. most."""
    fitting: list[int] = []
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    yield fitting
    image = max(1, torch.cuda.max_memory_allocated(device) - before)
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    free = torch.cuda.mem_get_info(device)[0] + unused
    fitting.append(max(1, min(most, int(SHARE_OF_MEMORY * free / image))))
