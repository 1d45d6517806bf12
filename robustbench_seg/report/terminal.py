"""The main tables in a terminal."""

from collections.abc import Sequence
from typing import Any

import rich.table
from rich.console import Console
from rich.text import Text

from .content import Content

__all__ = ["show_tables"]

WIDEST = 16  # of a model's name or another text, continued on the next line
BORDERS = 3  # what a column adds to its texts


def show_tables(console: Console, sections: Sequence[Content]) -> None:
    """Print the main tables as they are where they fit; else turned, as many rows next to each other as do.

    Turned, since models are fewer than corruptions. Texts are wrapped. The best are bold.
    """
    for table in (table for section in sections for table in section.tables if table.main):
        heads = [Text(column.label) for column in table.heads]
        rows = [[Text(cell.text, style="bold" if best else "") for cell, best in row] for row in table.grid]
        columns = list(zip(heads, *rows, strict=True))
        align = [head.align for head in table.heads]
        widths = [max(text.cell_len for text in column) for column in columns]
        wrapped = [min(width, WIDEST) if k and align[k] == "left" else width for k, width in enumerate(widths)]
        if 1 + sum(wrapped) + BORDERS * len(wrapped) <= console.width:
            console.print(framed(table.title, columns, align, console.width))
            continue
        for some in blocks(heads, rows, console.width):
            console.print(framed(table.title, [heads, *some], ["left", *["right"] * len(some)], WIDEST))


def framed(title: str, columns: Sequence[Sequence[Text]], align: Sequence[Any], widest: int) -> rich.table.Table:
    """Make a table of columns, each with its head first.

    widest: of all but the first; what is longer is continued. Where room is short, texts give way before numbers.
    """
    output = rich.table.Table(title=Text(title), title_justify="left")
    for k, (column, side) in enumerate(zip(columns, align, strict=True)):
        whole = k == 0 or (side == "right" and all(text.cell_len <= widest for text in column))
        output.add_column(column[0], justify=side, no_wrap=whole, max_width=widest if k else None, overflow="fold")
    for row in list(zip(*columns, strict=True))[1:]:
        output.add_row(*row)
    return output


def blocks(heads: Sequence[Text], rows: Sequence[Sequence[Text]], width: int) -> list[list[Sequence[Text]]]:
    """Divide rows, which become columns, into blocks that fit; one row at least in each."""
    room = space = width - max(head.cell_len for head in heads) - BORDERS - 1
    parts: list[list[Sequence[Text]]] = [[]]
    for row in rows:
        own = min(WIDEST, max(text.cell_len for text in row)) + BORDERS
        if parts[-1] and own > room:
            parts.append([])
            room = space
        parts[-1].append(row)
        room -= own
    return parts
