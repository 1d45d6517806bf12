"""Measure the cells of a plan that the store lacks, one by one. A cell that raises is noted; the run continues."""

import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from ..datasets import Dataset
from ..datasets.base import LabelMap, Sample
from ..errors import DataError
from ..store.cell import LatencyCell, QualityCell
from ..store.folder import Store
from ..store.plan import Failure
from ..suites import Suite
from .devices import torch_threads
from .evaluate import evaluate
from .latency import Budget, measure_latency
from .pictures import save_pictures
from .plan import Job, Options, make_jobs, open_data
from .prepare import CorruptedSample
from .workers import Loader

__all__ = ["Listener", "Listeners", "run"]


class Listener:
    """Receives the progress of a run. This base class ignores it."""

    def noted(self, line: str) -> None:
        """Called before the run: the data set ignores a file, or the store was repaired."""

    def planned(self, done: int, waiting: list[Job]) -> None:
        """Called with the number of cells that the store already holds, and the waiting jobs."""

    def image(self) -> None:
        """Called after each image of the current cell."""

    def finished(self, job: Job, error: Exception | None) -> None:
        """Called when a cell is stored, or has failed."""


class Listeners(Listener):
    """Several that hear the same run."""

    def __init__(self, *listeners: Listener) -> None:
        self.listeners = listeners

    def noted(self, line: str) -> None:
        for each in self.listeners:
            each.noted(line)

    def planned(self, done: int, waiting: list[Job]) -> None:
        for each in self.listeners:
            each.planned(done, waiting)

    def image(self) -> None:
        for each in self.listeners:
            each.image()

    def finished(self, job: Job, error: Exception | None) -> None:
        for each in self.listeners:
            each.finished(job, error)


@dataclass(frozen=True)
class Context:
    """The values that all cells of a run share."""

    suite: Suite
    dataset: Dataset | None
    ids: tuple[str, ...]
    loader: Loader
    store: Store
    listener: Listener


def run(suite: Suite, out: Path, options: Options, listener: Listener) -> list[Job]:
    """Measure the cells of a suite that the folder `out` lacks; return the failed jobs.

    Raises RobustBenchError or CheckpointError before the first cell for a fault in the suite, the options, the data's
    folders or the weights, and if another run is using the folder.
    """
    store = Store(out)
    dataset, ids = open_data(suite, options)
    plan, jobs = make_jobs(suite, options, dataset, ids, listener.noted)
    with store.in_use(), Loader(options.workers) as loader:
        paths = [store.path(job.record.kind, job.cell.slug, job.record.key) for job in jobs]
        whole = store.check(paths, listener.noted)
        store.expect_alike(whole.values(), len(dataset.class_names) if dataset else None, suite.metrics)
        if renewed := store.bring_up_to_date(whole):
            listener.noted(f"{out}: brought {renewed} of {len(whole)} files up to date; their counts do not change")
        store.write_plan(plan)
        waiting = []
        for job, path in zip(jobs, paths, strict=True):
            if path in whole:
                store.forget_failures(job.record)
            else:
                waiting.append(job)
        listener.planned(len(jobs) - len(waiting), waiting)
        context = Context(suite, dataset, ids, loader, store, listener)
        failed = []
        for job in waiting:
            error = None
            try:
                if isinstance(job.cell, LatencyCell):
                    measure_speed(context, job, job.cell)
                else:
                    with torch_threads(job.record.environment["threads"]):
                        measure_quality(context, job, job.cell)
            except Exception as caught:
                store.write_failure(Failure(record=job.record, traceback=traceback.format_exc()))
                failed.append(job)
                error = caught
            listener.finished(job, error)
    return failed


def measure_quality(context: Context, job: Job, cell: QualityCell) -> None:
    """Evaluate one quality cell and store it. Gallery images outside of the chosen ids are saved, but not counted.

    Raises DataError if the corruption changes no image: the scores would be the scores of clean images.
    """
    dataset = context.dataset
    assert dataset is not None
    folder = context.store.gallery(cell.slug, job.record.key)
    counted = set(context.ids)
    differences: list[float] = []

    def on_image(sample: Sample, prediction: LabelMap) -> None:
        if sample.image_id in context.suite.gallery:
            save_pictures(folder, dataset, sample, prediction)
        if sample.image_id in counted:
            context.listener.image()
            if isinstance(sample, CorruptedSample):
                differences.append(sample.difference)

    others = [image_id for image_id in context.suite.gallery if image_id not in counted]
    rows, timings = evaluate(job.model, dataset, context.ids, context.loader, cell.setting, on_image, others)
    difference = fmean(differences) if differences else None
    if difference == 0:
        raise DataError(f"{cell.corruption} at severity {cell.severity} changes none of the {len(differences)} images")
    record = replace(job.record, timings=timings, difference=difference)
    context.store.write_quality(rows, record)


def measure_speed(context: Context, job: Job, cell: LatencyCell) -> None:
    """Time one speed cell and store its samples."""
    spec = context.suite.latency
    assert spec is not None
    budget = Budget(min_samples=spec.min_samples, min_seconds=spec.min_seconds, max_seconds=spec.max_seconds)
    speed = measure_latency(job.model, cell, budget)
    record = replace(job.record, peak_memory_mib=speed.peak_memory_mib)
    context.store.write_latency({"latency_ms": speed.latency_ms, "classify_ms": speed.classify_ms}, record)
