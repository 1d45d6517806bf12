"""Classes: the IoU of each, on clean images and on average under corruption."""

import numpy as np
from numpy.typing import NDArray

from ...store.cell import CLEAN
from ...studies.robustness import headline
from ..content import Content
from ..panel import Panel
from ..table import Cell, Column, Row, Table

__all__ = ["make"]


def make(panel: Panel) -> Content:
    """Make a table for each of the views that are shown in detail."""
    return Content(tables=tuple(classes_table(view) for view in panel.views if view.detailed))


def classes_table(panel: Panel) -> Table:
    """Make the table of one view: a row per class, for each arm (mean over seeds) clean and under corruption.

    Corrupted is the plain mean over corruptions of the mean over severities; a dash where a cell is missing.
    """
    cells, conditions = panel.cells, panel.conditions
    measured = cells.set_index(["title", "corruption", "severity"])["iou"].to_dict()
    names = list(cells["class_names"].iloc[0])
    nothing = np.full(len(names), np.nan)
    columns, values = [], []
    for arm, members in panel.evidence.arms.items():

        def iou(corruption: str, severity: int, members: list[str] = members) -> NDArray[np.float64]:
            seeds = [measured.get((title, corruption, severity), nothing) for title in members]
            return np.asarray(np.mean(seeds, axis=0))

        for name, own in {CLEAN: iou(CLEAN, 0), "corrupted": headline(iou, conditions)}.items():
            if name == CLEAN or conditions:
                columns.append(Column(name=name, label=f"{arm}, {name}", where=panel.models(arm, members)))
                values.append(own)
    rows = [
        Row(
            cells=(Cell(name), *(c.cell(own[k]) for c, own in zip(columns, values, strict=True))), where={"class": name}
        )
        for k, name in enumerate(names)
    ]
    return Table(
        columns=(Column(label="class", align="left"), *columns),
        rows=rows,
        where=panel.where("iou"),
        **panel.fields("classes", "IoU per class"),
        caption=f"IoU in %, {'clean and the plain mean over corruptions' if conditions else 'clean'}; {panel.about}.",
    )
