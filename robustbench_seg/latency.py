"""One speed cell: how long a model takes for one batch, image to logits; every sample is kept."""

import time
from dataclasses import dataclass

import torch

from .models.base import Segmenter
from .record import LatencyCell

__all__ = ["Budget", "measure_latency"]

WARM_UP = 3
FEWEST = 10  # samples, however long they take


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long to measure: until there are min_samples and min_seconds have passed, but at most max_seconds once there
    are 10 samples.
    """

    min_samples: int = 30
    min_seconds: float = 10.0
    max_seconds: float = 120.0


@torch.inference_mode()
def measure_latency(model: Segmenter, cell: LatencyCell, budget: Budget) -> list[float]:
    """Time the model on random pixels of the cell's size; milliseconds per batch, after warm-up, synchronised."""
    generator = torch.Generator().manual_seed(0)
    shape = (cell.batch, 3, cell.height, cell.width)
    images = torch.randint(256, shape, dtype=torch.uint8, generator=generator).to(model.device)
    samples: list[float] = []
    begin = time.perf_counter()
    while not enough(len(samples) - WARM_UP, time.perf_counter() - begin, budget):
        start = time.perf_counter()
        with torch.autocast(model.device.type, torch.bfloat16, enabled=cell.precision == "bf16"):
            model(images)
        if model.device.type == "cuda":
            torch.cuda.synchronize(model.device)
        samples.append(1000 * (time.perf_counter() - start))
    return samples[WARM_UP:]


def enough(samples: int, seconds: float, budget: Budget) -> bool:
    if samples < FEWEST:
        return False
    return seconds >= budget.max_seconds or (samples >= budget.min_samples and seconds >= budget.min_seconds)
