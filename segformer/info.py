"""Information about weights, and the error for weights that can't be read."""

from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["CheckpointError", "CheckpointInfo", "shorten"]


class CheckpointError(ValueError):
    """A file that can't be read, or has keys or shapes that do not fit the network; the message names them."""


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    """The origin of weights.

    class_names: one per logit, or empty if the source states none. licence: SPDX name or a short statement of the
    permitted use. source: the program that defines the file's form. recipe: the recipe that trained the weights.
    preprocessor: how images become the network's input, as the JSON object of Transformers' preprocessor_config.json
    with sorted keys; "" if nothing is stated, which means ImageNet's mean and standard deviation. left_out: keys of the
    file that are not part of the network. sha256: of the file, or of all files in a folder that decide the logits; ""
    if there is no file. A saved file contains all fields except the last two.
    """

    class_names: tuple[str, ...] = ()
    licence: str = "unknown"
    source: str = "random initialisation"
    recipe: str = ""
    preprocessor: str = ""
    left_out: tuple[str, ...] = ()
    sha256: str = ""


def shorten(keys: Collection[object]) -> str:
    """List the first ten keys, and dots for the rest."""
    return ", ".join(map(str, list(keys)[:10])) + (", ..." if len(keys) > 10 else "")
