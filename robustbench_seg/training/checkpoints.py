"""Checkpoints of a training run: <folder>/<iterations done>.pt, written atomically; only the last ones are kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch
from torch import nn

from ..errors import StoreError, UsageError
from ..files import replacing

__all__ = ["DIVERGED", "Checkpoints", "State", "restore"]

DIVERGED = (
    "the last checkpoint is kept, but would diverge again: lower learning_rate or set clip_norm, with another --out"
)

State = dict[str, Any]  # done: iterations; network, optimizer: their state; recipe: identity of recipe and data


@dataclass(frozen=True)
class Checkpoints:
    """identity: of the recipe and the data, the same for all checkpoints in a folder. keep: how many are kept."""

    folder: Path
    identity: str
    keep: int

    def save(self, network: nn.Module, optimizer: torch.optim.Optimizer, done: int) -> None:
        """Write a checkpoint, then remove old ones. Raises UsageError for weights that are not finite.

        The loss is computed before the step, so it may be finite although the weights are not.
        """
        if not all(tensor.isfinite().all() for tensor in network.state_dict().values()):
            raise UsageError(f"the weights are no longer finite at iteration {done}; {DIVERGED}")
        state = {
            "recipe": self.identity,
            "done": done,
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        with replacing(self.folder / f"{done:08d}.pt") as temporary, temporary.open("wb") as file:
            torch.save(state, file)  # given a path, its errors have no reason
        for old in self.paths()[: -self.keep]:
            old.unlink()

    def newest(self) -> State | None:
        """Read the newest checkpoint, if there is one. Raises StoreError if its recipe or data are different."""
        if not (paths := self.paths()):
            return None
        try:
            with ZipFile(paths[-1]) as archive:
                if archive.testzip() is not None:  # torch does not compare the checksums that it writes
                    raise BadZipFile
            state: State = torch.load(paths[-1], map_location="cpu", weights_only=True)
            identity = state["recipe"]
        except (OSError, MemoryError):  # not a fault of the file's content
            raise
        except Exception:  # for a damaged file, zipfile and torch raise errors of many kinds
            raise StoreError(
                f"{paths[-1]}: not a complete checkpoint; remove it to resume from the previous one"
            ) from None
        if identity != self.identity:
            raise StoreError(
                f"{self.folder}: holds the checkpoints of another recipe or other data; give another --out"
            )
        return state

    def paths(self) -> list[Path]:
        """List the existing checkpoints, oldest first."""
        return sorted(path for path in self.folder.glob("*.pt") if path.stem.isdigit())


def restore(network: nn.Module, optimizer: torch.optim.Optimizer, state: State | None) -> int:
    """Load a state, if there is one; return the number of finished iterations."""
    if state is None:
        return 0
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["done"])
