"""A table as one value; HTML, Markdown, LaTeX, CSV and the terminal show that value, each in its way."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pandas as pd

from ..studies.statistics import ANY, Interval
from ..wording import MISSING
from .units import PERCENT, Unit

__all__ = ["WARNING", "Cell", "Column", "Row", "Table", "frame_rows", "numbers"]

WARNING = "⚠"
NAN = float("nan")


@dataclass(frozen=True)
class Cell:
    """A place in a table.

    text: for people. value: with all digits; a column is sorted by it. None where there is nothing but text.
    low, high: the ends of its interval, NaN where there is none. more: further details in words. test: p and the like
    of a difference, by column of the CSV.
    """

    text: str
    value: float | None = None
    low: float = NAN
    high: float = NAN
    more: str = ""
    test: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table.

    name: of the quantity, in the CSV; "" where that has it in lines of another column. label: its head; "" where it is
    in the CSV alone. best: which of its values is bold. where: what else its lines of the CSV have, such as
    {"severity": 3}. unit: of its numbers. key: by which a row's values have it, if not by its name. bounds: the least
    and the greatest value that its quantity can have; intervals over images and runs end there.
    """

    name: str = ""
    label: str = ""
    align: Literal["left", "right"] = "right"
    best: Literal["high", "low", "none"] = "none"
    where: Mapping[str, Any] = field(default_factory=dict)
    unit: Unit = PERCENT
    key: Hashable = None
    bounds: tuple[float, float] = ANY

    def fitted(self, rows: Iterable[Mapping[Any, Any]]) -> "Column":
        """The column with the unit that suits the draws of these rows."""
        fit, key = self.unit.fit, self.key_in()
        return replace(self, unit=fit(row[key][0] for row in rows if key in row)) if fit else self

    def cell(self, value: Any, more: str = "", mark: str = "") -> Cell:
        """Show a number, an `Interval` or a text; a `Cell` as it is. more: further details in words. mark: a star."""
        if isinstance(value, Cell):
            return value
        if value is None or isinstance(value, str):
            return Cell(MISSING if value is None else value)
        number = value if isinstance(value, Interval) else Interval(value, NAN, NAN)
        words = "; ".join(filter(None, (self.unit.interval(number), more)))
        return Cell(self.unit.write(number.estimate) + mark, number.estimate, number.low, number.high, words)

    def cell_of(self, values: Mapping[Any, Any], part: str = "") -> Cell:
        """Show what a row has for this column. part: of the row, where keys are (part, key)."""
        return self.cell(values.get(self.key_in(part)))

    def key_in(self, part: str = "") -> Hashable:
        """The key by which a row's values have it."""
        key = self.name if self.key is None else self.key
        return (part, key) if part else key


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a table: a cell for each column.

    where: what its lines of the CSV have: "row", its name, "models", and what else tells it from other rows. competes:
    whether it takes part in the search for the best of a column. single: whether it is one run of an arm that has
    several. family: of its model, among many.
    """

    cells: tuple[Cell, ...]
    where: Mapping[str, Any]
    competes: bool = True
    single: bool = False
    family: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table; its first column names its rows.

    file: its file's name without ending. caption: what the numbers are. about: what they were made with. where: what
    all lines of the CSV have: the setting. group: the heading that it stands under. view: the name of the only view
    that it is of. main: worth a look in the terminal. hashes: parts of `about` that a paper leaves out, and the comment
    of the LaTeX file that has each.
    """

    file: str
    title: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    where: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""
    group: str = ""
    view: str = ""
    main: bool = False
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def heads(self) -> list[Column]:
        """The columns that people see."""
        return [column for column in self.columns if column.label]

    @property
    def grid(self) -> list[list[tuple[Cell, bool]]]:
        """The cells that people see, by row, each with whether it is bold: the best of its column."""
        seen = [(k, self.best_rows(k)) for k, column in enumerate(self.columns) if column.label]
        return [[(row.cells[k], number in best) for k, best in seen] for number, row in enumerate(self.rows)]

    @property
    def details(self) -> list[str]:
        """All that there is in addition to the texts."""
        return [cell.more for row in self.grid for cell, _ in row if cell.more]

    @property
    def note(self) -> str:
        """The caption, with what a warning means where there is one that it does not explain."""
        flagged = any(row.cells[0].text.endswith(WARNING) for row in self.rows) and WARNING not in self.caption
        warning = f" {WARNING} In some cell it is no better than naming one class for every pixel." if flagged else ""
        return f"{self.caption}{warning}"

    @property
    def legend(self) -> str:
        """All that the caption states where the table stands alone: the note, the setting, and what bold means."""
        bold = any(best for row in self.grid for _, best in row)
        setting = f" Setting: {self.about}." if self.about else ""
        return f"{'Bold: the best of its column. ' if bold else ''}{self.note}{setting}"

    def best_rows(self, k: int) -> set[int]:
        """Find the rows with the best value of a column, in the digits that it shows; one value alone is no best."""
        best, write = self.columns[k].best, self.columns[k].unit.write
        values = {number: row.cells[k].value for number, row in enumerate(self.rows) if row.competes}
        numbers = {number: value for number, value in values.items() if value is not None and not pd.isna(value)}
        if len(numbers) < 2 or best == "none":
            return set()
        first = (max if best == "high" else min)(numbers.values())
        return {number for number, value in numbers.items() if write(value) == write(first)}


def numbers(unit: Unit, **labels: str) -> list[Column]:
    """Make columns of numbers in one unit: their labels by name."""
    return [Column(name=name, label=label, unit=unit) for name, label in labels.items()]


def frame_rows(frame: pd.DataFrame, columns: Sequence[Column], where: Iterable[str] = ()) -> list[Row]:
    """Make the rows of a table from a frame that has the names of its columns; the first names the rows.

    where: columns of the frame that the CSV has too.
    """
    return [
        Row(
            cells=tuple(column.cell_of(row) for column in columns),
            where={"row": str(row[columns[0].name]), **{name: row[name] for name in where}},
        )
        for row in frame.to_dict("records")
    ]
