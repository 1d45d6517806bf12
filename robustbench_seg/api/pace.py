"""The pace of a run: cells done of all, images per second, time left."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from ..errors import in_one_line
from ..measure.listener import Listener
from ..measure.plan import Job
from ..store.cell import QualityCell

__all__ = ["Pace"]


class Pace(Listener):
    """How far a run is: steps of a total, where an image of a cell is a step, and so is a speed cell.

    errors: a failed cell's, by key. current: what is at work, in words. left: its jobs that are not finished.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self.errors: dict[str, str] = {}
        self.done = self.cells = self.images = self.steps = self.total = self.left = 0
        self.begin = self.last = 0.0
        self.current = ""
        self.target = self.others = 0  # steps after all that is at work; those that other processes did meanwhile

    def say(self, line: str, style: str | None = None) -> None:
        """Called with a line that stays, unlike the state. style: as in rich. This base class shows nothing."""

    def noted(self, line: str) -> None:
        self.say(" ".join(line.split()), "yellow")

    def planned(self, done: int, waiting: list[Job]) -> None:
        self.done, self.cells = done, done + len(waiting)
        self.total = sum(map(steps_of, waiting))
        self.current = waiting[0].cell.slug if waiting else "done"
        self.begin = self.last = self.clock()

    def started(self, jobs: Sequence[Job]) -> None:
        self.left += len(jobs)  # an engine may begin the next ones before these are finished
        self.target += sum(map(steps_of, jobs))
        self.current = name_of(jobs)

    def image(self) -> None:
        self.images += 1
        self.steps += 1

    def finished(self, job: Job, error: Exception | None) -> None:
        if error is None:
            self.done += 1
        else:
            self.fail(job, "; ".join([in_one_line(error), *getattr(error, "__notes__", ())]))
        if job.record.kind == "latency":
            self.steps += 1
        self.left -= 1
        if not self.left:
            self.total -= self.target - self.steps  # the images that failed cells did not get to
            self.target = self.steps
            if self.steps == self.total:
                self.current = "done"

    def waits(self, line: str) -> None:
        self.current = line

    def elsewhere(self, job: Job, error: Exception | None) -> None:
        self.total -= steps_of(job)
        if error is None:
            self.done += 1
            self.others += steps_of(job)
        else:
            self.fail(job, f"{error}, in another process")
        if self.steps == self.total:
            self.current = "done"

    def fail(self, job: Job, message: str) -> None:
        """Keep and report why a cell failed."""
        self.errors[job.record.key] = message
        self.say(f"failed {job.cell.slug}: {message}", "red")

    def is_due(self, seconds: float) -> bool:
        """Whether so many seconds have passed since this was so."""
        now = self.clock()
        if due := now - self.last >= seconds:
            self.last = now
        return due

    @property
    def state(self) -> str:
        """Cells, pace and time left: at the pace so far of all processes, as each takes a part of the rest."""
        seconds = self.clock() - self.begin
        speed = f"{self.images / max(1e-9, seconds):.1f}" if self.images else "–"
        left = max(0, round(seconds / (self.steps + self.others) * (self.total - self.steps))) if self.steps else None
        rest = "" if left is None else f", {timedelta(seconds=left)} left"
        return f"{self.done}/{self.cells} cells, {speed} images/s{rest}"


def steps_of(job: Job) -> int:
    return max(1, job.record.images)


def name_of(jobs: Sequence[Job]) -> str:
    """Name jobs that are at work together: a cell, or a condition and how many cells have it."""
    cell = jobs[0].cell
    if len(jobs) == 1 or not isinstance(cell, QualityCell):
        return cell.slug
    return f"{cell.dataset} {cell.condition}, {len(jobs)} cells"
