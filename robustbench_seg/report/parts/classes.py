"""Classes: the IoU of each, on clean images and on average under corruption."""

from ...studies.robustness import classes_by_arm
from ..content import Content
from ..panel import Panel
from ..table import Column, Table, frame_rows

__all__ = ["make"]


def make(panel: Panel) -> Content:
    """Make a table for each of the views that are shown in detail."""
    return Content(tables=tuple(classes_table(view) for view in panel.views if view.detailed))


def classes_table(panel: Panel) -> Table:
    """Make the table of one view: a row per class, for each arm (mean over seeds) clean and under corruption.

    Corrupted is the plain mean over corruptions of the mean over severities; a dash where a cell is missing.
    """
    cells, conditions = panel.cells, panel.conditions
    columns = [Column(name="class", label="class", align="left")]
    frame = classes_by_arm(cells, panel.evidence.arms, conditions)
    for arm, name in list(frame)[1:]:
        where = panel.models(arm, panel.evidence.arms[arm])
        columns.append(Column(name=name, label=f"{arm}, {name}", where=where, key=(arm, name)))
    return panel.of_rows(
        columns,
        frame_rows(frame, columns, ["class"]),
        "iou",
        **panel.fields("classes", "IoU per class"),
        caption=f"IoU in %, {'clean and the plain mean over corruptions' if conditions else 'clean'}.",
    )
