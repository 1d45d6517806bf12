"""Read files of tensors without running code from them, and write files atomically."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from .config import SegFormerConfig
from .formats import Loaded, load
from .info import CheckpointError
from .nesting import choose

try:
    import fcntl
except ImportError:  # not POSIX
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "METADATA_KEY",
    "Content",
    "content_of",
    "identity_of",
    "read_file",
    "read_json",
    "sha256_of",
    "write_atomically",
]

# The key of our description of the model in a safetensors header, a pickle's "meta" and an ONNX graph's metadata.
METADATA_KEY = "segformer"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, kw_only=True)
class Content:
    """The weights of a file, or of a folder.

    path: the path for messages. files: all files that decide the logits. tensors: by key, without `prefix`. prefix: the
    start of the file's keys that comes from wrappers. loaded: the file's whole content with its metadata. expression:
    Python that loads the tensors under the file's own keys, for messages. description: our own JSON about the model, ""
    in files of other programs. class_names: empty if the file has none. training: the text of the configuration that
    MMSegmentation stores in its files. config, licence, preprocessor: from files next to the weights, if there are any.
    """

    path: Path
    files: tuple[Path, ...]
    tensors: Mapping[str, Tensor]
    prefix: str
    loaded: Loaded
    expression: str
    description: str = ""
    class_names: tuple[str, ...] = ()
    training: str = ""
    config: SegFormerConfig | None = None
    licence: str = ""
    preprocessor: str = ""


def read_file(path: Path) -> Content:
    """Read the weights of a `.safetensors` file or a pickle, with any wrappers around them.

    Raises CheckpointError (one line) for any other content, and for two sets of weights that differ.
    """
    return content_of(load(path))


def content_of(loaded: Loaded) -> Content:
    """Choose the weights in a file's content, and collect what the file states about them.

    Raises CheckpointError as `read_file` does.
    """
    weights = choose(loaded)
    # MMCV writes CLASSES; its successor MMEngine writes dataset_meta.
    data = loaded.metadata.get("dataset_meta")
    names = loaded.metadata.get("CLASSES") or (data.get("classes") if isinstance(data, dict) else None)
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        names = ()
    return Content(
        path=loaded.path,
        files=(loaded.path,),
        tensors=weights.tensors,
        prefix=weights.prefix,
        loaded=loaded,
        expression=weights.expression,
        description=str(loaded.metadata.get(METADATA_KEY, "")),
        class_names=tuple(names),
        training=next((text for text in map(loaded.metadata.get, ("cfg", "config")) if isinstance(text, str)), ""),
    )


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object. Raises CheckpointError."""
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not readable as JSON ({error})") from None
    if not isinstance(loaded, dict):
        raise CheckpointError(f"{path}: expected a JSON object")
    return loaded


def sha256_of(path: Path) -> str:
    """Hash a file's content, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity_of(paths: Iterable[Path], root: Path) -> str:
    """Hash all files that decide a model's logits, as 64 hexadecimal digits.

    For one file the hash is the file's SHA-256. For several it is the SHA-256 of the lines that sha256sum prints for
    them in the folder `root`, sorted by name.
    """
    by_name = {path.relative_to(root).as_posix(): path for path in paths}
    if len(by_name) == 1:
        return sha256_of(*by_name.values())
    lines = (f"{sha256_of(path)}  {name}\n" for name, path in sorted(by_name.items()))
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary file next to `path`, fsync, rename: a reader sees the whole old file or the whole new one.

    The temporary file has the name and the lock that the benchmark uses. So if the process is killed, a later command
    of the benchmark in that folder removes the temporary file: the next one on Linux, where the name has the machine's
    boot id, elsewhere the first one after a day.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, temporary = make_temporary(path.parent)
    try:
        with temporary.open("rb+") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp makes files that only their owner may read
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        if lock is not None:
            os.close(lock)


def make_temporary(folder: Path) -> tuple[int | None, Path]:
    """Make an empty file, locked until the descriptor is closed. Windows can't rename open files: no descriptor."""
    boot = BOOT_ID.read_text("ascii")[:8] if BOOT_ID.is_file() else ""
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=f"-{boot}.robustbench-seg.tmp")
        if fcntl is None:
            os.close(handle)
            return None, Path(name)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # another process removed it as a leftover before it was locked
