"""Disks that take no more, for tests: a small one where a user may mount it, and a limit on the size of files."""

import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WAYS = ["disk", "limit"]
CURE = "make room, then give the same command again"
REASONS = {
    "disk": f"no room is left on its disk; {CURE}",
    "limit": rf"it is larger than its disk or the shell \(ulimit -f\) allows; {CURE}",
}


@contextmanager
def scarce(way: str, folder: Path, size: int) -> Iterator[None]:
    """Have room for `size` bytes in an empty folder, or for files of that size, while the block runs."""
    if way == "limit":
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        return
    with mounted(folder, f"size={size}"):
        yield


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Mount a file system in memory on a folder while the block runs; the test is skipped where that is not allowed."""
    folder.mkdir(exist_ok=True)
    mount = shutil.which("mount")
    command = [mount, "-t", "tmpfs", "-o", options, "none", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
