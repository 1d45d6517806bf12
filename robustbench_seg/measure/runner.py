"""Measure the cells of a plan that the store lacks, sweep by sweep. A cell that raises is noted; the run continues.

Several processes and machines may run on one folder at a time: each measures what it can claim.
"""

import traceback
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean

from ..corruptions.ahead import begin
from ..datasets import Dataset
from ..datasets.base import LabelMap, Sample
from ..errors import DataError, MachineError, clear_locals
from ..store.cell import Condition, LatencyCell, QualityCell
from ..store.claims import Claims
from ..store.folder import Store
from ..store.plan import Failure
from ..suites import Suite
from .claimed import Shared, claimed
from .decoded import decoding, stamps_of
from .engines import Measured, open_engine
from .evaluate import Screening
from .latency import measure_latency
from .listener import Listener, Listeners
from .pictures import save_pictures
from .plan import Job, Options, make_jobs, open_data
from .shards import part_of
from .sweep import Sweep, speeds_of, sweeps_of
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
        """Hold a block that stores a job's cell; what it raises is noted.

        A fault of the machine, such as a full disk, is none of the cell: it ends the run, and others can continue.
        """
        try:
            yield
        except MachineError:
            raise
        except Exception as error:
            self.fail(job, error)
        else:
            self.listener.finished(job, None)

    def fail(self, job: Job, error: Exception) -> None:
        """Note why a job has failed, unless another process has measured it meanwhile; the next run tries it again."""
        clear_locals(error)  # a listener may keep it
        if self.store.holds(job.record):
            self.listener.finished(job, None)
            return
        text = "".join(traceback.format_exception(error))
        self.store.write_failure(Failure(record=job.record, traceback=text))
        self.failed.append(job)
        self.listener.finished(job, error)


def run(suite: Suite, out: Path, options: Options, listener: Listener) -> list[Job]:
    """Measure the cells of a suite that the folder `out` lacks; return the failed jobs.

    Other processes may do so in the same folder. At the end each planned cell, of the part that the options choose, is
    stored or has failed, here or there. Raises RobustBenchError or CheckpointError before the first cell for a fault in
    the suite, the options, the data's folders or the weights, and if another command is using the folder.
    """
    store = Store(out)
    dataset, ids = open_data(suite, options)
    ahead = begin if suite.conditions else None
    if ahead and options.engine == "local" and not options.workers:
        ahead()  # here and not later: one core is idle until the first cell
    stamps = stamps_of(dataset, {*ids, *suite.gallery}) if dataset else {}
    plan, jobs = make_jobs(suite, options, dataset, ids, listener.noted)
    own = part_of(jobs, options.shard)
    paths = {store.path(job.record.kind, job.cell.slug, job.record.key): job.record for job in jobs}
    alike = len(dataset.class_names) if dataset else None, suite.metrics
    with store.in_use(), Claims(out) as claims:
        whole = store.check(paths, listener.noted)
        store.expect_alike(whole.values(), *alike)
        if renewed := store.bring_up_to_date(whole):
            listener.noted(f"{out}: brought {renewed} of {len(whole)} files up to date; their counts do not change")
        store.write_plan(plan)
        listener.written(plan)
        done = {paths[path].key for path in whole.keys() & paths.keys()}
        for path in whole.keys() & paths.keys():
            store.forget_failures(paths[path])
        waiting = [job for job in own if job.record.key not in done]
        notes = {job.record.key: store.failure_stamp(job.record) for job in waiting}
        listener.planned(len(own) - len(waiting), waiting)
        sweeps, seen = sweeps_of(waiting), {*whole, *paths}
        shared = Shared(store, claims, listener, notes)
        with decoding(dataset, stamps, options.cache, len(sweeps)) as decoded:
            context = Context(suite, decoded, ids, store, listener, shared.failed)

            def own_sweeps() -> Generator[Sweep | None, None, None]:
                for sweep in claimed(shared, sweeps):
                    if sweep is not None:
                        store.expect_others_alike(seen, *alike)
                    yield sweep

            if decoded is not None and sweeps:
                others = [image_id for image_id in suite.gallery if image_id not in context.counted]
                screening = Screening(
                    decoded, ids, Loader(options.workers, ahead), options.batch, others, set(suite.gallery)
                )
                # Closed here: an error that a program keeps would keep the generator, with the locks that it holds.
                with open_engine(suite, options, screening, context) as engine, closing(own_sweeps()) as turns:
                    engine.measure(turns)
        for speed in filter(None, claimed(shared, speeds_of(waiting))):
            measure_speed(context, *speed.jobs)
    return context.failed


def expect_change(condition: Condition, difference: float | None, images: int) -> None:
    """Raise DataError if a corruption changes no image: the scores would be the scores of clean images."""
    if difference == 0:
        raise DataError(f"{condition.corruption} at severity {condition.severity} changes none of the {images} images")


def measure_speed(context: Context, job: Job) -> None:
    """Time one speed cell and store its samples."""
    cell, spec = job.cell, context.suite.latency
    assert isinstance(cell, LatencyCell)
    assert spec is not None
    context.listener.started((job,))
    with context.storing(job):
        speed = measure_latency(job.model, cell, spec)
        record = replace(job.record, peak_memory_mib=speed.peak_memory_mib)
        context.store.write_latency({"latency_ms": speed.latency_ms, "classify_ms": speed.classify_ms}, record)
