"""Write files atomically: temporary file, fsync, rename; the one text of a value, and its hash."""

import errno
import hashlib
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import MachineError, RobustBenchError, UsageError
from .stopping import TEMPORARY_FILES, unbroken
from .temporary_files import make_temporary

__all__ = [
    "SHA256_DIGITS",
    "canonical_json",
    "digest",
    "expanded",
    "plain",
    "replacing",
    "write_bytes",
    "write_json",
    "write_text",
    "writing",
]

SHA256_DIGITS = 64
HOME = re.compile(r"(?P<word>(?:\w+:)?)(?P<path>~.*)", re.DOTALL)
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
