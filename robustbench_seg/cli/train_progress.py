"""Show a training run: loss, learning rate, mIoU at the last validation, time left; a bar in a terminal, else lines."""

import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Self

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ..errors import MachineError
from ..training import loop
from ..training.data import open_data
from ..training.processes import find_processes
from ..training.recipe import Recipe
from .terminal import say

__all__ = ["TrainProgress", "train_with_progress"]

SMOOTHING = 0.98  # weight of the running mean of the losses in each update
RECENT = 50  # iterations; their median duration gives the time left, without outliers from validations and pauses
FEWEST = 5  # durations for an estimate; the first iteration has none, because it includes the start
SECONDS_PER_LINE = 60.0  # without a terminal


class TrainProgress:
    """A bar in a terminal; otherwise a line at the start, every minute, after each validation and at the end."""

    def __init__(self, console: Console, iterations: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.console, self.iterations, self.clock = console, iterations, clock
        self.loss: float | None = None
        self.miou: float | None = None
        self.durations: deque[float] = deque(maxlen=RECENT)
        self.last_report: float | None = None
        self.last_line: float | None = None
        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task("training", total=iterations, state="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *details: object) -> None:
        if self.bar.live.is_started:  # else Rich before 15 would print an empty line
            self.bar.stop()

    def report(self, progress: loop.Progress) -> None:
        """Show the progress after an iteration."""
        now = self.clock()
        if self.last_report is not None:
            self.durations.append(now - self.last_report)
        self.last_report = now
        self.loss = progress.loss if self.loss is None else SMOOTHING * self.loss + (1 - SMOOTHING) * progress.loss
        state = self.describe(progress)
        self.bar.update(self.task, completed=progress.done, state=state)
        news = str(progress.miou) != str(self.miou) or progress.done == self.iterations  # str: NaN is unequal to NaN
        self.miou = progress.miou
        if self.console.is_terminal:
            return
        if news or self.last_line is None or now - self.last_line >= SECONDS_PER_LINE:
            self.last_line = now
            line = f"{progress.done}/{self.iterations} {state}"
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def describe(self, progress: loop.Progress) -> str:
        score = "" if progress.miou is None else f", mIoU {100 * progress.miou:.1f} %"
        state = f"loss {self.loss:.3f}, learning rate {progress.learning_rate:.1e}{score}"
        if len(self.durations) < FEWEST:
            return state
        left = timedelta(seconds=round((self.iterations - progress.done) * median(self.durations)))
        return f"{state}, {left} left"


def train_with_progress(
    console: Console, recipe: Recipe, folders: dict[str, Path], out: Path, device: torch.device, workers: int
) -> Path | None:
    """Train. Of several processes, only the first shows progress and returns the path of the weights."""
    data, processes = open_data(recipe, folders), find_processes(device)
    run = partial(loop.train, recipe, data, out, processes=processes, workers=workers)
    path = None
    try:
        if processes.rank > 0:
            run()
        else:
            if recipe.precision == "bf16" and emulates_bf16(device) and not any(out.glob("checkpoints/*")):
                say("this processor has no bf16 instructions: --set precision=fp32 may be much faster", "yellow")
            with TrainProgress(console, recipe.iterations) as progress:
                path = run(report=progress.report, note=say)
    except torch.OutOfMemoryError as error:
        needs = f"batch_size {recipe.batch_size} and crop {recipe.crop}, or an image of the validation,"
        raise MachineError(f"{needs} need more memory than {device} has: {error}") from None
    processes.leave()
    return path


def emulates_bf16(device: torch.device) -> bool:
    """Whether an x86 processor has no instructions for bfloat16; False if torch does not report it."""
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):  # only in newer torch
        return False
    capabilities = torch.cpu.get_capabilities()
    return not any(capabilities.get(name, True) for name in ("avx512_bf16", "amx_bf16"))
