"""Files that are either there and whole, or not there: temporary file, fsync, rename."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["canonical_json", "digest", "replacing", "write_json", "write_text"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends well, what was written there replaces `path`.

    The folder is made if need be. A kill at any moment leaves the old file or the new one, never a part; what an
    earlier kill left behind begins with a dot and is not read by anything.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
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


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write strict, key-sorted JSON atomically. Raises ValueError for NaN and infinities."""
    write_text(path, json.dumps(value, sort_keys=True, allow_nan=False, indent=2) + "\n")


def canonical_json(value: Any) -> str:
    """One text per value: strict, key-sorted, without spaces."""
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))


def digest(value: Any, size: int = 16) -> str:
    """Hash a JSON value with blake2b of `size` bytes, as hexadecimal digits."""
    return hashlib.blake2b(canonical_json(value).encode(), digest_size=size).hexdigest()
