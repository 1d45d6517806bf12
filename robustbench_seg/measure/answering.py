"""What a worker process does: it answers calls until its main process is gone, or ends it."""

import pickle
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from ..errors import exit_in_words
from ..stopping import end_worker
from .handover import Sender

__all__ = ["portable", "work"]

Fault = TypeVar("Fault", bound=BaseException)


def work(calls: Connection, lifeline: Connection, segments: int, ahead: Callable[[], object] | None) -> None:
    """Answer calls in a worker until the main process is gone, or ends the worker.

    segments: see `Sender`. ahead: called first; see `Loader`.
    """
    threading.Thread(target=end_with, args=(lifeline,), daemon=True).start()
    if ahead is not None:
        ahead()
    import cv2

    cv2.setNumThreads(1)
    sender = Sender(calls, segments)
    function: Any = None
    with suppress(EOFError, OSError):  # raised when the other end of the connection is closed
        while True:
            sender.take_back()
            question = calls.recv_bytes()
            try:
                pickled, item = pickle.loads(question)
                if pickled is not None:
                    function = pickle.loads(pickled)
                answer = sender.pack((function(item), None, ""))
            except BaseException as error:
                answer = sender.pack((None, portable(error), traceback.format_exc()))
            sender.send(*answer)
    end_worker()


def end_with(lifeline: Connection) -> None:
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    end_worker()


def portable(error: Fault) -> Fault | RuntimeError:
    """Return the exception, or a RuntimeError with the same message if the exception can't be pickled and read.

    So too where code would end the program: it ends neither a worker nor, silently, the process that asked it.
    """
    if isinstance(error, SystemExit):
        return RuntimeError(exit_in_words(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
