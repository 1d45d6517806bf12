"""End the process on a stop signal: the first signal ends it between two writes, a second one at once.

SIGUSR1 asks for less: the process ends where it calls `end_if_asked`.

Files are written atomically, and a kill loses no finished file. So a stop does not need to unwind the program: no code
can swallow an exception, and no module stays half imported. A separate thread waits for the file that is being written,
ends the workers and then the process, independently of the main thread.
"""

import atexit
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

__all__ = [
    "ENDINGS",
    "SIGNALS",
    "STOPS",
    "TEMPORARY_FILES",
    "end_if_asked",
    "end_with",
    "end_worker",
    "hear",
    "is_asked_to_end",
    "is_unread",
    "listen",
    "stop",
    "unbroken",
]

STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
FINISH = getattr(signal, "SIGUSR1", None)  # asks for an end between two pieces of work
SIGNALS = [*STOPS, *([FINISH] if FINISH else [])]
STOPPED = 130
LINE = b"robustbench-seg: stopped; what is finished is kept, and the same command resumes from there\n"
SHOW_CURSOR = b"\x1b[?25h\n"  # a progress bar hides the cursor
SAME_S = 0.2  # a signal so soon after the first belongs to the same stop: timeout(1) sends its signal twice
PATIENCE_S = 1.0  # for a terminal or the reader of a pipe that accepts no more bytes


class Blocks:
    """The blocks that a stop does not interrupt, in all threads; they may be nested."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.running = 0
        self.closed = False
        self.thread = threading.local()

    def enter(self) -> None:
        depth = getattr(self.thread, "depth", 0)
        with self.changed:
            while self.closed and not depth:
                self.changed.wait()  # forever: the process is about to end
            self.running += 1
        self.thread.depth = depth + 1

    def leave(self) -> None:
        self.thread.depth -= 1
        with self.changed:
            self.running -= 1
            self.changed.notify_all()

    def close(self) -> None:
        """Let no new block begin, and wait for the running ones."""
        with self.changed:
            self.closed = True
            while self.running:
                self.changed.wait()


BLOCKS = Blocks()
ENDINGS: set[Callable[[bool], None]] = set()  # each ends child processes, at once (True) or between writes, and waits
TEMPORARY_FILES: set[Path] = set()  # the files that this process is writing
FINISHING = threading.Event()  # whether FINISH has come
FINAL: list[int] = []  # the exit status, if one is set
LAST_WORD = threading.Lock()  # held by the thread that ends the process; never released


@contextmanager
def unbroken() -> Iterator[None]:
    """Hold a stop back until this block has ended."""
    BLOCKS.enter()
    try:
        yield
    finally:
        BLOCKS.leave()


def end_worker() -> NoReturn:
    """End this process between two writes."""
    BLOCKS.close()
    os._exit(0)


def listen() -> None:
    """From now on end this process with status 130 on Ctrl-C, on SIGTERM and when its terminal closes.

    On SIGUSR1 it ends with this status at the next `end_if_asked`. An ignored signal stays ignored, such as Ctrl-C in a
    shell's background job or a closed terminal under nohup.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    numbers = [number for number, handler in before.items() if handler != signal.SIG_IGN]
    bell, ringer = os.pipe()
    if hasattr(os, "set_blocking"):  # on Windows since Python 3.12; not essential there
        os.set_blocking(ringer, False)
    signal.set_wakeup_fd(ringer, warn_on_full_buffer=False)  # works even while the main thread runs a library's code
    for number in numbers:
        signal.signal(number, hear)
    threading.Thread(target=wait_for_stops, args=(bell, numbers), name="stops", daemon=True).start()
    atexit.register(finish, numbers)  # the first function registered is the last one called
    if hasattr(os, "register_at_fork"):
        forget_in_forks({number: before[number] for number in numbers})


def hear(number: int, frame: Any) -> None:
    """The handler of each signal: `wait_for_stops` hears of it on its own."""


def forget_in_forks(handlers: Mapping[int, Any]) -> None:
    """Restore the handlers in processes that a library forks, and do not wake this process for their signals."""
    thread = threading.local()

    def hold() -> None:
        thread.mask = signal.pthread_sigmask(signal.SIG_BLOCK, handlers)

    def release() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, thread.mask)

    def forget() -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        release()

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=forget)


def finish(numbers: Collection[int]) -> None:
    """Let a pending stop end the process; otherwise end it with the status from `end_with`, if there is one.

    The shutdown of the interpreter takes up to seconds. During it no thread receives a stop, and a library's thread may
    abort the process. Without a status from `end_with`, stops are ignored during the shutdown.
    """
    try:
        for stream in (sys.stdout, sys.stderr):
            print(end="", file=stream, flush=True)
    except OSError:  # the interpreter reports it during shutdown
        FINAL.clear()
    with unbroken():
        if FINAL:
            os._exit(FINAL[-1])
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)


def end_with(status: int) -> None:
    """Set the status with which the process ends after its exit functions."""
    FINAL.append(status)


def wait_for_stops(bell: int, numbers: Collection[int]) -> None:
    first = None
    while True:
        for number in os.read(bell, 64):
            now = time.monotonic()
            if number == FINISH:
                FINISHING.set()
            if number == FINISH or number not in numbers:
                continue
            if first is None:
                first = now
                threading.Thread(target=stop, daemon=True).start()
            elif now - first > SAME_S:
                stop_at_once()


def is_asked_to_end() -> bool:
    """Whether the process was asked to end between two pieces of work."""
    return FINISHING.is_set()


def end_if_asked() -> None:
    """End the process, as a stop does, if it was asked to end between two pieces of work."""
    if is_asked_to_end():
        stop()


def is_unread(error: BaseException) -> bool:
    """Whether an exception is what Rich raises when the reader of the output has gone."""
    return isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError)


def stop() -> None:
    """End the process as a stop does, between two writes."""
    try:
        BLOCKS.close()
        for end in list(ENDINGS):
            end(False)
    finally:
        end_stopped()


def stop_at_once() -> None:
    try:
        for end in list(ENDINGS):
            end(True)
        for path in list(TEMPORARY_FILES):
            with suppress(OSError):
                path.unlink()
    finally:
        end_stopped()


def end_stopped() -> NoReturn:
    LAST_WORD.acquire()
    if os.isatty(1):
        write(1, SHOW_CURSOR)
    write(2, LINE)
    os._exit(STOPPED)


def write(descriptor: int, text: bytes) -> None:
    try:
        ready = bool(select.select([], [descriptor], [], PATIENCE_S)[1])
    except OSError:  # Windows waits for sockets only
        ready = True
    if ready:
        with suppress(OSError):
            os.write(descriptor, text)
