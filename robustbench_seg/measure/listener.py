"""What follows the progress of a run."""

from collections.abc import Sequence

from ..store.plan import Plan
from .plan import Job

__all__ = ["Listener", "Listeners"]


class Listener:
    """Receives the progress of a run. This base class ignores it."""

    def noted(self, line: str) -> None:
        """Called before the run: the data set ignores a file, or the store was repaired."""

    def written(self, plan: Plan) -> None:
        """Called with the plan of the run, when its folder has it."""

    def planned(self, done: int, waiting: list[Job]) -> None:
        """Called with the number of cells that the store already holds, and the waiting jobs."""

    def waits(self, line: str) -> None:
        """Called with news of other processes: when nothing is left but what they measure, with what they hold."""

    def elsewhere(self, job: Job, error: Exception | None) -> None:
        """Called for a waiting job that another process has finished: its cell is stored, or has failed."""

    def started(self, jobs: Sequence[Job]) -> None:
        """Called when these jobs begin: the cells of a sweep, which are measured together, or one speed cell."""

    def image(self) -> None:
        """Called after each image of each cell: several times for an image that is shown to several models."""

    def finished(self, job: Job, error: Exception | None) -> None:
        """Called when a cell is stored, or has failed; a failure may come before the end of its sweep."""


class Listeners(Listener):
    """Several that hear the same run."""

    def __init__(self, *listeners: Listener) -> None:
        self.listeners = listeners

    def noted(self, line: str) -> None:
        for each in self.listeners:
            each.noted(line)

    def written(self, plan: Plan) -> None:
        for each in self.listeners:
            each.written(plan)

    def planned(self, done: int, waiting: list[Job]) -> None:
        for each in self.listeners:
            each.planned(done, waiting)

    def waits(self, line: str) -> None:
        for each in self.listeners:
            each.waits(line)

    def elsewhere(self, job: Job, error: Exception | None) -> None:
        for each in self.listeners:
            each.elsewhere(job, error)

    def started(self, jobs: Sequence[Job]) -> None:
        for each in self.listeners:
            each.started(jobs)

    def image(self) -> None:
        for each in self.listeners:
            each.image()

    def finished(self, job: Job, error: Exception | None) -> None:
        for each in self.listeners:
            each.finished(job, error)
