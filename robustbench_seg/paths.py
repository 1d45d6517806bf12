"""Paths as users write them: `~` is a home folder, wherever a path may stand."""

import re
from pathlib import Path

from .errors import UsageError

__all__ = ["expanded"]

FORM = re.compile(r"(?P<word>(?:\w+:)?)(?P<path>~.*)", re.DOTALL)


def expanded(path: str) -> str:
    """Put the home folder in the place of a leading `~` or `~user`, also after a word such as `hf:`; any other text
    stays as it is.

    Raises UsageError where no such home is known.
    """
    parts = FORM.fullmatch(path)
    if parts is None:
        return path
    try:
        return parts["word"] + str(Path(parts["path"]).expanduser())
    except RuntimeError:
        raise UsageError(f"{path}: {parts['path'].partition('/')[0]} is no home folder that is known here") from None
