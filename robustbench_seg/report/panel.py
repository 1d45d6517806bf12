"""What every part of a section is made from: the cells of one setting, in one view or in all of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import pandas as pd

from ..charts import Chart, Curve, Dot
from ..protocols import categories_of
from ..store.cell import CLEAN
from ..store.view import View
from ..studies.arms import families_of
from ..studies.comparisons import Differences
from ..studies.evidence import Entry, Evidence, Quantities
from ..studies.limits import transductive_notes
from ..studies.robustness import Conditions, Miou, cell_scores, scores_of
from ..studies.sources import Source
from ..studies.statistics import Draws
from ..wording import spaced
from .content import Picture
from .provenance import describe_protocol, describe_setting, hashes_of
from .table import Cell, Column, Row, Table
from .units import file_name

__all__ = ["MANY", "Panel"]

WHERE = ("dataset", "split", "images", "of", "precision", "engine_version", "seed")  # in a CSV
MANY = 12  # arms from which a reader wants to search, and families
SHA256 = 12  # characters of a hash that tell it from others


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """Cells that share images, precision and seed, as the parts of a section see them.

    source: the plan with its stores. evidence: the cells. view: the only one that is looked at; None for all, and then
    `views` has a panel for each. name: of the view, for titles and files. main: whether the section's sentences are of
    it. detailed: whether the view is one of those to show class by class.
    """

    source: Source
    evidence: Evidence
    view: View | None = None
    views: tuple["Panel", ...] = ()
    name: str = ""
    main: bool = False
    detailed: bool = False

    @property
    def conditions(self) -> Conditions:
        """The corruptions of the plan with their severities; none for clean images alone."""
        return self.source.conditions

    @property
    def corruptions(self) -> list[str]:
        """The corruptions, in the order of their groups."""
        return [
            name
            for names in (categories_of(self.conditions) or {"": tuple(self.conditions)}).values()
            for name in names
        ]

    @property
    def cells(self) -> pd.DataFrame:
        """The cells of the view, or of all views."""
        return self.evidence.cells if self.view is None else self.evidence.of_view(self.view)

    @property
    def order(self) -> list[View]:
        """The views that there are, in the plan's order."""
        planned = [View.parse(str(view)) for view in self.source.plan.views]
        return [view for view in planned if view in self.evidence.views]

    @property
    def families(self) -> dict[str, str]:
        """The family of each of many arms; see `families_of`."""
        arms = self.evidence.arms
        return families_of(arms, dict(self.source.plan.families)) if len(arms) > MANY else {}

    @property
    def images(self) -> str:
        """How many of the split's images were used."""
        first = self.evidence.cells.iloc[0]
        return f"{first['images']} of {first['of']} images"

    @property
    def about(self) -> str:
        """The end of a table's caption: what its numbers were made with."""
        fingerprint, weights = self.hashes
        setting = describe_setting(self.cells.iloc[0], fingerprint, view=self.view is not None)
        protocol = describe_protocol(self.source.plan.protocol, self.conditions)
        return f"{f'{protocol}; ' if self.view else ''}{setting}{weights}{self.notes}"

    @property
    def hashes(self) -> dict[str, str]:
        """The parts of `about` that are hashes; see `Table`."""
        return hashes_of(self.cells)

    @property
    def void(self) -> str:
        """The rule for pixels without a label, for titles and sentences; "" for the usual one."""
        void = self.evidence.cells["void"].iloc[0] if len(self.evidence.cells) else "ignored"
        return "" if void == "ignored" else f"void {void}"

    @property
    def notes(self) -> str:
        """What a caption adds where a view is transductive."""
        return "".join(f"; {note}" for note in transductive_notes(self.cells))

    def metric(self, name: str, title: str) -> Miou:
        """Look up a metric of a model in the view, by corruption and severity."""
        assert self.view is not None
        return self.evidence.metric(name, title, self.view)

    def by_view(self, metric: str, title: str) -> dict[Any, Draws]:
        """Look up a metric of a model on clean images in each view."""
        return {view: self.evidence.metric(metric, title, view)(CLEAN, 0) for view in self.order}

    def scores(self, title: str, metric: str = "miou") -> dict[str, Draws]:
        """Compute a metric of a model in the view: clean, each corruption and category, mean and retention."""
        return scores_of(self.metric(metric, title), self.conditions)

    def cell_scores(self, title: str, metric: str = "miou") -> dict[tuple[str, int], Draws]:
        """Look up a metric of a model in every cell of the view, by corruption and severity."""
        return cell_scores(self.metric(metric, title), self.conditions)

    @cached_property
    def score_differences(self) -> Differences:
        """Compare arms in each of `scores`."""
        return self.differences(self.scores)

    def differences(self, quantities: Quantities) -> Differences:
        """Compare arms in each quantity of the view."""
        assert self.view is not None
        return self.evidence.differences(quantities, (self.view,))

    def fields(self, file: str, title: str, group: str = "") -> dict[str, Any]:
        """Name a table or a figure: file and title, with the view where there is but one. group: its heading."""
        if self.view is None:
            return {"file": file, "title": ", ".join(filter(None, [title, self.void])), "group": group}
        own = {"title": f"{title}, view {self.name}", "view": self.name, "group": group}
        return {"file": file_name(file, self.name), **own}

    def where(self, metric: str = "miou") -> dict[str, Any]:
        """Give the setting of the numbers for a CSV."""
        first = self.evidence.cells.iloc[0]
        view = {} if self.view is None else {"view": str(self.view)}
        own = {name: first[name] for name in WHERE} | ({"void": first["void"]} if self.void else {})
        return {"metric": metric, **view, **own, "fingerprint": first["fingerprint"][:SHA256]}

    def models(self, row: str, titles: Sequence[str]) -> dict[str, str]:
        """Give the name, the models and their weights of a row for a CSV."""
        weights = dict(zip(self.evidence.cells["title"], self.evidence.cells["checkpoint_sha256"], strict=True))
        hashes = " ".join(weights[title][:SHA256] for title in titles)
        return {"row": row, "models": " ".join(titles), "weights": hashes}

    def table(
        self,
        quantities: Quantities,
        columns: Sequence[Column],
        *,
        parts: Mapping[str, Iterable[str]] = MappingProxyType({}),
        facts: Callable[[Entry], Mapping[Any, Any]] = lambda entry: {},
        metric: str = "miou",
        **fields: Any,
    ) -> Table:
        """Make a table with a row per model and arm.

        quantities: of a model, by the keys of columns. parts: what divides the rows of a model further, such as
        {"corruption": ["fog", "frost"]}; keys are then (part, key). facts: of an entry, what is no quantity, or
        has more to it. A place is empty where there is neither. metric: for the CSV. fields: of `Table`.
        """
        several = any(len(members) > 1 for members in self.evidence.arms.values())
        heads = [Column(label=label, align="left") for label in ("model", *(["run"] * several), *parts)]
        names: list[tuple[str, Any]] = [(head, part) for head, some in parts.items() for part in some]
        rows = []
        entries, families = self.evidence.entries(quantities, self.view), self.families
        columns = [column.fitted([entry.values for entry in entries]) for column in columns]
        for entry in entries:
            numbers = {key: self.evidence.interval(draws) for key, draws in entry.values.items()}
            values = {**numbers, **facts(entry)}
            for head, part in names or [("", None)]:
                name = entry.arm_label if entry.run else entry.label
                row = {"model": name, "run": entry.run, head: part and spaced(part)}
                cells = [heading.cell(row[heading.label]) for heading in heads]
                cells += [
                    self.with_runs(column.cell_of(values, part), entry, column.key_in(part)) for column in columns
                ]
                where = self.models(entry.name, entry.models) | ({head: part} if head else {})
                own = {"competes": entry.competes, "single": not entry.compared}
                rows.append(Row(cells=tuple(cells), where=where, family=families.get(entry.arm, ""), **own))
        return self.of_rows((*heads, *columns), rows, metric, **fields)

    def with_runs(self, cell: Cell, entry: Entry, quantity: Any) -> Cell:
        """Give the CSV the interval over images and runs too, where an arm has several runs."""
        if len(entry.models) < 2 or quantity not in entry.values:
            return cell
        runs = self.evidence.over_runs(entry, quantity)
        return replace(cell, test={"low_runs": runs.low, "high_runs": runs.high, **cell.test})

    def of_rows(self, columns: Sequence[Column], rows: Sequence[Row], metric: str = "miou", **fields: Any) -> Table:
        """Make a table of rows that have any other form. metric: for the CSV. fields: of `Table`."""
        setting = {"where": self.where(metric), "hashes": self.hashes, "about": self.about}
        return Table(columns=columns, rows=rows, **{**setting, **fields})

    def picture(self, file: str, title: str, caption: str, chart: Chart, group: str = "") -> Picture:
        """Make a figure of the panel. caption: without its full stop. group: its heading, if not the part's."""
        return Picture(**self.fields(file, title, group), caption=f"{caption}{self.notes}.", chart=chart)

    def dot(self, arm: Entry, quantity: Any, **fields: Any) -> Dot:
        """Make the dot of an arm's quantity, with both intervals and its runs. fields: of `Dot`."""
        runs = [(title, float(values[quantity][0])) for title, values in zip(arm.models, arm.runs, strict=True)]
        return Dot(
            number=self.evidence.interval(arm.values[quantity]),
            wide=self.evidence.over_runs(arm, quantity),
            runs=tuple(runs) if len(runs) > 1 else (),
            arm=arm.arm,
            **{"series": self.series(arm.arm), **fields},
        )

    def curve(self, arm: Entry, quantities: Mapping[float, Any], level: Any = None) -> Curve:
        """Make the curve of an arm's quantities over their places. level: the quantity of its dotted line."""
        points = [(place, self.evidence.interval(arm.values[what])) for place, what in quantities.items()]
        dotted = None if level is None else float(arm.values[level][0])
        return Curve(arm=arm.arm, series=self.series(arm.arm), points=tuple(points), level=dotted)

    def series(self, arm: str) -> int:
        """The place of an arm, which decides its colour and marker throughout the report."""
        return list(self.evidence.arms).index(arm)
