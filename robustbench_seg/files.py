"""Write files atomically: temporary file, fsync, rename."""

import errno
import hashlib
import json
import math
import os
import platform
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from .errors import MachineError, RobustBenchError, UsageError
from .stopping import TEMPORARY_FILES, unbroken

try:
    import fcntl
except ImportError:  # not POSIX
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "SHA256_DIGITS",
    "boot",
    "canonical_json",
    "digest",
    "expanded",
    "plain",
    "remove_leftovers",
    "replacing",
    "write_bytes",
    "write_json",
    "write_text",
    "writing",
]

SHA256_DIGITS = 64
TEMPORARY = ".robustbench-seg.tmp"  # only this program uses this suffix, so leftovers with it are removed
OLD_S = 24 * 3600.0  # no write pauses for a day, and no two clocks differ by a day
HOME = re.compile(r"(?P<word>(?:\w+:)?)(?P<path>~.*)", re.DOTALL)
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MACOS_BOOT_ID = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
AGAIN = "make room, then give the same command again"
FULL = {
    errno.ENOSPC: f"no room is left on its disk; {AGAIN}",
    errno.EDQUOT: f"the quota of its disk is used up; {AGAIN}",
    errno.EFBIG: f"it is larger than its disk or the shell (ulimit -f) allows; {AGAIN}",
}
REFUSALS = FULL | {
    errno.EROFS: "its disk is read-only; choose another place",
    errno.EACCES: "this user may not write there; choose another place",
    errno.EPERM: "this user may not write there; choose another place",
    errno.EEXIST: "a file stands where its folder should be; choose another place",
    errno.ENOTDIR: "a file stands where its folder should be; choose another place",
}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`. After the block, unless it raised, the temporary file replaces `path`.

    The folder is created if it does not exist. A kill at any moment leaves the old file or the new one, never a part.
    The next `locks.locked` removes a temporary file that a kill leaves. Raises MachineError as `writing` does.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock, temporary = make_temporary(path.parent)
        try:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o644)  # mkstemp makes files that only their owner may read
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        finally:
            TEMPORARY_FILES.discard(temporary)
            if lock is not None:
                os.close(lock)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Protect a block that writes `path` from a stop. Raises MachineError, with the remedy, if the system refuses."""
    with unbroken():
        try:
            yield
        except RobustBenchError:  # has a clear message already
            raise
        except Exception as error:
            if (reason := refusal(error)) is None:
                raise
            raise MachineError(f"{path}: can't be written: {reason}") from None


def refusal(error: BaseException) -> str | None:
    """Give the reason why the system refused a write, or None for any other error.

    On a full disk, torch raises its own error, with the system's error as the context.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return REFUSALS.get(error.errno, os.strerror(error.errno))
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError) and below.errno in FULL:
            return FULL[below.errno]
        below = below.__cause__ or below.__context__
    return None


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


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write strict, key-sorted JSON atomically. Raises ValueError for NaN and infinities."""
    write_text(path, json.dumps(value, sort_keys=True, allow_nan=False, indent=2) + "\n")


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: strict, key-sorted, without spaces. Raises ValueError for NaN."""
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))


def plain(value: Any) -> Any:
    """Turn a value into one that `canonical_json` takes: null for what is no finite number, text for any other type."""
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    value = value.item() if getattr(value, "ndim", None) == 0 else value  # a number of numpy
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    return str(value).encode("utf-8", "backslashreplace").decode()  # bytes of a path may be no UTF-8


def digest(value: Any, size: int = 16) -> str:
    """Hash a JSON value with blake2b of `size` bytes, as hexadecimal digits."""
    return hashlib.blake2b(canonical_json(value).encode(), digest_size=size).hexdigest()


def expanded(path: str) -> str:
    """Replace a leading `~` or `~user` by the home folder, also after a prefix such as `hf:`.

    Any other text is returned unchanged. Raises UsageError for an unknown user.
    """
    parts = HOME.fullmatch(path)
    if parts is None:
        return path
    try:
        return parts["word"] + str(Path(parts["path"]).expanduser())
    except RuntimeError:
        raise UsageError(f"{path}: {parts['path'].partition('/')[0]} is not a home folder on this machine") from None
