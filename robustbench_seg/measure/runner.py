"""A run: the cells of a plan that the store lacks, one by one; a cell that raises is noted and stops no other."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import torch

from ..datasets import Dataset
from ..datasets.base import LabelMap, Sample
from ..errors import DataError
from ..store.cell import LatencyCell, QualityCell
from ..store.folder import Store
from ..store.plan import Failure
from ..suites import Suite
from .evaluate import evaluate
from .latency import Budget, measure_latency
from .pictures import save_pictures
from .plan import Job, Options, make_jobs, open_data
from .prepare import Corrupted
from .workers import Loader

__all__ = ["Listener", "run"]


class Listener:
    """Hears how a run proceeds; this one does nothing with it."""

    def noted(self, line: str) -> None:
        """Before the run: something in the data set's folder does not count, or the store was repaired."""

    def planned(self, done: int, waiting: list[Job]) -> None:
        """`done` cells are in the store already; the others wait."""

    def image(self) -> None:
        """One more image of the current cell is counted."""

    def finished(self, job: Job, error: Exception | None) -> None:
        """A cell is stored, or has failed."""


@dataclass(frozen=True)
class Context:
    """What all cells of a run share."""

    suite: Suite
    dataset: Dataset | None
    ids: tuple[str, ...]
    loader: Loader
    store: Store
    listener: Listener


def run(suite: Suite, out: Path, options: Options, listener: Listener) -> list[Job]:
    """Measure the cells of a suite that the folder `out` does not hold yet; return the jobs that failed.

    Raises RobustBenchError or CheckpointError before the first cell for a fault in the suite, the options, the data's
    folders or the weights, and for a folder that another run is using.
    """
    store = Store(out)
    dataset, ids = open_data(suite, options)
    plan, jobs = make_jobs(suite, options, dataset, ids, listener.noted)
    with store.in_use(), Loader(options.workers) as loader:
        paths = [store.path(job.record.kind, job.cell.slug, job.record.key) for job in jobs]
        whole = store.check(paths, listener.noted)
        store.expect_alike(whole.values(), len(dataset.class_names) if dataset else None, suite.metrics)
        if renewed := store.bring_up_to_date(whole):
            listener.noted(f"{out}: brought {renewed} of {len(whole)} files up to date, whose counts stay as they are")
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


@contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Let torch use this number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def measure_quality(context: Context, job: Job, cell: QualityCell) -> None:
    """Evaluate one quality cell and store it; gallery images outside the chosen ids are shown, not counted.

    Raises DataError where the corruption left all images as they were: the numbers would be those of clean images.
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
            if isinstance(sample, Corrupted):
                differences.append(sample.difference)

    ids = context.ids + tuple(shown for shown in context.suite.gallery if shown not in counted)
    rows, timings = evaluate(job.model, dataset, ids, context.loader, cell.setting, on_image)
    difference = fmean(differences) if differences else None
    if difference == 0:
        raise DataError(f"{cell.corruption} at severity {cell.severity} changes none of the {len(differences)} images")
    record = replace(job.record, timings=timings, difference=difference)
    context.store.write_quality(rows[: len(context.ids)], record)


def measure_speed(context: Context, job: Job, cell: LatencyCell) -> None:
    """Time one speed cell and store its samples."""
    spec = context.suite.latency
    assert spec is not None
    budget = Budget(min_samples=spec.min_samples, min_seconds=spec.min_seconds, max_seconds=spec.max_seconds)
    speed = measure_latency(job.model, cell, budget)
    record = replace(job.record, peak_memory_mib=speed.peak_memory_mib)
    context.store.write_latency({"latency_ms": speed.latency_ms, "classify_ms": speed.classify_ms}, record)
