"""Compile kernels with Numba, without the global interpreter lock and with the machine code cached on disk.

To decide whether cached code is valid, Numba checks the kernel's own file. It does not check the files of the kernels
that are compiled into it. So an update could silently mix two versions of the engine. Therefore the name of the cache
folder contains a digest of all sources of this package and, for a user's own kernel, of the user's sources.
"""

import functools
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from ..own_code import has_source, source_hash

__all__ = ["compiled"]

config: Any = numba.config  # its attributes are made at run time
LOCK = threading.Lock()  # `ahead` compiles in a thread while modules with kernels are imported


def compiled(kernel: Callable[..., Any]) -> Any:
    """Compile a kernel at its first call for arguments of new types, or load it from disk."""
    module = kernel.__module__
    with LOCK:
        if module.rpartition(".")[0] == __package__:
            folder = _folder()
        else:
            folder = _folder(source_hash(module)) if has_source(module) else None
        previous = config.CACHE_DIR  # the decorator reads it; restored below for other code
        config.CACHE_DIR = str(folder or "")
        try:
            return numba.njit(cache=folder is not None, nogil=True)(kernel)
        finally:
            config.CACHE_DIR = previous


@functools.cache
def _folder(own: str = "") -> Path | None:
    """Choose the folder for the machine code: Numba's CACHE_DIR, next to the sources, or in the user's cache.

    own: the hash of a user's own sources. Returns None if no folder can be written; then each process compiles.
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
