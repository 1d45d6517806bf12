"""Measure the cells of a plan that the store lacks, sweep by sweep. A cell that raises is noted; the run continues."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean

from ..datasets import Dataset
from ..datasets.base import LabelMap, Sample
from ..errors import DataError
from ..store.cell import Condition, LatencyCell, QualityCell
from ..store.folder import Store
from ..store.plan import Failure
from ..suites import Suite
from .decoded import decoding, stamps_of
from .engines import Measured, open_engine
from .evaluate import Screening
from .latency import Budget, measure_latency
from .listener import Listener, Listeners
from .pictures import save_pictures
from .plan import Job, Options, make_jobs, open_data
from .sweep import Sweep, sweeps_of
from .workers import Loader

__all__ = ["Listener", "Listeners", "run"]


@dataclass(frozen=True)
class Context:
    """The values that all cells of a run share, and the keeper of what its engine measures.

    failed: the jobs that raised so far. differences: of each image from clean, by condition and id.
    """

    suite: Suite
    dataset: Dataset | None
    ids: tuple[str, ...]
    store: Store
    listener: Listener
    failed: list[Job] = field(default_factory=list)
    differences: dict[Condition, dict[str, float]] = field(default_factory=dict)

    def note(self, line: str) -> None:
        """Pass on a line."""
        self.listener.noted(line)

    def begin(self, sweep: Sweep) -> None:
        """Begin a sweep."""
        self.listener.started(sweep.jobs)

    def count(self, job: Job, image_id: str, difference: float | None) -> None:
        """Note an image; one that is shown for the gallery alone does not count."""
        assert isinstance(job.cell, QualityCell)
        if image_id in self.counted:
            self.listener.image()
            if difference is not None:
                self.differences.setdefault(job.cell.condition, {})[image_id] = difference

    def picture(self, job: Job, sample: Sample, prediction: LabelMap) -> None:
        """Save the pictures of a gallery image, which need not be among the chosen ids."""
        assert self.dataset is not None
        save_pictures(self.store.gallery(job.cell.slug, job.record.key), self.dataset, sample, prediction)

    def keep(self, job: Job, what: Measured) -> None:
        """Store a quality cell, unless its corruption has changed no image."""
        assert isinstance(job.cell, QualityCell)
        differences = self.differences.get(job.cell.condition, {})
        difference = fmean(differences.values()) if differences else None
        with self.storing(job):
            expect_change(job.cell.condition, difference, len(differences))
            environment = {**job.record.environment, **what.environment}
            record = replace(job.record, timings=dict(what.timings), difference=difference, environment=environment)
            self.store.write_quality([what.rows[image_id] for image_id in self.ids], record)

    @cached_property
    def counted(self) -> frozenset[str]:
        """The ids of the images that count."""
        return frozenset(self.ids)

    @contextmanager
    def storing(self, job: Job) -> Iterator[None]:
        """Hold a block that stores a job's cell; what it raises is noted."""
        try:
            yield
        except Exception as error:
            self.fail(job, error)
        else:
            self.listener.finished(job, None)

    def fail(self, job: Job, error: Exception) -> None:
        """Note why a job has failed; the next run tries it again."""
        text = "".join(traceback.format_exception(error))
        self.store.write_failure(Failure(record=job.record, traceback=text))
        self.failed.append(job)
        self.listener.finished(job, error)


def run(suite: Suite, out: Path, options: Options, listener: Listener) -> list[Job]:
    """Measure the cells of a suite that the folder `out` lacks; return the failed jobs.

    Raises RobustBenchError or CheckpointError before the first cell for a fault in the suite, the options, the data's
    folders or the weights, and if another run is using the folder.
    """
    store = Store(out)
    dataset, ids = open_data(suite, options)
    stamps = stamps_of(dataset, {*ids, *suite.gallery}) if dataset else {}
    plan, jobs = make_jobs(suite, options, dataset, ids, listener.noted)
    with store.in_use():
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
        sweeps = sweeps_of(waiting)
        with decoding(dataset, stamps, options.cache, len(sweeps)) as decoded:
            context = Context(suite, decoded, ids, store, listener)
            if decoded is not None and sweeps:
                others = [image_id for image_id in suite.gallery if image_id not in context.counted]
                screening = Screening(decoded, ids, Loader(options.workers), options.batch, others, set(suite.gallery))
                with open_engine(suite, options, screening, context) as engine:
                    engine.measure(sweeps)
        for job in waiting:
            if isinstance(job.cell, LatencyCell):
                measure_speed(context, job, job.cell)
    return context.failed


def expect_change(condition: Condition, difference: float | None, images: int) -> None:
    """Raise DataError if a corruption changes no image: the scores would be the scores of clean images."""
    if difference == 0:
        raise DataError(f"{condition.corruption} at severity {condition.severity} changes none of the {images} images")


def measure_speed(context: Context, job: Job, cell: LatencyCell) -> None:
    """Time one speed cell and store its samples."""
    spec = context.suite.latency
    assert spec is not None
    context.listener.started((job,))
    with context.storing(job):
        budget = Budget(min_samples=spec.min_samples, min_seconds=spec.min_seconds, max_seconds=spec.max_seconds)
        speed = measure_latency(job.model, cell, budget)
        record = replace(job.record, peak_memory_mib=speed.peak_memory_mib)
        context.store.write_latency({"latency_ms": speed.latency_ms, "classify_ms": speed.classify_ms}, record)
