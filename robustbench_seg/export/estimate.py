"""Estimate the duration and the disk space of an export from a few trial images."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from math import ceil
from statistics import mean

from rich.filesize import decimal

from ..datasets import spaced
from ..measure.workers import Loader
from ..store.cell import Condition
from ..wording import counted

__all__ = ["Estimate", "Task", "estimate"]

Task = tuple[Condition, str]  # a condition and an image id, for one file
TRIALS = 32  # in total; at least one per corruption, otherwise at most one task in ten
BLOCK = 4096  # bytes; files take whole blocks
MARGIN = 0.15  # share of the size, for labels, folders, and images that differ from the trial images


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """files: number of files to write. size: of all files, in bytes. seconds: with the given number of processes."""

    files: int
    size: int
    seconds: float

    @property
    def room(self) -> int:
        """The disk space that must be free, in bytes: the size and a margin."""
        return round(self.size * (1 + MARGIN))

    def __str__(self) -> str:
        duration = timedelta(seconds=ceil(self.seconds))
        return f"{counted(self.files, 'image')} to write: about {decimal(self.size)} in {duration} (h:mm:ss)"


def estimate(file_size: Callable[[Task], int], tasks_left: Sequence[Task], loader: Loader) -> Estimate:
    """Estimate from a few tasks per corruption, evenly spaced over its severities and images.

    file_size: makes a file's content without writing it, and returns its size in bytes. The loader's processes call it
    in parallel, as in the export, so that the times include their mutual slowdown.
    """
    by_corruption: dict[str, list[Task]] = defaultdict(list)
    for task in tasks_left:
        by_corruption[task[0].corruption].append(task)
    trial_tasks = [
        task
        for tasks in by_corruption.values()
        for task in spaced(tasks, max(1, min(TRIALS // len(by_corruption), len(tasks) // 10)))
    ]
    trials = defaultdict(list)
    for (condition, _), trial in zip(trial_tasks, loader.map(partial(measure, file_size), trial_tasks), strict=True):
        trials[condition.corruption].append(trial)
    size, seconds = 0.0, 0.0
    for corruption, tasks in by_corruption.items():
        sizes, times = zip(*trials[corruption], strict=True)
        size += len(tasks) * mean(sizes)
        seconds += len(tasks) * mean(times)
    return Estimate(files=len(tasks_left), size=round(size), seconds=seconds / max(1, loader.workers))


def measure(file_size: Callable[[Task], int], task: Task) -> tuple[int, float]:
    """Return a task's bytes on disk and its seconds. The first of two calls loads compiled code and is not timed."""
    file_size(task)
    begin = time.perf_counter()
    size = file_size(task)
    return -(-size // BLOCK) * BLOCK, time.perf_counter() - begin
