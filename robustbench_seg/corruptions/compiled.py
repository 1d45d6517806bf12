"""Numba's compiler as the kernels use it: without the interpreter's lock, and with the machine code kept on disk.

To tell whether kept code is still good, Numba looks at a kernel's own file, but not at the files of the kernels that
it calls, which are compiled into it. After an update that could mix two versions of the engine without a word. So the
code lies in a folder whose name holds a digest of all sources of this package and, for a kernel of a user's own, of the
sources that it is made of.
"""

import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from ..own_code import has_source, source_hash

__all__ = ["compiled"]

config: Any = numba.config  # its attributes are made at run time


def compiled(kernel: Callable[..., Any]) -> Any:
    """Compile a kernel at its first call for arguments of new types, or load it from disk."""
    module = kernel.__module__
    if module.rpartition(".")[0] == __package__:
        folder = _folder()
    else:
        folder = _folder(source_hash(module)) if has_source(module) else None
    chosen = config.CACHE_DIR  # read when the decorator runs, and nobody else's business afterwards
    config.CACHE_DIR = str(folder or "")
    try:
        return numba.njit(cache=folder is not None, nogil=True)(kernel)
    finally:
        config.CACHE_DIR = chosen


@functools.cache
def _folder(own: str = "") -> Path | None:
    """Where the machine code of these sources lies: where the user said, beside them, or in the user's cache.

    own: the hash of a user's own sources, of which it is made too.

    None where nothing can be written: each process then compiles for itself.
    """
    here = Path(__file__).parent
    sources = b"".join(path.read_bytes() for path in sorted(here.glob("*.py"))) + own.encode()
    digest = hashlib.blake2b(sources, digest_size=8)
    user = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111, Path.home() may raise
    roots = [config.CACHE_DIR] if config.CACHE_DIR else [here / "__pycache__", Path(user, "robustbench-seg")]
    for root in roots:
        folder = Path(root, f"kernels-{digest.hexdigest()}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None
