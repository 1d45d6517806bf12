"""The engine of one process: it shows a sweep's images to its models here, one sweep after the other."""

from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import Self

from ...datasets.base import LabelMap, Sample
from ..evaluate import Screening, show
from ..sweep import Sweep
from ..tally import Tally
from .interface import Engine, Keeper, Measured

__all__ = ["Local"]


class Local(Engine):
    """screening: with the loader whose worker processes load and corrupt the images."""

    def __init__(self, screening: Screening, keeper: Keeper) -> None:
        self.screening, self.keeper = screening, keeper

    def __enter__(self) -> Self:
        self.screening.loader.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.screening.loader.__exit__(kind, value, trace)

    def measure(self, sweeps: Iterable[Sweep | None]) -> None:
        for sweep in filter(None, sweeps):
            self.keeper.begin(sweep)
            self.measure_sweep(sweep)

    def measure_sweep(self, sweep: Sweep) -> None:
        keeper = self.keeper
        jobs = {
            Tally(job.model, cell.setting, job.record.environment["threads"], partial(keeper.fail, job)): job
            for job, cell in sweep.cells
        }

        def seen(tally: Tally, sample: Sample, prediction: LabelMap | None) -> None:
            if sample.image_id in self.screening.pictured and prediction is not None:
                keeper.picture(jobs[tally], sample, prediction)
            keeper.count(jobs[tally], sample.image_id, getattr(sample, "difference", None))

        show(list(jobs), sweep.condition, self.screening, seen)
        for tally, job in jobs.items():
            if tally.error is None:
                keeper.keep(job, Measured(tally.rows, tally.timings))
