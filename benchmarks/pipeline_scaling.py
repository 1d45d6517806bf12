"""A run on more cores than there are: a simulation of its stages, event by event, with times that were measured.

Worker processes prepare images (load, corrupt); the process of the run takes them over in order and shows them to its
models. Each of these is at work on a core, and waits for one if all are busy; a core is given to who asked first. A
worker prepares no image that is more than PREFETCH images a worker ahead of the last one that was shown.

Left out: memory bandwidth and caches that cores share, clocks that sink when many are busy, and the start of processes.
"""

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

from robustbench_seg.measure.workers import PREFETCH

__all__ = ["Stages", "seconds_of_claims", "seconds_of_run"]

Then = Callable[[], None]


@dataclass(frozen=True)
class Stages:
    """Seconds for each image. prepare: in a worker. take: to hand it over. show: in the models, counts included."""

    prepare: Sequence[float]
    take: float
    show: float


class Machine:
    """Cores, the work that waits for one, and the work that will end next. now: seconds since the start."""

    def __init__(self, cores: int) -> None:
        self.now, self.idle = 0.0, cores
        self.line: deque[tuple[float, Then]] = deque()
        self.ends: list[tuple[float, int, Then]] = []
        self.number = count()

    def work(self, seconds: float, then: Then) -> None:
        """Ask for a core for some seconds; then: called at the end."""
        self.line.append((seconds, then))
        self.start()

    def start(self) -> None:
        while self.idle and self.line:
            seconds, then = self.line.popleft()
            self.idle -= 1
            heapq.heappush(self.ends, (self.now + seconds, next(self.number), then))

    def run(self) -> float:
        """Let time pass until all work is done; return the seconds."""
        while self.ends:
            self.now, _, then = heapq.heappop(self.ends)
            self.idle += 1
            then()
            self.start()
        return self.now


def seconds_of_run(stages: Stages, workers: int, cores: int) -> float:
    """Simulate a run with so many workers; 0 for a run that prepares its images itself."""
    if not workers:
        return sum(stages.prepare) + len(stages.prepare) * stages.show
    machine, prepared = Machine(cores), set()
    begun = busy = shown = 0
    showing = False

    def prepare() -> None:
        nonlocal begun, busy
        while begun < len(stages.prepare) and busy < workers and begun - shown < PREFETCH * workers:
            machine.work(stages.prepare[begun], partial(finish, begun))
            begun, busy = begun + 1, busy + 1

    def finish(image: int) -> None:
        nonlocal busy
        busy -= 1
        prepared.add(image)
        show()
        prepare()

    def show() -> None:
        nonlocal showing
        if not showing and shown in prepared:
            showing = True
            machine.work(stages.take + stages.show, move_on)

    def move_on() -> None:
        nonlocal shown, showing
        shown, showing = shown + 1, False
        show()
        prepare()

    prepare()
    return machine.run()


def seconds_of_claims(sweeps: Sequence[float], processes: int) -> float:
    """Simulate processes that share a folder: each takes the next sweep when it has finished one."""
    ends = [0.0] * processes
    for seconds in sweeps:
        heapq.heapreplace(ends, ends[0] + seconds)
    return max(ends)
