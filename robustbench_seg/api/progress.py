"""Progress of a run: cells done of all, images per second, time left; as a bar, as lines, or in a notebook."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..errors import in_one_line
from ..measure.listener import Listener
from ..measure.plan import Job
from ..store.cell import QualityCell
from ..wording import counted

__all__ = ["NotebookProgress", "RunProgress", "progress_for"]

LINES_S = 60.0  # between two lines where there is no terminal
REFRESH_S = 0.5  # between two updates in a notebook


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
            self.errors[job.record.key] = "; ".join([in_one_line(error), *getattr(error, "__notes__", ())])
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
            self.errors[job.record.key] = f"{error}, in another process"
        if self.steps == self.total:
            self.current = "done"

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


class RunProgress(Pace):
    """A bar over the images of all waiting cells; where there is no terminal, a line every minute and at the end."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task("", total=None, state="", start=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        if self.bar.live.is_started:  # else it would print an empty line
            self.bar.stop()

    def say(self, line: str, style: str | None = None) -> None:
        self.console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)

    def noted(self, line: str) -> None:
        self.say(" ".join(line.split()), "yellow")

    def planned(self, done: int, waiting: list[Job]) -> None:
        super().planned(done, waiting)
        self.bar.start()
        self.bar.start_task(self.task)
        if done:
            self.say(f"{done} of {counted(self.cells, 'cell')} here already; resuming")
        self.show(at_once=not waiting)

    def waits(self, line: str) -> None:
        super().waits(line)
        self.say(line)

    def elsewhere(self, job: Job, error: Exception | None) -> None:
        super().elsewhere(job, error)
        if error is not None:
            self.say(f"failed {job.cell.slug}: {self.errors[job.record.key]}", "red")
        self.show(at_once=self.current == "done")

    def started(self, jobs: Sequence[Job]) -> None:
        super().started(jobs)
        self.show()

    def image(self) -> None:
        super().image()
        self.show()

    def finished(self, job: Job, error: Exception | None) -> None:
        super().finished(job, error)
        if error is not None:
            self.say(f"failed {job.cell.slug}: {self.errors[job.record.key]}", "red")
        self.show(at_once=self.current == "done")

    def show(self, *, at_once: bool = False) -> None:
        self.bar.update(self.task, description=self.current, completed=self.steps, total=self.total, state=self.state)
        if not self.console.is_terminal and (at_once or self.is_due(LINES_S)):
            self.say(f"{self.state}: {self.current}")


class NotebookProgress(Pace):
    """One output below a notebook's cell, replaced in place; it takes IPython, which is there, and no widgets.

    display: IPython's function of that name.
    """

    def __init__(self, display: Callable[..., Any]) -> None:
        super().__init__()
        self.display = display
        self.handle: Any = None
        self.notes: list[str] = []

    def noted(self, line: str) -> None:
        self.notes.append(" ".join(line.split()))

    def planned(self, done: int, waiting: list[Job]) -> None:
        super().planned(done, waiting)
        self.handle = self.display(self.shown_now(), raw=True, display_id=True)

    def image(self) -> None:
        super().image()
        if self.is_due(REFRESH_S):
            self.handle.update(self.shown_now(), raw=True)

    def waits(self, line: str) -> None:
        super().waits(line)
        self.handle.update(self.shown_now(), raw=True)

    def elsewhere(self, job: Job, error: Exception | None) -> None:
        super().elsewhere(job, error)
        self.show(job, error)

    def finished(self, job: Job, error: Exception | None) -> None:
        super().finished(job, error)
        self.show(job, error)

    def show(self, job: Job, error: Exception | None) -> None:
        if error is not None:
            self.notes.append(f"failed {job.cell.slug}: {self.errors[job.record.key]}")
        self.handle.update(self.shown_now(), raw=True)

    def shown_now(self) -> dict[str, str]:
        from html import escape

        lines = [*self.notes, f"{self.current}: {self.state}"]
        bar = f'<progress value="{self.steps}" max="{max(1, self.total)}"></progress>'
        html = "".join(f"<div>{escape(line)}</div>" for line in lines)
        return {"text/plain": "\n".join(lines), "text/html": bar + html}


@contextmanager
def progress_for(choice: bool | Listener) -> Iterator[Listener]:
    """Choose what shows the progress of a call from a program: a listener of a user's own, an output in a notebook, a
    bar on stderr where that is a terminal; else nothing but notes.
    """
    if isinstance(choice, Listener):
        yield choice
    elif not choice:
        yield Listener()
    elif (display := notebook_display()) is not None:
        yield NotebookProgress(display)
    else:
        with RunProgress(Console(stderr=True, emoji=False)) as progress:
            yield progress


def notebook_display() -> Callable[..., Any] | None:
    """Find a notebook's display function; None in a terminal, IPython's too, and in a script."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or type(shell).__name__ == "TerminalInteractiveShell":
        return None
    display: Callable[..., Any] = sys.modules["IPython.display"].display
    return display
