"""How a process ends when it is told to stop: once, between two writes; a second time, at once.

Files appear whole or not at all, and a kill loses nothing that is finished. So a stop need not unwind the program: no
exception runs through code that swallows it, or leaves a module half imported. A thread of its own waits for the file
that is being written, ends the workers and then the process, whatever the main thread is doing.
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

__all__ = ["ENDINGS", "STOPS", "TEMPORARY_FILES", "end_with", "end_worker", "listen", "unbroken"]

STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
STOPPED = 130
LINE = b"robustbench-seg: stopped; what is finished is kept, and the same command resumes from there\n"
SHOW_CURSOR = b"\x1b[?25h\n"  # a progress bar hides it
SAME_S = 0.2  # what comes so soon after the first signal is the same stop: timeout(1) sends its signal twice
PATIENCE_S = 1.0  # with a terminal, or a pipe's reader, that takes no more bytes


class Blocks:
    """The blocks that a stop does not break, in all threads; they may be nested."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.running = 0
        self.closed = False
        self.thread = threading.local()

    def enter(self) -> None:
        depth = getattr(self.thread, "depth", 0)
        with self.changed:
            while self.closed and not depth:
                self.changed.wait()  # for good: the process is about to end
            self.running += 1
        self.thread.depth = depth + 1

    def leave(self) -> None:
        self.thread.depth -= 1
        with self.changed:
            self.running -= 1
            self.changed.notify_all()

    def close(self) -> None:
        """Let no other begin, and wait for those that run."""
        with self.changed:
            self.closed = True
            while self.running:
                self.changed.wait()


BLOCKS = Blocks()
ENDINGS: set[Callable[[bool], None]] = set()  # each ends child processes, at once or between two writes, and waits
TEMPORARY_FILES: set[Path] = set()  # that this process is writing
FINAL: list[int] = []  # the status to end with
LAST_WORD = threading.Lock()  # of whoever ends the process: it is never released


@contextmanager
def unbroken() -> Iterator[None]:
    """A stop comes before this block or after it."""
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
    """From now on end this process with status 130 at Ctrl-C, SIGTERM or when its terminal is closed.

    A signal that is ignored, as Ctrl-C in a shell's background job or a closed terminal under nohup, stays ignored.
    """
    before = {number: signal.getsignal(number) for number in STOPS}
    heard = [number for number, handler in before.items() if handler != signal.SIG_IGN]
    bell, ringer = os.pipe()
    if hasattr(os, "set_blocking"):  # Windows has it since Python 3.12, and rings without it too
        os.set_blocking(ringer, False)
    signal.set_wakeup_fd(ringer, warn_on_full_buffer=False)  # rings even while the main thread is in a library's code
    for number in heard:
        signal.signal(number, lambda number, frame: None)
    threading.Thread(target=wait_for_stops, args=(bell, heard), name="stops", daemon=True).start()
    atexit.register(finish, heard)  # the first to be registered is the last to be called
    if hasattr(os, "register_at_fork"):
        forget_in_forks({number: before[number] for number in heard})


def forget_in_forks(handlers: Mapping[int, Any]) -> None:
    """Let a process that a library forks end by these signals as if nobody had listened, and without a ring here."""
    held = threading.local()

    def hold() -> None:
        held.mask = signal.pthread_sigmask(signal.SIG_BLOCK, handlers)

    def release() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, held.mask)

    def forget() -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        release()

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=forget)


def finish(heard: Collection[int]) -> None:
    """Let a stop under way end the process; else end it with the status that `end_with` was given, if any.

    While the interpreter is taken apart, which takes up to seconds, it has no thread to hear a stop, and one of a
    library's may abort the process. Where nobody gave a status, a stop is ignored for that while.
    """
    try:
        for stream in (sys.stdout, sys.stderr):
            print(end="", file=stream, flush=True)
    except OSError:  # which the interpreter says at its end
        FINAL.clear()
    with unbroken():
        if FINAL:
            os._exit(FINAL[-1])
        for number in heard:
            signal.signal(number, signal.SIG_IGN)


def end_with(status: int) -> None:
    """Have the process end with this status as soon as its exit functions have run."""
    FINAL.append(status)


def wait_for_stops(bell: int, heard: Collection[int]) -> None:
    first = None
    while True:
        for number in os.read(bell, 64):
            now = time.monotonic()
            if number not in heard:
                continue
            if first is None:
                first = now
                threading.Thread(target=stop, daemon=True).start()
            elif now - first > SAME_S:
                stop_at_once()


def stop() -> None:
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
