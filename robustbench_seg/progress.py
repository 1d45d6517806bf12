"""Progress in the terminal: cells done of all, images per second, time left; for training loss and learning rate."""

import time
from pathlib import Path
from typing import Self

import torch
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from .datasets import open_dataset
from .errors import UsageError
from .planning import Job
from .runner import Listener
from .training import loop
from .training.recipe import Recipe
from .wording import counted

__all__ = ["RunProgress", "train_with_progress"]


class RunProgress(Listener):
    """A bar over the images of all waiting cells; a speed cell counts as one. errors: the failed cells' messages."""

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

    def planned(self, done: int, waiting: list[Job]) -> None:
        self.bar.start()
        self.done, self.all = done, done + len(waiting)
        self.waiting = iter([*(job.cell.slug for job in waiting[1:]), "done"])
        if done:
            self.console.print(f"{done} of {counted(self.all, 'cell')} here already; going on", highlight=False)
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
            self.errors[job.record.key] = f"{type(error).__name__}: {error}"
            self.console.print(f"[red]failed[/] {escape(job.cell.slug)}: {escape(self.errors[job.record.key])}")
        if job.record.kind == "latency":
            self.bar.update(self.task, advance=1)
        self.bar.update(self.task, description=next(self.waiting), cells=f"{self.done}/{self.all}")


def train_with_progress(
    console: Console, recipe: Recipe, data: dict[str, Path], out: Path, device: torch.device, workers: int
) -> Path:
    """Train with a bar that shows the loss, the learning rate and the time left."""
    spec = recipe.dataset
    unused = sorted(data.keys() - {spec.name})
    if unused:
        raise UsageError(f"--data {unused[0]}: the recipe does not use this dataset (it uses {spec.name})")
    dataset = open_dataset(spec.name, data.get(spec.name), split=spec.split, **(spec.model_extra or {}))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]}, learning rate {task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("training", total=recipe.iterations, loss="–", rate="–")

        def report(progress: loop.Progress) -> None:
            bar.update(
                task,
                completed=progress.done,
                loss=f"{progress.loss:.3f}",
                rate=f"{progress.learning_rate:.1e}",
            )

        return loop.train(recipe, dataset, out, device=device, workers=workers, report=report)
