"""Files of tensors, in and out: no file can run code, and a file is written whole or not at all."""

import hashlib
import json
import os
import re
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from .config import SegFormerConfig
from .info import CheckpointError

try:
    import fcntl
except ImportError:  # not POSIX
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "METADATA_KEY",
    "PICKLES",
    "Content",
    "identity_of",
    "read_file",
    "read_json",
    "sha256_of",
    "write_atomically",
]

# Holds our description of the model: in a safetensors header, in a pickle's "meta" and in an ONNX graph's metadata.
METADATA_KEY = "segformer"
PICKLES = (".pth", ".pt", ".bin")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, kw_only=True)
class Content:
    """A file of tensors as it is on disk.

    description: our own JSON on the model, "" in files of others. class_names: empty where the file has none.
    config, licence: what stands beside the file, if anything.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    description: str = ""
    class_names: tuple[str, ...] = ()
    config: SegFormerConfig | None = None
    licence: str = ""


def read_file(path: Path) -> Content:
    """Read a `.safetensors` file or a pickle of tensors. Raises CheckpointError in one line for any other content."""
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    if path.suffix in PICKLES:
        return read_pickle(path)
    raise CheckpointError(f"{path}: expected a .safetensors or {', '.join(PICKLES)} file, or a folder of Transformers")


def read_safetensors(path: Path) -> Content:
    try:
        with safe_open(path, "pt") as file:
            description = (file.metadata() or {}).get(METADATA_KEY, "")
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  not a dict
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a complete .safetensors file ({error})") from None
    return Content(path=path, tensors=tensors, description=description)


def read_pickle(path: Path) -> Content:
    """Read a state dict, flat or under "state_dict" beside "meta", with `weights_only=True` and nothing else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's remarks on odd pickles: the error says it in one line
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        if named := re.search(r"GLOBAL (\S+)", str(error)):
            raise CheckpointError(
                f"{path}: refused, since reading it would run code ({named[1]}); only plain tensors are read"
            ) from None
        raise CheckpointError(f"{path}: not a complete file of plain tensors") from None
    except Exception as error:  # a broken pickle may fail in any way, and torch then advises to run its code
        raise CheckpointError(f"{path}: not a complete file of plain tensors ({type(error).__name__})") from None
    tensors = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else None
    if not isinstance(tensors, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) and is_plain(value) for key, value in tensors.items()
    ):
        raise CheckpointError(f"{path}: expected a dictionary of tensors of real numbers")
    meta = loaded.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    # MMCV writes CLASSES, and MMEngine after it dataset_meta.
    data = meta.get("dataset_meta")
    names = meta.get("CLASSES") or (data.get("classes") if isinstance(data, dict) else None)
    return Content(
        path=path,
        tensors=tensors,
        description=str(meta.get(METADATA_KEY, "")),
        class_names=tuple(map(str, names)) if isinstance(names, list | tuple) else (),
    )


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor holds real numbers, all of them."""
    return tensor.layout == torch.strided and not tensor.is_meta and not tensor.is_complex()


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object. Raises CheckpointError."""
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: not readable as JSON ({error})") from None
    if not isinstance(loaded, dict):
        raise CheckpointError(f"{path}: expected a JSON object")
    return loaded


def sha256_of(path: Path) -> str:
    """Hash a file's content, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity_of(paths: Iterable[Path], root: Path) -> str:
    """Hash all files that decide a model's logits, as 64 hexadecimal digits; of one file it is its own SHA-256.

    Of several it is the SHA-256 of the lines that sha256sum prints of them from within `root`, in the order of names.
    """
    by_name = {path.relative_to(root).as_posix(): path for path in paths}
    if len(by_name) == 1:
        return sha256_of(*by_name.values())
    lines = (f"{sha256_of(path)}  {name}\n" for name, path in sorted(by_name.items()))
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary file beside `path`, force it to disk, rename: a reader sees the old or the new, whole.

    The temporary file's name, with the boot of this machine, and its lock are those of the benchmark's own, whose next
    command in that folder removes what a kill leaves.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    boot = BOOT_ID.read_text("ascii")[:8] if BOOT_ID.is_file() else ""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=f"-{boot}.robustbench-seg.tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            if fcntl is not None:
                with suppress(OSError):  # a file system without locks
                    fcntl.flock(file, fcntl.LOCK_EX)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(temporary).chmod(0o644)  # mkstemp makes files that only their owner may read
            Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
