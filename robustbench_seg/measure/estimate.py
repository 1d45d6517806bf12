"""How long cells will take, from a few images that are measured and not stored."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import median

from ..datasets import Dataset, spaced
from ..store.cell import CLEAN, Condition, QualityCell, Setting
from ..suites import LatencySpec
from .devices import torch_threads
from .evaluate import evaluate
from .plan import Job
from .prepare import prepare_under
from .workers import Loader

__all__ = ["estimate_seconds"]

TRIALS = 2  # images, after one that loads compiled code and libraries


def estimate_seconds(
    jobs: Sequence[Job], dataset: Dataset | None, ids: Sequence[str], workers: int, latency: LatencySpec | None
) -> float:
    """Estimate how many seconds cells take on this machine as it is now.

    An image of a quality cell takes what it takes clean, by model and view, and what its corruption takes in addition,
    which `workers` share while the model runs; of each corruption one severity is tried, the middle one. Images on
    which the statistics of BatchNorm are re-estimated count once more.
    """
    quality = [(job, job.cell) for job in jobs if isinstance(job.cell, QualityCell)]
    seconds = (len(jobs) - len(quality)) * (latency.min_seconds if latency else 0.0)
    if dataset is None:
        return seconds
    some = spaced(ids, TRIALS)
    severities: dict[str, set[int]] = {CLEAN: {0}}
    for _, cell in quality:
        severities.setdefault(cell.corruption, set()).add(cell.severity)
    corrupting = {
        name: seconds_to_prepare(dataset, Condition(name, sorted(some_of)[len(some_of) // 2]), some)
        for name, some_of in severities.items()
    }
    clean: dict[object, float] = {}
    for job, cell in quality:
        place = (cell.model, cell.view)
        if place not in clean:
            setting = Setting(view=replace(cell.view, batchnorm=None), precision=cell.precision, metrics=cell.metrics)
            measure = partial(evaluate, job.model, dataset, loader=Loader(0), setting=setting)
            with torch_threads(job.record.environment["threads"]):
                clean[place] = timed(measure, some)
        alone = corrupting[cell.corruption]
        together = clean[place] + max(0.0, alone - corrupting[CLEAN])
        passes = job.record.images + min(cell.view.batchnorm or 0, job.record.images)
        seconds += passes * (max(clean[place], alone / workers) if workers else together)
    return seconds


def seconds_to_prepare(dataset: Dataset, condition: Condition, ids: Sequence[str]) -> float:
    prepare = prepare_under(condition, dataset)
    return timed(lambda ids: [prepare(image_id) for image_id in ids], ids)


def timed(work: Callable[[Sequence[str]], object], ids: Sequence[str]) -> float:
    """Measure the seconds that an image takes, the median over some, after one that is not counted."""
    work(ids[:1])
    times = []
    for image_id in ids:
        begin = time.perf_counter()
        work([image_id])
        times.append(time.perf_counter() - begin)
    return median(times)
