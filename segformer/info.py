"""What is told about weights, and the error for those that can't be read."""

from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["CheckpointError", "CheckpointInfo", "shortened"]


class CheckpointError(ValueError):
    """A file that can't be read, or whose keys or shapes are not those of the network; the message names them."""


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    """Where weights come from; it travels with them.

    class_names: one per logit, or empty where the source does not tell. licence: SPDX name or a plain word on use.
    source: the program whose form they were read in. recipe: what trained them. preprocessor: how images become the
    network's input, as the JSON object of Transformers' preprocessor_config.json with sorted keys; "" where nothing is
    said of it, which means ImageNet's mean and standard deviation. left_out: keys of the file that are no part of the
    network. sha256: of the file that they were read from, or of all files of a folder that decide logits; "" before
    they exist. The last two do not travel.
    """

    class_names: tuple[str, ...] = ()
    licence: str = "unknown"
    source: str = "random initialisation"
    recipe: str = ""
    preprocessor: str = ""
    left_out: tuple[str, ...] = ()
    sha256: str = ""


def shortened(keys: Collection[object]) -> str:
    """List the first ten of some keys; dots stand for the rest."""
    return ", ".join(map(str, list(keys)[:10])) + (", ..." if len(keys) > 10 else "")
