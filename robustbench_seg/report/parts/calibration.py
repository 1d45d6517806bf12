"""Boundary and calibration: what mIoU does not see, the quality of boundaries and how far confidence can be trusted."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from ...store.cell import CLEAN, View
from ...studies.robustness import cell_scores, corruption_scores, headline
from ...studies.statistics import Draws
from ..content import Content
from ..differences import long_table
from ..panel import Panel
from ..scores import cell_columns, quantity_columns, view_columns
from ..table import Column, Table
from ..units import NATS, PERCENT

__all__ = ["make"]

UNITS = {"%": PERCENT, "nats per pixel": NATS}


@dataclass(frozen=True)
class Shown:
    """How a metric is shown. unit: of UNITS. better: which values are."""

    title: str
    unit: str
    better: Literal["high", "low"]

    @property
    def label(self) -> str:
        """The title within a text."""
        return self.title[0].lower() + self.title[1:]


# By column of `quality_frame`.
METRICS = {
    "boundary_miou": Shown("Boundary mIoU", "%", "high"),
    "ece": Shown("Expected calibration error", "%", "low"),
    "nll": Shown("Negative log-likelihood", "nats per pixel", "low"),
}


def make(panel: Panel) -> Content:
    """Make a table per metric that there is; of several views of clean images one for all of them."""
    places = [panel] if panel.several_clean else [view for view in panel.views if view.detailed]
    return Content(tables=tuple(table for place in places for table in tables_of(place)))


def tables_of(panel: Panel) -> list[Table]:
    """Make the tables of one view: clean, each corruption (mean over severities), mean; then how arms differ.

    The CSV has every severity too. Of all views together: clean images, a column per view.
    """
    one = panel.view is not None
    averaged = "each corruption the mean over its severities; " if panel.conditions else ""
    file, title, images = ("", "", averaged) if one else ("-views", " by view", "clean images; ")
    tables = [
        panel.table(
            partial(scores_of_view if one else scores_by_view, panel, metric),
            columns_of(panel, shown),
            **panel.fields(f"{metric.replace('_', '-')}{file}", f"{shown.title}{title}"),
            caption=f"In {shown.unit}, {shown.better}er is better; {images}{panel.about}.",
            metric=metric,
        )
        for metric, shown in METRICS.items()
        if has(panel, metric)
    ]
    return [*tables, *difference_tables(panel)] if one else tables


def scores_by_view(panel: Panel, metric: str, title: str) -> dict[View, Draws]:
    return {view: panel.evidence.metric(metric, title, view)(CLEAN, 0) for view in panel.order}


def scores_of_view(panel: Panel, metric: str, title: str) -> dict[Any, Draws]:
    value, conditions = panel.metric(metric, title), panel.conditions
    scores: dict[Any, Draws] = {CLEAN: value(CLEAN, 0), **corruption_scores(value, conditions)}
    return scores | cell_scores(value, conditions) | ({"mean": headline(value, conditions)} if conditions else {})


def columns_of(panel: Panel, shown: Shown) -> list[Column]:
    """Make the columns of a metric: quantities of one view, or views."""
    unit = UNITS[shown.unit]
    if panel.view is None:
        return view_columns(panel.order, best=shown.better, unit=unit)
    names = [CLEAN, *panel.conditions, "mean"] if panel.conditions else [CLEAN]
    return [*quantity_columns(names, shown.better, unit=unit), *cell_columns(panel.conditions)]


def difference_tables(panel: Panel) -> list[Table]:
    """Make the table of how arms differ on clean images and on average; none without two arms and such metrics."""
    measured = {name: shown for name, shown in METRICS.items() if shown.unit == "%" and has(panel, name)}

    def quantities(title: str) -> dict[tuple[str, str], Draws]:
        values = {}
        for metric in measured:
            value = panel.metric(metric, title)
            values[metric, CLEAN] = value(CLEAN, 0)
            if panel.conditions:
                values[metric, "mean"] = headline(value, panel.conditions)
        return values

    found = {key: each for key, each in panel.differences(quantities).items() if each.measured}
    better = [
        f"of {shown.label} {'more' if shown.better == 'high' else 'less'} is better" for shown in measured.values()
    ]
    names = {what: f"{what[1]} {METRICS[what[0]].label}" for _, _, what in found}
    title = "Differences between arms in boundaries and calibration"
    return long_table(panel, found, ("in", names), "differences-reliability", title, f"Points; {', '.join(better)}")


def has(panel: Panel, metric: str) -> bool:
    """Whether cells have a metric: a suite may switch it off."""
    scores = panel.evidence.scores.get(metric)
    if scores is None:
        return False
    cells = scores.cells
    return bool((cells["corruption"] == CLEAN if panel.view is None else cells["view"] == str(panel.view)).any())
