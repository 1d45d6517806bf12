"""The engine of one process: it shows a sweep's images to its models here, one sweep after the other.

Workers begin with the images of the next sweep when they have no other left of this one. Its cells are stored while a
GPU is at work on the next one.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Self

from ...datasets.base import LabelMap, Sample
from ...stopping import end_if_asked, is_asked_to_end
from ...store.view import View
from ..evaluate import Screening, launch, load, settle
from ..plan import Job
from ..sweep import Sweep
from ..tally import IN_FLIGHT, Seen, Tally
from .interface import Engine, Keeper, Measured

__all__ = ["Local"]

Turn = tuple[Sweep, Generator[Sample, None, None]] | None


class Turns(Iterator[Turn]):
    """Sweeps in turn, each with its samples, on which workers begin at once; None stands for itself.

    A turn can be taken early. What this raises is raised when it is due.
    """

    def __init__(self, sweeps: Iterable[Sweep | None], screening: Screening) -> None:
        self.sweeps, self.screening = iter(sweeps), screening
        self.early: Future[Turn] | None = None

    def take(self) -> None:
        """Take the next turn early, unless this was done."""
        if self.early is None:
            early: Future[Turn] = Future()
            try:
                sweep = next(self.sweeps)
                early.set_result((sweep, load(sweep.condition, self.screening)) if sweep else None)
            except Exception as error:
                early.set_exception(error)
            self.early = early  # not before: after Ctrl-C `close` would wait for a result that never comes

    def __next__(self) -> Turn:
        self.take()
        assert self.early is not None
        due, self.early = self.early, None
        return due.result()

    def close(self) -> None:
        """Have workers leave off from a turn that was taken early and is not due any more."""
        if self.early is not None and self.early.exception() is None and (turn := self.early.result()):
            turn[1].close()


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
        turns = Turns(sweeps, self.screening)
        try:
            for turn in turns:
                if turn is None:
                    self.finish()
                else:
                    self.show(*turn, turns)
                if is_asked_to_end():  # here too: the next turn may have been taken before
                    self.finish()
                    end_if_asked()
        finally:
            turns.close()
            self.finish()  # also where a fault ends the sweep after

    def show(self, sweep: Sweep, samples: Generator[Sample, None, None], turns: Turns) -> None:
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

        def after(number: int, left: int) -> None:
            if number == IN_FLIGHT:  # so many are with a GPU while the cells of the sweep before are stored
                self.finish()
            if 0 < left <= self.screening.loader.window and not self.unfinished:  # workers have no more to begin
                turns.take()

        launch(list(jobs), sweep.condition, self.screening, samples, self.seen(jobs), after)
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
