"""The unit of execution: quality cells that wait for the same corrupted images.

A sweep loads and corrupts each image once, and shows it to every model in every view and precision. Cells stay the unit
of storage and of identity: a sweep has no key and leaves no trace in a store.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from ..files import digest
from ..store.cell import Condition, LatencyCell, QualityCell
from .plan import Job
from .shards import SweepKey, sweep_key

__all__ = ["Speed", "Sweep", "speeds_of", "sweeps_of"]


@dataclass(frozen=True)
class Sweep:
    """Jobs of one plan, so of one data set and the same images, that share a condition: see `sweep_key`."""

    condition: Condition
    jobs: tuple[Job, ...]

    @property
    def name(self) -> str:
        """What a process claims: the condition of these images, not the models, which differ between runs."""
        (job, cell), *_ = self.cells
        _, alone = sweep_key(cell)
        key = job.record.key if alone else ""
        return f"{self.condition}-{digest([asdict(self.condition), job.record.fingerprint, key], 8)}"

    def __str__(self) -> str:
        return str(self.condition)

    @property
    def cells(self) -> list[tuple[Job, QualityCell]]:
        """Each job with its cell."""
        return [(job, job.cell) for job in self.jobs if isinstance(job.cell, QualityCell)]


def sweeps_of(waiting: Iterable[Job]) -> list[Sweep]:
    """Put the quality jobs of a plan that still wait into sweeps, in the order of the plan."""
    groups: dict[SweepKey, list[Job]] = {}
    for job in waiting:
        if isinstance(job.cell, QualityCell):
            groups.setdefault(sweep_key(job.cell), []).append(job)
    return [Sweep(condition, tuple(jobs)) for (condition, _), jobs in groups.items()]


@dataclass(frozen=True)
class Speed:
    """One speed cell: it is measured and claimed alone. jobs: its own."""

    jobs: tuple[Job, ...]

    @property
    def name(self) -> str:
        """What a process claims."""
        return f"speed-{self.jobs[0].record.key}"

    def __str__(self) -> str:
        return self.jobs[0].cell.slug


def speeds_of(waiting: Iterable[Job]) -> list[Speed]:
    """List the speed jobs of a plan that still wait, in the order of the plan."""
    return [Speed((job,)) for job in waiting if isinstance(job.cell, LatencyCell)]
