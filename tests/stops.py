"""What workers do in tests of stops; apart from other helpers, so that worker processes start fast."""

import hashlib
import time
from pathlib import Path

from robustbench_seg.files import replacing


def quick(item: object) -> object:
    return item


def in_library(folder: Path) -> None:
    """Minutes in code that returns to the interpreter only at its end."""
    (folder / "ready").touch()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)


def quick_or_slow(folder: Path, item: int) -> None:
    if item:
        slow_write(folder, 1)


def slow_write(folder: Path, seconds: float) -> None:
    with replacing(folder / "a.txt") as temporary:
        temporary.write_text("new")
        (folder / "ready").touch()
        time.sleep(seconds)
