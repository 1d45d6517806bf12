"""Load the whole content of a tensor file: safetensors or torch's pickle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from .info import CheckpointError
from .pickles import load_pickle

__all__ = ["PICKLES", "Loaded", "load"]

PICKLES = (".pth", ".pt", ".bin", ".ckpt")


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The content of a file.

    value: tensors by key, or any object in a pickle, with a StandIn for each unknown class. metadata: from the header
    of a safetensors file, or the "meta" of a pickle. expression: Python that loads `value`, for messages. foreign: the
    class names that stand-ins replace.
    """

    path: Path
    value: object
    metadata: Mapping[str, Any] = field(default_factory=dict)
    expression: str
    foreign: tuple[str, ...] = ()

    def saving(self, expression: str) -> str:
        """Write the advice to save the value of an expression as a file that is read here."""
        trusted = "if you trust the file, " if self.foreign else ""
        return f"{trusted}save it: torch.save({expression}, 'plain.pth')"


def load(path: Path) -> Loaded:
    """Read a file with a suffix of tensor files; its first bytes decide the format. Raises CheckpointError."""
    if path.suffix != ".safetensors" and path.suffix not in PICKLES:
        raise CheckpointError(
            f"{path}: expected a .safetensors or {', '.join(PICKLES)} file, or a folder of Transformers"
        )
    try:
        with path.open("rb") as file:
            start = file.read(40)
    except OSError as error:
        raise CheckpointError(f"{path}: not readable ({error.strerror})") from None
    if start.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{path}: a pointer of Git LFS, not the file itself; fetch it with: git lfs pull")
    if start[8:9] == b"{":  # a safetensors header starts after the eight bytes of its length
        return load_safetensors(path)
    if path.suffix == ".safetensors" and not start.startswith((b"PK", b"\x80")):
        return load_safetensors(path)
    value, foreign = load_pickle(path)
    meta = value.get("meta") if isinstance(value, dict) else None
    return Loaded(
        path=path,
        value=value,
        metadata=meta if isinstance(meta, dict) else {},
        expression=f"torch.load({str(path)!r}, map_location='cpu', weights_only={not foreign})",
        foreign=foreign,
    )


def load_safetensors(path: Path) -> Loaded:
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors: dict[str, Tensor] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  not a dict
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a complete .safetensors file ({error})") from None
    return Loaded(path=path, value=tensors, metadata=metadata, expression=f"safetensors.torch.load_file({str(path)!r})")
