"""Load the compiler of the corruptions ahead, while a run opens its data and shows clean images."""

import functools
import threading
from contextlib import suppress

__all__ = ["begin"]


@functools.cache
def begin() -> threading.Thread:
    """Start a thread, once in a process, that imports Numba and what it puts off until a kernel is first called.

    That is half a second of imports, in which the first corruption would wait, in all worker processes at a time. A
    fault is left for that corruption, which meets it where it is reported.
    """
    thread = threading.Thread(target=load)
    thread.start()
    return thread


def load() -> None:
    """Call a kernel."""
    with suppress(Exception):
        from .compiled import compiled

        compiled(nothing)()


def nothing() -> None:
    """A kernel without work."""
