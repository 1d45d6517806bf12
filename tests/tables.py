"""A table of a report as frames: what people read, and what its CSV has."""

import io
from typing import Any

import pandas as pd

from robustbench_seg.report.content import Section
from robustbench_seg.report.csv import csv
from robustbench_seg.report.table import Table


def table_of(section: Section, file: str) -> Table:
    return next(table for table in section.tables if table.file == file)


def readable(table: Table) -> pd.DataFrame:
    """The texts by the heads of the columns."""
    return pd.DataFrame([[cell.text for cell, _ in row] for row in table.grid], columns=heads(table))


def by_row(table: Table) -> pd.DataFrame:
    """The texts by the names of the rows: of an arm with several runs, more than its first cell tells."""
    return readable(table).set_axis([row.where["row"] for row in table.rows])


def hover(table: Table) -> pd.DataFrame:
    """What more there is to say of each."""
    return pd.DataFrame([[cell.more for cell, _ in row] for row in table.grid], columns=heads(table))


def bold(table: Table) -> pd.DataFrame:
    return pd.DataFrame([[best for _, best in row] for row in table.grid], columns=heads(table))


def heads(table: Table) -> list[str]:
    return [column.label for column in table.heads]


def lines(table: Table, *index: str, **fields: Any) -> pd.DataFrame:
    """The lines of the CSV in which these fields are as given, by these columns."""
    frame = pd.read_csv(io.StringIO(csv(table)))
    for name, value in fields.items():
        frame = frame[frame[name] == value]
    return frame.set_index(list(index)) if index else frame


def values(table: Table) -> pd.DataFrame:
    """A row per row, and a column per quantity."""
    frame = lines(table)
    rows = list(dict.fromkeys(frame["row"]))
    return frame.pivot(index="row", columns="quantity", values="value").loc[rows]
