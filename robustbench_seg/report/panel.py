"""What every part of a section is made from: the cells of one setting, in one view or in all of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan
from typing import Any

from ..charts import Chart, Curve, Dot, Fill
from ..files import SHA256_DIGITS
from ..studies.arms import Entry, arms_of
from ..studies.evidence import Quantities
from ..studies.limits import transductive_notes
from ..studies.selection import Selection
from ..studies.statistics import SHARE, Interval
from ..wording import BRIEF, MOST_NAMES, counted, spaced
from .content import Picture
from .table import Cell, Column, Row, Table
from .units import file_name

__all__ = ["FILLS", "Panel"]

WHERE = ("dataset", "split", "images", "of", "precision", "engine_version", "seed")  # in a CSV
FILLS: tuple[Fill, ...] = ("ring", "full")


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel(Selection):
    """A selection of cells as the parts of a section see it: it makes tables and figures. `views` are panels too."""

    @cached_property
    def notes(self) -> str:
        """What a caption adds where a view is transductive."""
        return "".join(f"; {note}" for note in transductive_notes(self.cells))

    def about(self, *, one_draw: bool = True) -> str:
        """The end of a table's caption: what its numbers were made with. one_draw: whether they are of one seed."""
        row, (fingerprint, weights) = self.cells.iloc[0], self.hashes
        cells = counted(sum(map(len, self.conditions.values())), "condition")
        corruptions = counted(len(self.conditions), "corruption")
        protocol = f"protocol {self.source.plan.protocol} ({corruptions}, {cells} and clean); "
        void = "; void counted: a class predicted on pixels without a label is wrong" if self.void else ""
        seed = f"; seed {row['seed']}" if one_draw else ""
        return (
            f"{protocol if self.view else ''}dataset {row['dataset']} {row['split']}, {self.images}{fingerprint}; "
            f"{f'view {self.view}; ' if self.view else ''}precision {row['precision']}; "
            f"engine version {row['engine_version']}{seed}{void}{weights}{self.notes}"
        )

    @cached_property
    def hashes(self) -> dict[str, str]:
        """The parts of `about` that are hashes, of the images and the weights, by their form in a caption; see `Table`.

        A caption does not list the models of more than MOST_NAMES arms. What is no sha256 of files is an identity, of
        files and the code that reads them, or the name of random weights.
        """
        pairs = dict.fromkeys(zip(self.cells["title"], self.cells["checkpoint_sha256"], strict=True))
        names = "; ".join(f"{model} {own[:BRIEF] if len(own) == SHA256_DIGITS else own}" for model, own in pairs)
        few = len(arms_of(self.cells["model"])) <= MOST_NAMES
        kind = "sha256" if all(len(own) == SHA256_DIGITS for _, own in pairs) else "identity"
        brief = names if few else f'of {len(pairs)} models, see "Where the numbers come from"'
        fingerprint = f"fingerprint {self.cells.iloc[0]['fingerprint'][:BRIEF]}"
        return {f", {fingerprint}": fingerprint, f"; weights ({kind}) {brief}": f"weights ({kind}) {names}"}

    def fields(self, file: str, title: str) -> dict[str, Any]:
        """Name a table or a figure: file and title, with the view where it has a name."""
        if not self.name:
            return {"file": file, "title": ", ".join(filter(None, [title, self.void]))}
        view = "" if self.view is None else self.name  # what is of several views is always shown
        return {"file": file_name(file, self.name), "title": f"{title}, view {self.name}", "view": view}

    def where(self, metric: str = "miou") -> dict[str, Any]:
        """Give the setting of the numbers for a CSV."""
        first = self.evidence.cells.iloc[0]
        name = self.name if self.view is None else str(self.view)
        view = {"view": name} if name else {}
        own = {name: first[name] for name in WHERE} | ({"void": first["void"]} if self.void else {})
        return {"metric": metric, **view, **own, "fingerprint": first["fingerprint"][:BRIEF]}

    def models(self, row: str, titles: Sequence[str]) -> dict[str, str]:
        """Give the name, the models and their weights of a row for a CSV."""
        hashes = " ".join(self.evidence.weights[title][:BRIEF] for title in titles)
        return {"row": row, "models": " ".join(titles), "weights": hashes}

    def table(
        self,
        quantities: Quantities,
        columns: Sequence[Column],
        file: str,
        title: str,
        *,
        parts: tuple[str, Iterable[str]] = ("", ("",)),
        facts: Callable[[Entry], dict[Any, Any]] = lambda entry: {},
        intervals: Callable[[Entry, Any], tuple[Interval, Interval]] | None = None,
        **fields: Any,
    ) -> Table:
        """Make a table with a row per model and arm.

        quantities: of a model, by the keys of columns. parts: what divides the rows of a model further, such as
        ("corruption", ["fog", "frost"]); keys are then (part, key). facts: of an entry, what is no quantity, or
        has more to it. A place is empty where there is neither. intervals: by default `Evidence.intervals`. file,
        title, fields: as in `of_rows`.
        """
        head, some = parts
        several = any(len(members) > 1 for members in self.evidence.arms.values())
        heads = [Column(label=label, align="left") for label in ("model", "run" * several, head) if label]
        entries, families = self.evidence.entries(quantities, self.view), self.families
        columns = [column.fitted([entry.values for entry in entries]) for column in columns]
        rows = []
        for entry in entries:
            name = entry.arm_label if entry.run else entry.label
            both = {key: (intervals or self.evidence.intervals)(entry, key) for key in entry.values}
            values = {key: number for key, (number, _) in both.items()} | facts(entry)
            for part in some:
                texts = name, *([entry.run] if several else ()), *([spaced(part)] if head else ())
                cells = [with_runs(column, column.cell_of(values, part), both, part) for column in columns]
                where = self.models(entry.name, entry.models) | ({head: part} if head else {})
                own = {"competes": entry.competes, "single": not entry.compared}
                family = families.get(entry.arm, "")
                rows.append(Row(cells=(*map(Cell, texts), *cells), where=where, family=family, **own))
        return self.of_rows((*heads, *columns), rows, file, title, **fields)

    def of_rows(
        self, columns: Sequence[Column], rows: Sequence[Row], file: str, title: str, metric: str = "miou", **fields: Any
    ) -> Table:
        """Make a table of rows of any form. file, title: without the view. metric: for the CSV. fields: of `Table`."""
        setting = {"where": self.where(metric), "hashes": self.hashes, "about": self.about()}
        return Table(columns=columns, rows=rows, **{**self.fields(file, title), **setting, **fields})

    def picture(self, file: str, title: str, caption: str, chart: Chart, group: str = "") -> Picture:
        """Make a figure of the panel. caption: without its full stop. group: its heading, if not the part's."""
        return Picture(**self.fields(file, title), caption=f"{caption}{self.notes}.", chart=chart, group=group)

    def dot(self, arm: Entry, quantity: Any, **fields: Any) -> Dot:
        """Make the dot of an arm's score, 0-1, with both intervals and its runs. fields: of `Dot`."""
        number, wide = self.evidence.intervals(arm, quantity)
        wide = wide.within(SHARE)
        runs = [(title, float(values[quantity][0])) for title, values in zip(arm.models, arm.runs, strict=True)]
        several = tuple(runs) if len(runs) > 1 else ()
        return Dot(number=number, wide=wide, runs=several, **self.look(arm.arm), **fields)

    def way(self, arm: Entry, quantities: Mapping[str, Any]) -> list[Dot]:
        """Make the dots of two quantities of an arm, by the texts on them: a ring, and where it leads, a full one."""
        both = zip(quantities.items(), FILLS, strict=False)
        return [self.dot(arm, what, text=text, fill=fill) for (text, what), fill in both]

    def curve(self, arm: Entry, quantities: Mapping[float, Any], level: Any = None) -> Curve:
        """Make the curve of an arm's quantities over their places. level: the quantity of its dotted line."""
        points = [(place, self.evidence.interval(arm.values[what])) for place, what in quantities.items()]
        dotted = None if level is None else float(arm.values[level][0])
        return Curve(**self.look(arm.arm), points=tuple(points), level=dotted)

    def look(self, arm: str) -> dict[str, Any]:
        """Give the fields of a `Dot` or a `Curve` that are of an arm: its name and `series`."""
        return {"arm": arm, "series": self.series(arm)}

    def series(self, arm: str) -> int:
        """The place of an arm, which decides its colour and marker throughout the report."""
        return list(self.evidence.arms).index(arm)


def with_runs(column: Column, cell: Cell, intervals: Mapping[Any, tuple[Interval, Interval]], part: str) -> Cell:
    """Give the CSV the second of a cell's intervals too, over images and runs, where there is one. part: of its row."""
    both = intervals.get(column.key_in(part))
    if both is None or isnan((runs := both[1].within(column.bounds)).low):
        return cell
    return replace(cell, test={"low_runs": runs.low, "high_runs": runs.high, **cell.test})
