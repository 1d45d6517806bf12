"""A connection to Ray: its start and its end, next to the signals and the faults of a program."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from ... import environment
from ...errors import MachineError, missing_extra
from ...stopping import ENDINGS, hear, is_unread, stop, unbroken

__all__ = ["connected"]

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # else a call after the end would start Ray again
    "RAY_prestart_worker_first_driver": "0",  # else Ray would wait for its first processes for ever if one is killed
}
THREAD = threading.local()  # starting: whether a process that this thread begins is one of Ray's


def leave_group() -> None:
    """Leave the process group, in a process of Ray's: a signal to the group, as timeout(1) sends it, is for the run."""
    if getattr(THREAD, "starting", False):
        os.setpgid(0, 0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=leave_group)


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Connect to the cluster at an address, or start Ray on this machine; keep a connection that the program has.

    Raises MachineError without Ray, and where no cluster answers.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise missing_extra("--engine ray needs Ray", "ray") from None
    if ray.is_initialized():
        with in_words():
            yield
        return
    how: dict[str, Any] = {"address": address}
    if address is None:
        how = {"address": "local", "num_cpus": environment.available_cores(), "include_dashboard": False}

    def end(at_once: bool = False) -> None:
        if not at_once:  # Ray's processes end with this one, too, but some seconds later
            ray.shutdown()

    try:
        # A stop waits for processes of Ray's that start: some would outlive one that it can't end yet.
        with handler_kept(signal.SIGTERM), unbroken() if address is None else nullcontext(), groups_separated():
            ray.init(**how, log_to_driver=False, logging_level=logging.ERROR)
            ENDINGS.add(end)
    except Exception as error:  # Ray raises plain Exception, too, as where a node takes long to start
        reason = " ".join(str(error).split()) or type(error).__name__
        place = "Ray can't start here" if address is None else f"--address {address}: no Ray cluster answers there"
        raise MachineError(f"{place} ({reason:.300})") from None
    try:
        with in_words():
            yield
    finally:
        ENDINGS.discard(end)
        with handler_kept(signal.SIGTERM):
            ray.shutdown()


@contextmanager
def handler_kept(number: int) -> Iterator[None]:
    """Give a signal back the handler that Ray replaces in a block, at its start, or removes, at its end.

    Where the program has none, Ray's stays.
    """
    before = signal.getsignal(number)
    try:
        yield
    except SystemExit:  # from Ray's handler
        if before is hear:
            stop()
        raise
    finally:
        if before not in (None, signal.SIG_DFL) and threading.current_thread() is threading.main_thread():
            signal.signal(number, before)


@contextmanager
def groups_separated() -> Iterator[None]:
    """Put the processes that this thread begins in a block into separate groups."""
    THREAD.starting = True
    try:
        yield
    finally:
        THREAD.starting = False


@contextmanager
def in_words() -> Iterator[None]:
    """Raise MachineError for what the calls of Ray raise where it has ended, or has lost what it held."""
    import ray

    try:
        yield
    except ray.exceptions.RayError as error:
        reason = " ".join(str(error).split())
        raise MachineError(f"Ray has lost a part of the run ({reason:.300}); the same command resumes") from error
    except SystemExit as end:
        if is_unread(end):
            raise
        raise MachineError("the connection to Ray has ended; the same command resumes") from end
