"""Temporary files: made under a lock, and removed where their writer has ended."""

import os
import platform
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from .stopping import TEMPORARY_FILES

try:
    import fcntl
except ImportError:  # not POSIX
    fcntl = None  # type: ignore[assignment]

__all__ = ["TEMPORARY", "boot", "make_temporary", "remove_leftovers"]

TEMPORARY = ".robustbench-seg.tmp"  # only this program uses this suffix, so leftovers with it are removed
OLD_S = 24 * 3600.0  # no write pauses for a day, and no two clocks differ by a day
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MACOS_BOOT_ID = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]


def make_temporary(folder: Path) -> tuple[int | None, Path]:
    """Make an empty file that this process locks until it closes the descriptor: see `remove_leftovers`.

    There is no descriptor on a system without such locks: Windows can't rename or remove an open file.
    """
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=f"-{boot()}{TEMPORARY}")
        TEMPORARY_FILES.add(Path(name))
        if fcntl is None:
            os.close(handle)
            return None, Path(name)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        TEMPORARY_FILES.discard(Path(name))
        os.close(handle)  # another process removed it as a leftover before it was locked


def remove_leftovers(folder: Path, *, below: bool = False) -> None:
    """Remove the temporary files that killed writers left in a folder, and no other file. below: in subfolders too.

    A writer locks its file, and the file's name contains the boot id of the writer's machine. If the boot id is this
    machine's and the file is not locked, the writer has ended, in any container. A file from another machine or from an
    older version is removed if it has not changed for a day, because locks do not always reach across machines.
    """
    for path in (folder.rglob if below else folder.glob)(f".*{TEMPORARY}"):
        if path.is_file() and not path.is_symlink():
            with suppress(OSError):
                remove_if_left(path)


def remove_if_left(path: Path) -> None:
    if fcntl is None:
        if is_old(path.stat()):
            path.unlink()
        return
    handle = os.open(path, os.O_RDWR)
    try:
        unlocked = True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return
        except OSError:  # a file system without locks
            unlocked = False
        from_here = boot() != "" and path.name.endswith(f"-{boot()}{TEMPORARY}")
        if (unlocked and from_here) or is_old(os.fstat(handle)):
            path.unlink()
    finally:
        os.close(handle)


def is_old(status: os.stat_result) -> bool:
    return time.time() - status.st_mtime > OLD_S


@cache
def boot() -> str:
    """Return the boot id of this machine, the same in all its containers; "" if the system provides none."""
    try:
        return BOOT_ID.read_text("ascii")[:8]  # of a random UUID
    except OSError:
        return boot_of_macos() if platform.system() == "Darwin" else ""


def boot_of_macos() -> str:
    """Ask macOS for the UUID of its last start; "" if it does not answer."""
    try:
        answer = subprocess.run(MACOS_BOOT_ID, capture_output=True, text=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.strip()[:8].lower()
