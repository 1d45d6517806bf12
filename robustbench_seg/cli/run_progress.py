"""Progress in the terminal: cells done of all, images per second, time left."""

import time
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..measure.plan import Job
from ..measure.runner import Listener
from ..wording import counted

__all__ = ["RunProgress"]


class RunProgress(Listener):
    """A bar over the images of all waiting cells; a speed cell counts as one image. errors: a failed cell's, by key."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.errors: dict[str, str] = {}
        self.images = 0
        self.begin = 0.0
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[cells]} cells, {task.fields[speed]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=console,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        if self.bar.live.is_started:  # else it would print an empty line
            self.bar.stop()

    def noted(self, line: str) -> None:
        self.console.print(" ".join(line.split()), style="yellow", markup=False, highlight=False, soft_wrap=True)

    def planned(self, done: int, waiting: list[Job]) -> None:
        self.bar.start()
        self.done, self.all = done, done + len(waiting)
        self.waiting = iter([*(job.cell.slug for job in waiting[1:]), "done"])
        if done:
            self.console.print(f"{done} of {counted(self.all, 'cell')} here already; resuming", highlight=False)
        steps = sum(max(1, job.record.images) for job in waiting)
        first = waiting[0].cell.slug if waiting else "done"
        self.task = self.bar.add_task(first, total=steps, cells=f"{done}/{self.all}", speed="– images/s")
        self.begin = time.perf_counter()

    def image(self) -> None:
        self.images += 1
        speed = self.images / (time.perf_counter() - self.begin)
        self.bar.update(self.task, advance=1, speed=f"{speed:.1f} images/s")

    def finished(self, job: Job, error: Exception | None) -> None:
        if error is None:
            self.done += 1
        else:
            notes = getattr(error, "__notes__", ())
            self.errors[job.record.key] = "; ".join([f"{type(error).__name__}: {error}", *notes])
            self.console.print(f"[red]failed[/] {escape(job.cell.slug)}: {escape(self.errors[job.record.key])}")
        if job.record.kind == "latency":
            self.bar.update(self.task, advance=1)
        self.bar.update(self.task, description=next(self.waiting), cells=f"{self.done}/{self.all}")
