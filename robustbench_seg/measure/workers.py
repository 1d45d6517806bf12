"""Distribute calls over worker processes: results in order, and a bounded number of calls in progress.

Each worker process has a thread here. The thread sends one call at a time and waits for the answer, whose large arrays
lie in shared memory (see handover.py). Worker processes share no queue and no lock, because a killed process could
leave them broken; they need no file.
"""

import atexit
import multiprocessing
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

from ..errors import MachineError
from ..stopping import ENDINGS, SIGNALS, unbroken
from .answering import work
from .handover import Receiver, segments_of_each

__all__ = ["Loader"]

Item = TypeVar("Item")
Result = TypeVar("Result")
PREFETCH = 4  # results waiting or in progress, per worker
# Spawn, not fork: after a fork of a process with threads of OpenCV, OpenMP or Numba, the child may hang, and it would
# inherit the lock on the result folder.
CONTEXT = multiprocessing.get_context("spawn")
CLOSED = "this loader is closed"
FEWER = "the same command resumes from there, with fewer --workers than {} in less memory"


class Loader:
    """A context manager around `workers` processes; with 0, this process makes the calls itself, lazily.

    ahead: what a worker calls when it starts. At the end of the context a worker finishes the file that it is writing,
    but not its call.
    """

    def __init__(self, workers: int, ahead: Callable[[], object] | None = None) -> None:
        self.workers, self.ahead = workers, ahead
        self.window = PREFETCH * workers  # results of a `map` that are waiting or in progress, at most
        self.pool: Pool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool is not None:
            self.pool.end(at_once=False)
            self.pool = None

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
        """Yield function(item) for each item, in order. function and items must be picklable if there are workers.

        The workers begin at once, and are told to leave off by `close`. An exception in a call is raised in the place
        of its result, and later calls are cancelled. Raises MachineError if a worker was killed or can't be started.
        """
        if self.workers == 0:
            return (function(item) for item in items)
        if self.pool is None:
            self.pool = Pool(self.workers, self.ahead)
        try:
            submit = partial(self.pool.submit, pickle.dumps(function))
        except Exception as error:
            return failing(error)
        left = iter(items)
        yielded = results(deque(map(submit, islice(left, self.window))), map(submit, left))
        next(yielded)  # a generator that has not begun would cancel nothing
        return yielded


def failing(error: Exception) -> Generator[Any, None, None]:
    """Raise an error in the place of the first result."""
    raise error
    yield  # which makes it a generator


def results(waiting: "deque[Future[Any]]", more: "Iterator[Future[Any]]") -> Generator[Any, None, None]:
    """Yield nothing, then the results of calls in progress; begin one more for each. At the end, cancel what waits."""
    try:
        yield
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(islice(more, 1))
    finally:
        for future in waiting:
            future.cancel()


@dataclass(frozen=True)
class Call:
    """A call in a worker. function: pickled once per `map`, because a data set of 100,000 paths takes 10 MB."""

    function: bytes
    item: Any
    future: Future[Any]


class Pool:
    """Worker processes; a thread starts each process and serves it.

    The lifeline is a pipe without data. When this process ends in any way, its end of the pipe closes, and the worker
    processes end too.
    """

    def __init__(self, size: int, ahead: Callable[[], object] | None = None) -> None:
        self.size, self.ahead = size, ahead
        self.calls: SimpleQueue[Call | None] = SimpleQueue()
        self.far_lifeline, self.lifeline = CONTEXT.Pipe(duplex=False)
        self.processes: list[BaseProcess] = []
        self.start_lock = threading.Lock()
        self.ended = False
        ENDINGS.add(self.end)
        atexit.register(self.end, False)  # runs before multiprocessing's exit function, which waits for all processes
        for _ in range(size):
            threading.Thread(target=self.serve, daemon=True).start()

    def submit(self, function: bytes, item: Any) -> Future[Any]:
        """Queue a call; its future gets the result or the exception of `Worker.answer`."""
        with unbroken():  # so that a stop, which ends the workers, is not reported as an error
            if self.ended:
                raise RuntimeError(CLOSED)
        future: Future[Any] = Future()
        self.calls.put(Call(function, item, future))
        return future

    def serve(self) -> None:
        """Give a worker one call after another; replace a worker that was killed."""
        worker = None
        while (call := self.calls.get()) is not None:
            if not call.future.set_running_or_notify_cancel():
                continue
            try:
                if worker is None or not worker.usable:
                    worker = self.start()
                call.future.set_result(worker.answer(call))
            except BaseException as error:
                with unbroken():  # as in `submit`
                    call.future.set_exception(RuntimeError(CLOSED) if self.ended else error)

    def start(self) -> "Worker":
        with unbroken(), self.start_lock:  # so that `end` finds each started process in `processes`
            if self.ended:
                raise RuntimeError(CLOSED)
            try:
                block_stops()
                here, there = CONTEXT.Pipe()
                with there:
                    arguments = there, self.far_lifeline, segments_of_each(self.size), self.ahead
                    process = CONTEXT.Process(target=work, args=arguments, daemon=True)
                    process.start()
            except OSError as error:
                raise MachineError(f"can't start a worker process ({error}); {FEWER.format(self.size)}") from None
            self.processes.append(process)
        return Worker(here, self.size)

    def end(self, at_once: bool) -> None:
        """End the workers and wait: `at_once`, or after each has finished the file that it is writing."""
        with self.start_lock:
            self.ended = True
            self.lifeline.close()
        if at_once:
            for process in self.processes:
                process.kill()
        for process in self.processes:
            process.join()
        for _ in range(self.size):
            self.calls.put(None)
        ENDINGS.discard(self.end)
        atexit.unregister(self.end)


def block_stops() -> None:
    """Block Ctrl-C, SIGUSR1 and similar signals in this thread and its processes: only the main thread handles them."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        resource_tracker.ensure_running()  # unblocks some signals when it starts
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


class InWorkerError(Exception):
    """The traceback of an exception in a worker; it is the cause of the exception here."""


class Worker:
    """The connection to a worker process. workers: how many there are."""

    def __init__(self, connection: Connection, workers: int) -> None:
        self.connection, self.workers = connection, workers
        self.receiver = Receiver(connection)
        self.function = b""  # the function that the worker holds
        self.usable = True

    def answer(self, call: Call) -> Any:
        """Make a call in the worker. Raises the call's exception, or MachineError if the worker was killed."""
        current, self.function = self.function, b""  # only a successful call proves that the worker holds a function
        question = pickle.dumps((None if call.function is current else call.function, call.item))
        try:
            self.receiver.give_back()
            self.connection.send_bytes(question)
            value, error, trace = self.receiver.receive()
        except (EOFError, OSError):
            self.usable = False
            raise MachineError(
                f"a worker process was killed, perhaps because memory ran out; {FEWER.format(self.workers)}"
            ) from None
        except BaseException:
            self.usable = False  # an answer was read in part
            raise
        if error is not None:
            raise error from InWorkerError(trace)
        self.function = call.function
        return value
