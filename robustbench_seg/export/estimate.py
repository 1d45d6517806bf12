"""How long an export will take and how much room it needs, from a few of its own images made for trial."""

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

Task = tuple[Condition, str]  # a condition and an image id: what becomes one file
TRIALS = 32  # in all, but at least one a corruption, and no more than one task in ten beyond that
BLOCK = 4096  # bytes: files take whole blocks
MARGIN = 0.15  # of the size: labels, folders, and images unlike those of the trial


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """files: to be written. size: of all of them, in bytes. seconds: with the given number of processes."""

    files: int
    size: int
    seconds: float

    @property
    def room(self) -> int:
        """What must be free, in bytes: the size and a margin."""
        return round(self.size * (1 + MARGIN))

    def __str__(self) -> str:
        duration = timedelta(seconds=ceil(self.seconds))
        return f"{counted(self.files, 'image')} to write: about {decimal(self.size)} in {duration} (h:mm:ss)"


def estimate(file_size: Callable[[Task], int], waiting: Sequence[Task], loader: Loader) -> Estimate:
    """Estimate from a few tasks of each corruption, whose severities and images are spread evenly over its tasks.

    file_size: makes a file's content, but no file, and returns its size in bytes; it is called in the loader's
    processes, side by side as in the work itself, so that its time holds what they cost each other.
    """
    by_corruption: dict[str, list[Task]] = defaultdict(list)
    for task in waiting:
        by_corruption[task[0].corruption].append(task)
    chosen = [
        task
        for tasks in by_corruption.values()
        for task in spaced(tasks, max(1, min(TRIALS // len(by_corruption), len(tasks) // 10)))
    ]
    trials = defaultdict(list)
    for (condition, _), trial in zip(chosen, loader.map(partial(measure, file_size), chosen), strict=True):
        trials[condition.corruption].append(trial)
    size, seconds = 0.0, 0.0
    for corruption, tasks in by_corruption.items():
        sizes, times = zip(*trials[corruption], strict=True)
        size += len(tasks) * mean(sizes)
        seconds += len(tasks) * mean(times)
    return Estimate(files=len(waiting), size=round(size), seconds=seconds / max(1, loader.workers))


def measure(file_size: Callable[[Task], int], task: Task) -> tuple[int, float]:
    """Return what a task takes: bytes on disk, seconds. The first of two calls loads compiled code and is not timed."""
    file_size(task)
    begin = time.perf_counter()
    size = file_size(task)
    return -(-size // BLOCK) * BLOCK, time.perf_counter() - begin
