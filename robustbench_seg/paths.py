"""Paths as users write them: `~` is a home folder, wherever a path may stand."""

from pathlib import Path

from .errors import UsageError

__all__ = ["expanded"]


def expanded(path: str) -> str:
    """Put the home folder in the place of a leading `~` or `~user`; any other text stays as it is.

    Raises UsageError where no such home is known.
    """
    if not path.startswith("~"):
        return path
    try:
        return str(Path(path).expanduser())
    except RuntimeError:
        raise UsageError(f"{path}: {path.partition('/')[0]} is no home folder that is known here") from None
