"""How long cells will take, from a few images that are measured and not stored."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import median

from ..datasets import Dataset, spaced
from ..datasets.in_memory import InMemory
from ..store.cell import CLEAN, CLEAN_CONDITION, Condition
from ..suites import LatencySpec
from .decoded import stamps_of
from .devices import torch_threads
from .evaluate import evaluate
from .plan import Job
from .prepare import prepare_under
from .sweep import sweeps_of
from .workers import Loader

__all__ = ["estimate_seconds"]

TRIALS = 2  # images, after one that loads compiled code and libraries


def estimate_seconds(
    jobs: Sequence[Job], dataset: Dataset | None, ids: Sequence[str], workers: int, latency: LatencySpec | None
) -> float:
    """Estimate how many seconds cells take on this machine as it is now.

    An image of a sweep is loaded and corrupted once, by `workers` while models run, and put through each model and
    view; where it can be kept as decoded, only the first sweep decodes it. A corruption is tried at one severity, the
    middle one. Images on which the statistics of BatchNorm are re-estimated count once more.
    """
    sweeps = sweeps_of(jobs)
    quality = sum(len(sweep.jobs) for sweep in sweeps)
    seconds = (len(jobs) - quality) * (latency.min_seconds if latency else 0.0)
    if dataset is None:
        return seconds
    some = spaced(ids, TRIALS)
    severities: dict[str, set[int]] = {CLEAN: {0}}
    for sweep in sweeps:
        severities.setdefault(sweep.condition.corruption, set()).add(sweep.condition.severity)
    preparing = {
        name: seconds_to_prepare(dataset, Condition(name, sorted(some_of)[len(some_of) // 2]), some)
        for name, some_of in severities.items()
    }
    in_memory = InMemory(dataset)
    for image_id in some:
        in_memory.load(image_id)
    at_work: dict[object, float] = {}
    decoded = preparing[CLEAN] if stamps_of(dataset, some) else 0.0
    for number, sweep in enumerate(sweeps):
        alone, together = preparing[sweep.condition.corruption], 0.0
        if number:
            alone = max(0.0, alone - decoded)
        for job, cell in sweep.cells:
            place = (cell.model, cell.view)
            if place not in at_work:
                setting = replace(cell.setting, condition=CLEAN_CONDITION, view=replace(cell.view, batchnorm=None))
                measure = partial(evaluate, job.model, in_memory, loader=Loader(0), setting=setting)
                with torch_threads(job.record.environment["threads"]):
                    at_work[place] = timed(measure, some)
            together += at_work[place]
        images = sweep.jobs[0].record.images
        passes = images + max(min(cell.view.batchnorm or 0, images) for _, cell in sweep.cells)
        seconds += passes * (max(together, alone / workers) if workers else together + alone)
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
