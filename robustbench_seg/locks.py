"""Locks of the system's own, which end with their holder: on a folder of results, and on the machine that measures."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import filelock

from .errors import MachineError, StoreError
from .files import writing
from .stopping import end_if_asked
from .temporary_files import boot, remove_leftovers

try:
    import fcntl
except ImportError:  # not POSIX
    fcntl = None  # type: ignore[assignment]

__all__ = ["locked", "measuring"]

POLL_S = 0.5
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}  # answers of file systems without locks


@contextmanager
def locked(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Lock a folder against other commands, and remove temporary files that killed commands left in it.

    shared: only against commands that do not share it; those that do have claims, see `store.claims`. A file system
    without locks is accepted then. The folder is created if it does not exist. The lock is the system's own (flock). It
    is effective between the containers of a machine, and between machines over NFS if the server supports locks; it
    ends with the process that holds it. Raises StoreError at the start if another process holds the lock, and at the
    end if the folder has been removed or renamed meanwhile. Raises MachineError for a folder that can't be written.
    """
    path = folder / ".lock"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            release = share(path) if shared else acquire(path)
        except (filelock.Timeout, BlockingIOError):
            raise StoreError(f"{folder}: another run is using this folder") from None
        except NotImplementedError:  # from some versions of filelock
            raise MachineError(f"{folder}: its file system has no locks; choose another place") from None
    try:
        own = path.stat()
        remove_leftovers(folder, below=True)
        yield
        if not (path.exists() and os.path.samestat(path.stat(), own)):
            raise StoreError(f"{folder}: was removed or renamed while it was in use; give the same command again")
    finally:
        release()


def acquire(path: Path) -> Callable[[], object]:
    """Lock a file alone; return what releases it."""
    lock = filelock.FileLock(path)
    lock.acquire(timeout=0)
    return lock.release


def share(path: Path) -> Callable[[], object]:
    """Lock a file together with others, where the system can; return what releases it. Raises BlockingIOError."""
    handle = open_to_lock(path)
    try:
        if flock(handle, path, alone=False) is False:
            raise BlockingIOError
    except BaseException:
        os.close(handle)
        raise
    return partial(os.close, handle)


@contextmanager
def measuring(folder: Path, *, alone: bool, wait: Callable[[str], object]) -> Iterator[None]:
    """Hold a block that measures on this machine into a folder: with others, or alone, so that they do not disturb it.

    It begins when the other processes allow it; wait: called once with a line if they do not yet. A process that was
    asked to end does not wait: it ends. Where the system has no such locks it begins at once, and a line states this if
    it should be alone. Raises MachineError for a file that can't be locked for another reason.
    """
    path = folder / ".claims" / f"machine-{boot()}"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = open_to_lock(path)
    try:
        free = flock(handle, path, alone=alone)
        if free is False:
            what = "other processes measure" if alone else "another process measures speed"
            wait(f"waiting while {what} on this machine")
            while flock(handle, path, alone=alone) is False:
                end_if_asked()
                time.sleep(POLL_S)
        elif free is None and alone:
            wait(f"{folder}: has no locks of files, so a speed cell does not wait for other processes of this machine")
        yield
    finally:
        os.close(handle)


def open_to_lock(path: Path) -> int:
    """Open a file so that it can be locked; over NFS a lock alone needs a file that can be written."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except PermissionError:  # a file of another user
        return os.open(path, os.O_RDONLY)


def flock(handle: int, path: Path, *, alone: bool) -> bool | None:
    """Lock an open file, alone or with others; False if another process prevents it, None without such locks.

    Raises MachineError if the system refuses it for another reason.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in NO_LOCKS:
            return None
        raise MachineError(f"{path}: can't be locked ({error.strerror})") from None
    return True
