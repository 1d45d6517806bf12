"""What is told about weights, and the error for those that can't be read."""

from dataclasses import dataclass

__all__ = ["CheckpointError", "CheckpointInfo"]


class CheckpointError(ValueError):
    """A file that can't be read, or whose keys or shapes are not those of the network; the message names them."""


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    """Where weights come from; it travels with them.

    class_names: one per logit, or empty where the source does not tell. licence: SPDX name or a plain word on use.
    source: the program whose form they were read in. recipe: what trained them. sha256: of the file that they were
    read from, "" before it exists. preprocessor: the JSON of Transformers' image processor that they were trained
    with, "" where there is none.
    """

    class_names: tuple[str, ...] = ()
    licence: str = "unknown"
    source: str = "random initialisation"
    recipe: str = ""
    sha256: str = ""
    preprocessor: str = ""
