"""Files that are either there and whole, or not there: temporary file, fsync, rename."""

import hashlib
import json
import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock

from .errors import StoreError

__all__ = ["canonical_json", "digest", "locked", "replacing", "write_bytes", "write_json", "write_text"]

TEMPORARY = ".robustbench-seg.tmp"  # no file of anyone else ends so: such files are removed


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder, which is made if need be; remove what killed runs left unfinished in it.

    Nothing but this project's own temporary files is removed, whatever else the folder holds, and none that another
    process, which may be writing a report there, has in hand.

    Raises StoreError at once if another process is in; the lock of a process that is gone does not count.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise StoreError(f"{folder}: another run is using this folder") from None
    try:
        for leftover in folder.rglob(f".*{TEMPORARY}"):
            if leftover.is_file() and not leftover.is_symlink() and not writer_lives(leftover):
                leftover.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends well, what was written there replaces `path`.

    The folder is made if need be. A kill at any moment leaves the old file or the new one, never a part; a temporary
    file that it leaves behind is removed by the next `locked`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=f"-{own_number()}{TEMPORARY}")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp makes files that only their owner may read
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def own_number() -> int:
    """The number of this process or, in a worker, which ends with its parent, of that."""
    parent = multiprocessing.parent_process()
    return os.getpid() if parent is None or parent.pid is None else parent.pid


def writer_lives(temporary: Path) -> bool:
    """Whether another process of the number in a temporary file's name is there."""
    number = temporary.name.removesuffix(TEMPORARY).rpartition("-")[2]
    if not (number.isascii() and number.isdigit()) or int(number) == own_number() or os.name != "posix":
        return False
    try:
        os.kill(int(number), 0)  # sends nothing
    except PermissionError:  # someone else's
        return True
    except (OSError, OverflowError):
        return False
    return True


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
    """One text per value: strict, key-sorted, without spaces."""
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))


def digest(value: Any, size: int = 16) -> str:
    """Hash a JSON value with blake2b of `size` bytes, as hexadecimal digits."""
    return hashlib.blake2b(canonical_json(value).encode(), digest_size=size).hexdigest()
