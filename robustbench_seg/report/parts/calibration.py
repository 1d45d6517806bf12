"""Boundary and calibration: what mIoU does not see, the quality of boundaries and how far confidence can be trusted."""

from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from ...charts import Curve, reliability_diagram
from ...metrics import SHIPPED, Metric
from ...store.cell import CLEAN
from ...studies.reliability import reliability
from ...studies.statistics import ANY, SHARE, Draws, Interval
from ...wording import MOST_NAMES
from ..content import Content, Picture
from ..differences import long_table
from ..panel import Panel
from ..scores import cell_columns, quantity_columns, view_columns
from ..table import Column, Table, frame_rows
from ..units import DIGITS, PERCENT, plain

__all__ = ["make"]

NATS = plain("{:z.2f}")
RELIABILITY = (
    *(Column(name=name, label=name, align="left") for name in ("arm", "condition")),
    *(Column(name=name, label=name) for name in ("bin", "pixels", "confidence", "accuracy")),
)
NAMES = "reliability", "Accuracy by confidence"  # of the table and the figure of bins: file, title


def make(panel: Panel) -> Content:
    """Make the tables of all such metrics in each view; of several views of clean images one for all of them."""
    together = not panel.conditions and len(panel.source.plan.views) > 1
    places = [place for place in ((panel,) if together else panel.detailed_views()) if place.other_metrics]
    tables = Content.of(*(make_one(place) for place in places for make_one in (metrics_table, difference_table)))
    return sum((reliability_of(place) for place in places if place.view and "ece" in place.other_metrics), tables)


def reliability_of(panel: Panel) -> Content:
    """Make the table and the figure of how often each arm is right at each confidence, clean and under corruption."""
    assert panel.view is not None
    cells, arms = panel.evidence.scores["ece"].cells, panel.models_by_arm
    frame = reliability(cells[cells["view"] == panel.view.label], arms, panel.conditions)
    lines = frame.assign(
        models=[" ".join(arms[arm]) for arm in frame["arm"]],
        setup=[f"bin {number}" for number in frame["bin"]],
        bin=frame["bin"].astype(str),
    )
    caption = "%, of pixels in bins of confidence of 1/15; corrupted: each corruption with the same weight."
    rows = frame_rows(lines, RELIABILITY, ["models", "condition", "setup"])
    table = panel.of_rows(RELIABILITY, rows, *NAMES, metric="ece", caption=caption)
    return Content.of(table, reliability_picture(panel, frame))


def reliability_picture(panel: Panel, frame: pd.DataFrame) -> Picture:
    """Draw accuracy over confidence: a panel for clean and one for corrupted images, a curve per arm."""
    curves: dict[str, list[Curve]] = {kind: [] for kind in frame["condition"]}
    for (kind, arm), own in frame[frame["pixels"] > 0].groupby(["condition", "arm"], sort=False):
        points = tuple(zip(own["confidence"], map(Interval, own["accuracy"]), strict=True))
        curves[kind].append(Curve(**panel.look(arm), points=points))
    few = f"; the first {MOST_NAMES} arms" if len(panel.models_by_arm) > MOST_NAMES else ""
    caption = f"% of pixels that are right, over the confidence, in 15 bins; dotted: confidence is accuracy{few}"
    drawn = {kind: own[:MOST_NAMES] for kind, own in curves.items()}
    return panel.picture(*NAMES, caption, reliability_diagram(drawn, "confidence (%)", "accuracy (%)"))


def metrics_table(panel: Panel) -> Table:
    """Make the table of one view: each metric on clean images and on average.

    The CSV has every corruption and severity too. Of all views together: clean images, a column per metric and view.
    """
    metrics = panel.other_metrics
    units = "; ".join(
        f"{metric.label}{f' in {metric.unit}' if metric.unit else ''}, {metric.direction}"
        for metric in metrics.values()
    )
    images = "Clean images, and the mean over corruptions" if panel.conditions else "Clean images"
    kinds = (panel.scores, panel.cell_scores) if panel.view else (panel.by_view,)

    def quantities(title: str) -> dict[Any, Draws]:
        return {(name, key): own for name in metrics for kind in kinds for key, own in kind(title, name).items()}

    columns = [column for name, metric in metrics.items() for column in columns_of(panel, name, metric)]
    return panel.table(quantities, columns, "metrics", "Boundaries and calibration", caption=f"{images}; {units}.")


def columns_of(panel: Panel, name: str, metric: Metric) -> list[Column]:
    """Make the columns of a metric: quantities of one view, or views. Only clean images and the mean have a label."""
    unit = PERCENT if metric.unit == "%" else NATS if metric.name in SHIPPED else DIGITS
    best: Literal["high", "low"] = "high" if metric.higher else "low"
    names = [CLEAN, "mean", *panel.conditions] if panel.conditions else [CLEAN]
    of_view = [*quantity_columns(names), *cell_columns(panel.conditions)]
    return [
        replace(
            column,
            label=f"{metric.label} {column.label}" if column.name in (CLEAN, "mean") else "",
            key=(name, column.key_in()),
            where={**column.where, "metric": name},
            best=best,
            unit=unit,
            bounds=SHARE if unit is PERCENT and metric.name in SHIPPED else ANY,
        )
        for column in (of_view if panel.view else view_columns(panel.order))
    ]


def difference_table(panel: Panel) -> Table | None:
    """Make the table of how arms differ on clean images and on average, in metrics in %; none of several views."""
    if panel.view is None:
        return None
    metrics = {name: metric for name, metric in panel.other_metrics.items() if metric.unit == "%"}

    def quantities(title: str) -> dict[tuple[str, str], Draws]:
        return {
            (name, what): own
            for name in metrics
            for what, own in panel.scores(title, name).items()
            if what in (CLEAN, panel.headline)
        }

    differences = {key: each for key, each in panel.differences(quantities).items() if each.measured}
    better = ", ".join(f"of {metric.label} {metric.direction}" for metric in metrics.values())
    names = {what: f"{what[1]} {metrics[what[0]].label}" for _, _, what in differences}
    title = "Differences between arms in boundaries and calibration"
    return long_table(panel, differences, names, f"Points; {better}", "differences-reliability", title)
