"""A table as Markdown."""

from collections.abc import Iterable, Sequence
from itertools import repeat

import pandas as pd

__all__ = ["markdown"]


def markdown(readable: pd.DataFrame, bold: Iterable[Sequence[bool]] | None = None) -> str:
    """Write a table of texts; the first column to the left, the others to the right. bold: of each row's texts."""
    lines = ["| " + " | ".join(escaped(name) for name in readable.columns) + " |"]
    lines.append("|" + ":--|" + "--:|" * (len(readable.columns) - 1))
    none: Iterable[Sequence[bool]] = repeat((False,) * len(readable.columns), len(readable))
    for row, best in zip(readable.itertuples(index=False), none if bold is None else bold, strict=True):
        cells = (f"**{escaped(text)}**" if strong else escaped(text) for text, strong in zip(row, best, strict=True))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def escaped(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
