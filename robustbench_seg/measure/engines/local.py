"""The engine of one process: it shows a sweep's images to its models here, one sweep after the other.

The next sweep is asked for, and its images are loaded, while a GPU is at work on the last batches of one.
"""

from collections.abc import Generator, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import Self

from ...datasets.base import LabelMap, Sample
from ...store.view import View
from ..evaluate import Screening, launch, load, settle
from ..plan import Job
from ..sweep import Sweep
from ..tally import Seen, Tally
from .interface import Engine, Keeper, Measured

__all__ = ["Local"]


class Local(Engine):
    """screening: with the loader whose worker processes load and corrupt the images."""

    def __init__(self, screening: Screening, keeper: Keeper) -> None:
        self.screening, self.keeper = screening, keeper
        self.unfinished: dict[Tally, Job] = {}  # of the sweep whose cells are not stored yet
        self.fitting: dict[tuple[str, View, str], int] = {}  # images that a GPU takes, by model, view and precision

    def __enter__(self) -> Self:
        self.screening.loader.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.screening.loader.__exit__(kind, value, trace)

    def measure(self, sweeps: Iterable[Sweep | None]) -> None:
        try:
            for sweep in sweeps:
                if sweep:
                    self.show(sweep, load(sweep.condition, self.screening))
                else:
                    self.finish()
        finally:
            self.finish()  # also where a fault ends the sweep after

    def show(self, sweep: Sweep, samples: Generator[Sample, None, None]) -> None:
        """Show samples to the models of a sweep. Its cells are stored when a GPU is at work on the next one.

        On a CPU, where no batch is left to wait for, they are stored at once.
        """
        self.keeper.begin(sweep)
        jobs = {
            Tally(job.model, cell.setting, job.record.environment["threads"], partial(self.keeper.fail, job)): job
            for job, cell in sweep.cells
        }
        names = {tally: (job.cell.model, tally.setting.view, tally.setting.precision) for tally, job in jobs.items()}
        for tally, name in names.items():
            tally.most = self.fitting.get(name)
        launch(list(jobs), sweep.condition, self.screening, samples, self.seen(jobs), self.finish)
        self.finish()
        self.fitting |= {name: tally.most for tally, name in names.items() if tally.most is not None}
        self.unfinished = jobs
        if not any(tally.flights for tally in jobs):
            self.finish()

    def seen(self, jobs: Mapping[Tally, Job]) -> Seen:
        """What hears of each image that is counted."""

        def hear(tally: Tally, sample: Sample, prediction: LabelMap | None) -> None:
            if sample.image_id in self.screening.pictured and prediction is not None:
                self.keeper.picture(jobs[tally], sample, prediction)
            self.keeper.count(jobs[tally], sample.image_id, getattr(sample, "difference", None))

        return hear

    def finish(self) -> None:
        """Count what GPUs are still at work on, and have the cells stored."""
        settle(list(self.unfinished), self.screening, self.seen(self.unfinished))
        while self.unfinished:
            tally = next(iter(self.unfinished))
            job = self.unfinished.pop(tally)  # one by one: a fault at one leaves the others for the next call
            if tally.error is None:
                self.keeper.keep(job, Measured(tally.rows, tally.timings))
