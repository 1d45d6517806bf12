"""Numba's compiler as the kernels use it: without the interpreter's lock, and with the machine code kept on disk.

To tell whether kept code is still good, Numba looks at a kernel's own file, but not at the files of the kernels that
it calls, which are compiled into it. After an update that could mix two versions of the engine without a word. So the
code lies in a folder whose name holds a digest of all sources of this package.
"""

import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

__all__ = ["compiled"]

config: Any = numba.config  # its attributes are made at run time


def compiled(kernel: Callable[..., Any]) -> Any:
    """Compile a kernel at its first call for arguments of new types, or load it from disk."""
    chosen = config.CACHE_DIR  # read when the decorator runs, and nobody else's business afterwards
    config.CACHE_DIR = _folder()
    try:
        return numba.njit(cache=True, nogil=True)(kernel)
    finally:
        config.CACHE_DIR = chosen


@functools.cache
def _folder() -> str:
    """Where the machine code of these sources lies: beside them, or where the user said, or in the user's cache."""
    here = Path(__file__).parent
    digest = hashlib.blake2b(b"".join(path.read_bytes() for path in sorted(here.glob("*.py"))), digest_size=8)
    if config.CACHE_DIR:
        root = Path(config.CACHE_DIR)
    elif os.access(here, os.W_OK):
        root = here / "__pycache__"
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "robustbench-seg"
    return str(root / f"kernels-{digest.hexdigest()}")
