"""Calls spread over worker processes, results in order, with a bounded number in flight."""

import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from .errors import MachineError

__all__ = ["Loader"]

Item = TypeVar("Item")
Result = TypeVar("Result")
PREFETCH = 4  # results waiting or in progress, per worker


class Loader:
    """A context manager around `workers` processes; with 0 all calls are made in this process, when their turn comes.

    Workers are spawned, not forked: a fork of a process in which OpenCV, OpenMP or Numba have started threads may hang,
    and would inherit the lock on the result folder.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool is not None:
            self.pool.shutdown(wait=True, cancel_futures=True)
            self.pool = None

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield function(item) for each item, in order. function and items must be picklable if there are workers.

        An exception of a call is raised where its result would stand; later calls are dropped. Raises MachineError
        where a worker was killed.
        """
        if self.workers == 0:
            yield from map(function, items)
            return
        if self.pool is None:
            self.pool = ProcessPoolExecutor(
                self.workers, mp_context=multiprocessing.get_context("spawn"), initializer=prepare_worker
            )
        waiting: deque[Future[Result]] = deque()
        handle, pickled = tempfile.mkstemp(prefix="robustbench-seg-")
        try:
            with os.fdopen(handle, "wb") as file:
                pickle.dump(function, file)
            for item in items:
                with without_interrupts():
                    waiting.append(self.pool.submit(call, pickled, item))
                if len(waiting) >= PREFETCH * self.workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenExecutor:
            self.pool = None  # the next call starts anew
            raise MachineError(
                "a worker process was killed, perhaps for want of memory; the same command goes on from there, "
                f"with fewer --workers than {self.workers} in less memory"
            ) from None
        finally:
            for future in waiting:
                future.cancel()
            Path(pickled).unlink()


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back until the block ends: a worker that starts meanwhile is known to its pool by then,
    which else could not end it, and never sees Ctrl-C, not even before `prepare_worker`.
    """
    if threading.current_thread() is not threading.main_thread():  # which alone handles signals
        yield
        return
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handled = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in handled:
        signal.signal(number, lambda number, frame: came.append(number))
    masks = hasattr(signal, "pthread_sigmask")  # a new process has its parent's
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else set()
    try:
        yield
    finally:
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in handled.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def call(pickled: str, item: Item) -> Any:
    """Apply a function in a worker."""
    return unpickled(pickled)(item)


@lru_cache(maxsize=1)
def unpickled(path: str) -> Callable[[Any], Any]:
    """Read a function once per `map`, not with every item: a data set of 100,000 paths has 10 MB."""
    pickled = Path(
        path
    ).read_bytes()  # of this worker's own parent: mkstemp makes files that their owner alone can write
    function: Callable[[Any], Any] = pickle.loads(pickled)
    return function


def prepare_worker() -> None:
    """Leave Ctrl-C to the parent, keep to one thread, and end when the parent is gone, however it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import cv2

    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=end_with, args=(parent.sentinel,), daemon=True).start()


def end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
