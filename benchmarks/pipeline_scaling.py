"""A run on more cores than there are: a simulation of its stages, event by event, with times that were measured.

Worker processes prepare images (load, corrupt); the process of the run takes them over in order and shows them to its
models, or hands them on to a GPU, which shows them meanwhile. Each of these processes is at work on a core, and waits
for one if all are busy; a core is given to who asked first. A worker prepares no image that is more than PREFETCH
images a worker ahead of the last one that was taken over, and continues with the next condition when none is left.

Left out: memory bandwidth and caches that cores share, clocks that sink when many are busy, the start of processes, and
what the process of the run does for each batch, such as launching a GPU's kernels.
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
    """Seconds for each image. prepare: in a worker. take: to take it over and, for a GPU, to hand it on. show: in the
    models, counts included.
    """

    prepare: Sequence[float]
    take: float
    show: float


class Machine:
    """Cores, the work that waits for one, and the events that will come next. now: seconds since the start."""

    def __init__(self, cores: int) -> None:
        self.now, self.idle = 0.0, cores
        self.line: deque[tuple[float, Then]] = deque()
        self.events: list[tuple[float, int, Then]] = []
        self.number = count()

    def at(self, time: float, then: Then) -> None:
        """Call a function at a time."""
        heapq.heappush(self.events, (time, next(self.number), then))

    def work(self, seconds: float, then: Then) -> None:
        """Ask for a core for some seconds; then: called at the end."""
        self.line.append((seconds, then))
        self.start()

    def start(self) -> None:
        while self.idle and self.line:
            seconds, then = self.line.popleft()
            self.idle -= 1
            self.at(self.now + seconds, partial(self.end, then))

    def end(self, then: Then) -> None:
        self.idle += 1
        then()
        self.start()

    def run(self) -> float:
        """Let time pass until nothing more comes; return the seconds."""
        while self.events:
            self.now, _, then = heapq.heappop(self.events)
            then()
        return self.now


def seconds_of_run(stages: Stages, workers: int, cores: int, in_flight: int = 0) -> float:
    """Simulate a run with so many workers; 0 for a run that prepares its images itself.

    in_flight: images that a GPU may have at a time; 0 where the process of the run shows them itself.
    """
    if not workers:
        return sum(stages.prepare) + len(stages.prepare) * stages.show
    machine, prepared = Machine(cores), set()
    begun = busy = taken = shown = 0
    taking, free = False, 0.0  # free: when the GPU has nothing more to do

    def prepare() -> None:
        nonlocal begun, busy
        while begun < len(stages.prepare) and busy < workers and begun - taken < PREFETCH * workers:
            machine.work(stages.prepare[begun], partial(finish, begun))
            begun, busy = begun + 1, busy + 1

    def finish(image: int) -> None:
        nonlocal busy
        busy -= 1
        prepared.add(image)
        take()
        prepare()

    def take() -> None:
        nonlocal taking
        if not taking and taken in prepared and taken - shown < max(1, in_flight):
            taking = True
            machine.work(stages.take + (0 if in_flight else stages.show), hand_on)

    def hand_on() -> None:
        nonlocal taking, taken, free
        taking, taken = False, taken + 1
        if in_flight:
            free = max(free, machine.now) + stages.show
            machine.at(free, end)
        else:
            end()
        take()
        prepare()

    def end() -> None:
        nonlocal shown
        shown += 1
        take()

    prepare()
    return machine.run()


def seconds_of_claims(sweeps: Sequence[float], processes: int) -> float:
    """Simulate processes that share a folder: each takes the next sweep when it has finished one."""
    ends = [0.0] * processes
    for seconds in sweeps:
        heapq.heapreplace(ends, ends[0] + seconds)
    return max(ends)
