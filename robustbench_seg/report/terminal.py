"""The main tables in a terminal."""

from collections.abc import Sequence

import rich.table
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from .content import Section
from .table import Table

__all__ = ["show_tables"]

WIDEST = 16  # of a model's name, continued on the next line
BORDERS = 3  # what a column adds to its texts


def show_tables(console: Console, sections: Sequence[Section]) -> None:
    """Print the main tables as they are where they fit; else turned, as many rows next to each other as do."""
    for section in sections:
        for table in (table for table in section.tables if table.main):
            heads = [column.label for column in table.heads]
            rows = [[Text(cell.display, style="bold" if best else "") for cell, best in row] for row in table.grid]
            widths = [max(map(cell_len, [head, *map(str, texts)])) for head, *texts in zip(heads, *rows, strict=True)]
            if 1 + sum(widths) + BORDERS * len(widths) <= console.width:
                console.print(whole(table, rows))
                continue
            for some in blocks(heads, rows, console.width):
                console.print(block(table.title, heads, some))


def whole(table: Table, rows: Sequence[Sequence[Text]]) -> rich.table.Table:
    """A table as it is. The best are bold."""
    output = rich.table.Table(title=Text(table.title), title_justify="left")
    for column in table.heads:
        output.add_column(Text(column.label), justify=column.align, no_wrap=True)
    for row in rows:
        output.add_row(*row)
    return output


def blocks(heads: Sequence[str], rows: Sequence[Sequence[Text]], width: int) -> list[list[Sequence[Text]]]:
    """Divide rows, which become columns, into blocks that fit; one row at least in each."""
    first = max(map(cell_len, heads)) + BORDERS + 1
    parts: list[list[Sequence[Text]]] = [[]]
    room = width - first
    for row in rows:
        width_needed = max(min(WIDEST, row[0].cell_len), *(text.cell_len for text in row[1:]), 1) + BORDERS
        if parts[-1] and width_needed > room:
            parts.append([])
            room = width - first
        parts[-1].append(row)
        room -= width_needed
    return parts


def block(title: str, heads: Sequence[str], rows: Sequence[Sequence[Text]]) -> rich.table.Table:
    """Some rows of a table, turned: models are fewer than corruptions. The best are bold."""
    output = rich.table.Table(title=Text(title), title_justify="left")
    output.add_column(Text(heads[0]), no_wrap=True)
    for row in rows:
        output.add_column(row[0], justify="right", max_width=WIDEST, overflow="fold")
    for k, head in enumerate(heads[1:], 1):
        output.add_row(Text(head), *(row[k] for row in rows))
    return output
