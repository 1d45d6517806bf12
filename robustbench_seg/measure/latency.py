"""One speed cell: the time and the memory that a model takes for one batch; every sample is kept.

A sample has two times: from image to logits, and from logits to a class for each pixel of the input (resize + argmax).
Papers differ in whether they include the second, so both are kept.
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
from .rating import classify
from .views import in_precision

__all__ = ["Budget", "Speed", "measure_latency", "peak_memory_mib"]

WARM_UP = 3
FEWEST = 10  # samples, however long they take
KIB_PER_MIB = 1024


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long to measure: at least min_samples and min_seconds, at most max_seconds, but 10 samples in any case."""

    min_samples: int = 30
    min_seconds: float = 10.0
    max_seconds: float = 120.0


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Milliseconds per batch, a value per sample: latency_ms from image to logits, classify_ms from there to classes.

    peak_memory_mib: the highest memory use during a pass, minus the use before it; after warm-up, since libraries that
    load during the first pass are not the model's. On a CPU it is resident memory. None on a system that does not
    report it.
    """

    latency_ms: list[float] = field(default_factory=list)
    classify_ms: list[float] = field(default_factory=list)
    peak_memory_mib: float | None = None


@torch.inference_mode()
def measure_latency(model: Segmenter, cell: LatencyCell, budget: Budget) -> Speed:
    """Time the model on random pixels of the cell's size, after warm-up, synchronised."""
    generator = torch.Generator().manual_seed(0)
    shape = (cell.batch, 3, cell.height, cell.width)
    images = torch.randint(256, shape, dtype=torch.uint8, generator=generator).to(model.device)
    logits: list[Tensor] = []

    def forward() -> None:
        with in_precision(model.device, cell.precision):
            logits[:] = [model(images)]

    def to_classes() -> None:
        classify([logits.pop().float()], (cell.height, cell.width))

    def turn() -> tuple[float, float]:
        return timed(forward, model.device), timed(to_classes, model.device)

    begin = time.perf_counter()
    for _ in range(WARM_UP):
        turn()
    peak_mib = peak_memory_mib(turn, model.device)
    samples: list[tuple[float, float]] = []
    while not enough(len(samples), time.perf_counter() - begin, budget):
        samples.append(turn())
    latency_ms, classify_ms = zip(*samples, strict=True)
    return Speed(latency_ms=list(latency_ms), classify_ms=list(classify_ms), peak_memory_mib=peak_mib)


def enough(samples: int, seconds: float, budget: Budget) -> bool:
    if samples < FEWEST:
        return False
    return seconds >= budget.max_seconds or (samples >= budget.min_samples and seconds >= budget.min_seconds)


def timed(call: Callable[[], object], device: torch.device) -> float:
    """Measure the milliseconds until the call's work is done, on the device too."""
    start = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return 1000 * (time.perf_counter() - start)


def peak_memory_mib(call: Callable[[], object], device: torch.device) -> float | None:
    """Measure the highest memory use in a call, minus the use before: the allocator's on a GPU, resident on Linux."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    try:
        ctypes.CDLL(None).malloc_trim(0)  # what is free but still resident would hide as much of the peak
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the process's peak starts anew
        before = resident_kib("VmRSS")
    except (OSError, AttributeError):  # not Linux, or not glibc
        call()
        return None
    call()
    return (resident_kib("VmHWM") - before) / KIB_PER_MIB


def resident_kib(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
