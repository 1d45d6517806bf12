"""The main tables in a terminal."""

from collections.abc import Sequence

import pandas as pd
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .content import Section
from .content import Table as Content

__all__ = ["show_tables"]

WIDEST = 16  # of a model's name, which goes on in the next line
BORDERS = 3  # what a column adds to its texts


def show_tables(console: Console, sections: Sequence[Section]) -> None:
    """Print the main tables as they are where they fit; else turned, as many rows beside each other as do."""
    for section in sections:
        for table in (table for table in section.tables if table.main):
            if width_of(table.readable) <= console.width:
                console.print(whole(table))
                continue
            for rows in blocks(table.readable, console.width):
                console.print(block(table, rows))


def width_of(frame: pd.DataFrame) -> int:
    """Count the characters that a table takes with its borders."""
    columns = ([name, *frame[name]] for name in frame.columns)
    return 1 + sum(max(cell_len(str(text)) for text in column) + BORDERS for column in columns)


def whole(content: Content) -> Table:
    """A table as it is. The best are bold."""
    table = Table(title=Text(content.title), title_justify="left")
    for name, left in zip(content.readable.columns, content.left(), strict=True):
        table.add_column(Text(str(name)), justify="left" if left else "right", no_wrap=True)
    for texts, bold in zip(content.readable.astype(str).to_numpy(), content.bold(), strict=True):
        table.add_row(*(Text(text, style="bold" if best else "") for text, best in zip(texts, bold, strict=True)))
    return table


def blocks(frame: pd.DataFrame, width: int) -> list[list[int]]:
    """Divide the rows of a frame, which become columns, into blocks that fit; one row at least in each."""
    texts = frame.astype(str)
    first = max(cell_len(str(name)) for name in texts.columns) + BORDERS + 1
    found: list[list[int]] = [[]]
    room = width - first
    for number, row in enumerate(texts.itertuples(index=False)):
        needed = max(min(WIDEST, cell_len(row[0])), *(cell_len(text) for text in row[1:]), 1) + BORDERS
        if found[-1] and needed > room:
            found.append([])
            room = width - first
        found[-1].append(number)
        room -= needed
    return found


def block(content: Content, rows: Sequence[int]) -> Table:
    """Some rows of a table, turned: models are fewer than corruptions. The best are bold."""
    frame, bold = content.readable, content.bold()
    table = Table(title=Text(content.title), title_justify="left")
    table.add_column(Text(str(frame.columns[0])), no_wrap=True)
    for row in rows:
        table.add_column(Text(str(frame.iloc[row, 0])), justify="right", max_width=WIDEST, overflow="fold")
    for column in range(1, len(frame.columns)):
        texts = (Text(str(frame.iloc[row, column]), style="bold" if bold[row][column] else "") for row in rows)
        table.add_row(Text(str(frame.columns[column])), *texts)
    return table
