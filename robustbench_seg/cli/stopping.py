"""Ctrl-C and SIGTERM, which end a long command alike."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["stoppable"]


@contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """Raise KeyboardInterrupt at either signal; yield a check, to be called now and then, that raises it once more.

    For the first can be lost: a bare `except` of the standard library (copyreg's, under torch.save) swallows it.
    A signal that is ignored, as Ctrl-C in a shell's background job, stays ignored.
    """
    asked = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        raise KeyboardInterrupt

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    heard = [number for number, handler in before.items() if handler != signal.SIG_IGN]
    for number in heard:
        signal.signal(number, stop)
    try:
        yield check
    finally:
        for number in heard:
            signal.signal(number, before[number])
