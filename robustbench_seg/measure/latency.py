"""Measure one speed cell: time and memory of a model for one batch. Every sample is stored.

A sample has two times: from image to logits, and from logits to a class for each pixel of the input (resize + argmax).
Some papers include the second time and some do not, so both are stored.
"""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ..models.base import Segmenter
from ..store.cell import LatencyCell
from ..suites import LatencySpec
from .rating import classify
from .views import in_precision

__all__ = ["LatencySamples", "measure_latency", "peak_memory_mib"]

WARM_UP = 3
FEWEST = 10  # samples, even if they take long
KIB_PER_MIB = 1024


@dataclass(frozen=True, kw_only=True)
class LatencySamples:
    """Milliseconds per batch, a value per sample: latency_ms from image to logits, classify_ms from logits to classes.

    peak_memory_mib: the highest memory use during a pass, minus the use before it. It is measured after warm-up,
    because libraries that load during the first pass are no part of the model. On a CPU it is resident memory. None if
    the system does not report it.
    """

    latency_ms: list[float] = field(default_factory=list)
    classify_ms: list[float] = field(default_factory=list)
    peak_memory_mib: float | None = None


@torch.inference_mode()
def measure_latency(model: Segmenter, cell: LatencyCell, spec: LatencySpec) -> LatencySamples:
    """Time the model on random pixels of the cell's size, after warm-up; a GPU is synchronised after each pass.

    spec: the duration. There are 10 samples or more, even if they take longer.
    """
    generator = torch.Generator().manual_seed(0)
    shape = (cell.batch, 3, cell.height, cell.width)
    images = torch.randint(256, shape, dtype=torch.uint8, generator=generator).to(model.device)
    logits: list[Tensor] = []

    def forward() -> None:
        with in_precision(model.device, cell.precision):
            logits[:] = [model(images)]

    def to_classes() -> None:
        classify([logits.pop().float()], (cell.height, cell.width))

    def one_pass() -> tuple[float, float]:
        return time_ms(forward, model.device), time_ms(to_classes, model.device)

    begin = time.perf_counter()
    for _ in range(WARM_UP):
        one_pass()
    peak_mib = peak_memory_mib(one_pass, model.device)
    samples: list[tuple[float, float]] = []
    while not is_enough(len(samples), time.perf_counter() - begin, spec):
        samples.append(one_pass())
    latency_ms, classify_ms = zip(*samples, strict=True)
    return LatencySamples(latency_ms=list(latency_ms), classify_ms=list(classify_ms), peak_memory_mib=peak_mib)


def is_enough(samples: int, seconds: float, spec: LatencySpec) -> bool:
    if samples < FEWEST:
        return False
    return seconds >= spec.max_seconds or (samples >= spec.min_samples and seconds >= spec.min_seconds)


def time_ms(call: Callable[[], object], device: torch.device) -> float:
    """Measure the milliseconds of a call, until the device has finished too."""
    start = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return 1000 * (time.perf_counter() - start)


def peak_memory_mib(call: Callable[[], object], device: torch.device) -> float | None:
    """Measure the highest memory use in a call, minus the use before it, in MiB.

    On a GPU it is the allocator's memory, on Linux resident memory; None on other systems.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    try:
        ctypes.CDLL(None).malloc_trim(0)  # memory that is free but resident would hide a part of the peak
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # reset the process's peak
        before = resident_kib("VmRSS")
    except (OSError, AttributeError):  # not Linux, or not glibc
        call()
        return None
    call()
    return (resident_kib("VmHWM") - before) / KIB_PER_MIB


def resident_kib(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
