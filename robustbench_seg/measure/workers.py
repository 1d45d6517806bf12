"""Calls spread over worker processes, results in order, with a bounded number in flight.

Each process has a thread here, which gives it one call at a time and waits for the answer. Processes share neither a
queue nor a lock, which a killed process could leave broken, and nothing is written to disk for them.
"""

import atexit
import multiprocessing
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

from ..errors import MachineError
from ..stopping import ENDINGS, STOPS, end_worker, unbroken

__all__ = ["Loader"]

Item = TypeVar("Item")
Result = TypeVar("Result")
PREFETCH = 4  # results waiting or in progress, per worker
# Spawned, not forked: a fork of a process in which OpenCV, OpenMP or Numba have started threads may hang, and would
# inherit the lock on the result folder.
CONTEXT = multiprocessing.get_context("spawn")
CLOSED = "this loader is closed"
FEWER = "the same command resumes from there, with fewer --workers than {} in less memory"


class Loader:
    """A context manager around `workers` processes; with 0, this process makes each call when its turn comes.

    At the end of the context a worker finishes the file that it is writing, but not its call.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.crew: Crew | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.crew is not None:
            self.crew.end(at_once=False)
            self.crew = None

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield function(item) for each item, in order. function and items must be picklable if there are workers.

        An exception in a call is raised in the place of its result; later calls are dropped. Raises MachineError
        where a worker was killed or can't be started.
        """
        if self.workers == 0:
            yield from map(function, items)
            return
        if self.crew is None:
            self.crew = Crew(self.workers)
        crew, pickled = self.crew, pickle.dumps(function)
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(crew.submit(pickled, item))
                if len(waiting) >= PREFETCH * self.workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


@dataclass(frozen=True)
class Call:
    """function: pickled once for all calls of a `map`, since a data set of 100,000 paths has 10 MB."""

    function: bytes
    item: Any
    future: Future[Any]


class Crew:
    """Worker processes, each started and attended to by a thread.

    Nothing is ever sent through the lifeline: its end is closed in whatever way this process ends, and so they end too.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.calls: SimpleQueue[Call | None] = SimpleQueue()
        self.far_lifeline, self.lifeline = CONTEXT.Pipe(duplex=False)
        self.processes: list[BaseProcess] = []
        self.starting = threading.Lock()
        self.ended = False
        ENDINGS.add(self.end)
        atexit.register(self.end, False)  # before multiprocessing's own function, which waits for all processes
        for _ in range(size):
            threading.Thread(target=self.attend, daemon=True).start()

    def submit(self, function: bytes, item: Any) -> Future[Any]:
        """Queue a call; its future gets the result or the exception of `Worker.answer`."""
        with unbroken():  # nobody need hear that a stop has ended the workers
            if self.ended:
                raise RuntimeError(CLOSED)
        future: Future[Any] = Future()
        self.calls.put(Call(function, item, future))
        return future

    def attend(self) -> None:
        """Give a worker one call after another; one that was killed is replaced."""
        worker = None
        while (call := self.calls.get()) is not None:
            if not call.future.set_running_or_notify_cancel():
                continue
            try:
                if worker is None or worker.killed:
                    worker = self.start()
                call.future.set_result(worker.answer(call))
            except BaseException as error:
                with unbroken():  # as in `submit`
                    call.future.set_exception(RuntimeError(CLOSED) if self.ended else error)

    def start(self) -> "Worker":
        with unbroken(), self.starting:  # so that a process is among `processes` when these are to end
            if self.ended:
                raise RuntimeError(CLOSED)
            try:
                block_stops()
                here, there = CONTEXT.Pipe()
                with there:
                    process = CONTEXT.Process(target=work, args=(there, self.far_lifeline), daemon=True)
                    process.start()
            except OSError as error:
                raise MachineError(f"can't start a worker process ({error}); {FEWER.format(self.size)}") from None
            self.processes.append(process)
        return Worker(here, self.size)

    def end(self, at_once: bool) -> None:
        """End the workers and wait for it: `at_once`, or when each has finished the file that it is writing."""
        with self.starting:
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
    """Keep Ctrl-C and similar signals from this thread and its processes: the main thread alone handles them."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        resource_tracker.ensure_running()  # at its start it unblocks some
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)


class InWorkerError(Exception):
    """The traceback of an exception in a worker, as the cause of the exception here."""


class Worker:
    """A worker seen from here. crew: how many there are."""

    def __init__(self, connection: Connection, crew: int) -> None:
        self.connection, self.crew = connection, crew
        self.function = b""  # that it has
        self.killed = False

    def answer(self, call: Call) -> Any:
        """Make a call in the worker. Raises the call's exception; MachineError where it is killed meanwhile."""
        held, self.function = self.function, b""  # the worker has a function for certain once a call of it succeeded
        question = pickle.dumps((None if call.function is held else call.function, call.item))
        try:
            self.connection.send_bytes(question)
            answer = self.connection.recv_bytes()
        except (EOFError, OSError):
            self.killed = True
            raise MachineError(
                f"a worker process was killed, perhaps for want of memory; {FEWER.format(self.crew)}"
            ) from None
        value, error, trace = pickle.loads(answer)  # of this process's own child
        if error is not None:
            raise error from InWorkerError(trace)
        self.function = call.function
        return value


def work(calls: Connection, lifeline: Connection) -> None:
    """Answer calls in a worker until its main process is gone, or ends it."""
    threading.Thread(target=end_with, args=(lifeline,), daemon=True).start()
    import cv2

    cv2.setNumThreads(1)
    function: Any = None
    with suppress(EOFError, OSError):  # of the connection, when its other end is closed
        while True:
            question = calls.recv_bytes()
            try:
                pickled, item = pickle.loads(question)
                if pickled is not None:
                    function = pickle.loads(pickled)
                answer = pickle.dumps((function(item), None, ""))
            except BaseException as error:
                answer = pickle.dumps((None, portable(error), traceback.format_exc()))
            calls.send_bytes(answer)
    end_worker()


def end_with(lifeline: Connection) -> None:
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    end_worker()


def portable(error: BaseException) -> BaseException:
    """Return the exception or, where it can't be pickled and read, another one with the same words."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
