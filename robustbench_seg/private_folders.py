"""Private folders for temporary files: each goes with its process, or is removed by the next command that makes one.

Its file `.lock` is locked while the process lives.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from .errors import MachineError
from .files import writing
from .stopping import ENDINGS, unbroken

__all__ = ["private_folder", "remove_left"]

PREFIX, REMOVED_SUFFIX, LOCK = "robustbench-seg-private-", ".gone", ".lock"


@contextmanager
def private_folder(parent: Path | None = None) -> Iterator[Path]:
    """Make a folder that goes with this process: at the end of the block, on a stop, or at last in the next run.

    parent: None for the folder of temporary files. Raises MachineError where the system refuses.
    """
    parent = parent or Path(tempfile.gettempdir())

    def end(at_once: bool = False) -> None:
        remove(folder)

    with writing(parent):
        parent.mkdir(parents=True, exist_ok=True)
        remove_left(parent)
        folder, lock = make_locked(parent)
        ENDINGS.add(end)  # in this block: a stop comes before there is a folder, or removes it
    try:
        yield folder
    finally:
        with unbroken():  # a stop waits for this, or has done it
            remove(folder)
            ENDINGS.discard(end)
        lock.release()


def remove_left(parent: Path) -> None:
    """Remove the folders that killed processes have left in a folder, and nothing else."""
    with unbroken(), suppress(OSError):
        for path in parent.glob(f"{PREFIX}*"):
            remove_if_left(path)


def make_locked(parent: Path) -> tuple[Path, filelock.BaseFileLock]:
    """Make a folder with a lock that this process holds. Raises MachineError where there are no locks."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = filelock.FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            continue  # another run is about to remove it, as if a killed run had left it
        except (OSError, NotImplementedError) as error:
            if folder.exists():
                remove(folder)
                raise MachineError(f"{parent}: its file system has no locks ({error}); choose another place") from None
            continue  # another run has removed it
        if (folder / LOCK).exists():
            return folder, lock


def remove_if_left(folder: Path) -> None:
    """Remove the folder of a process that has ended. What belongs to another user, or is a link, stays."""
    with suppress(OSError):
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != getattr(os, "getuid", lambda: about.st_uid)():
            return
    lock = filelock.FileLock(folder / LOCK)
    with suppress(OSError, NotImplementedError, filelock.Timeout):
        lock.acquire(timeout=0)
        remove(folder)
    lock.release()


def remove(folder: Path) -> None:
    """Remove a folder, to which workers may still be writing: under another name they do not find it."""
    elsewhere = folder.with_suffix(REMOVED_SUFFIX)
    with suppress(OSError):
        folder = folder.rename(elsewhere)
    shutil.rmtree(folder, ignore_errors=True)
