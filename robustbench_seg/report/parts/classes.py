"""Classes: the IoU of each, on clean images and on average under corruption."""

from math import nan

import pandas as pd

from ...charts import Dot, Fill, dumbbells
from ...store.cell import CLEAN
from ...studies.robustness import classes_by_arm
from ...studies.statistics import Interval
from ...wording import percent
from ..content import Content, Picture
from ..panel import Panel
from ..table import Column, Table, frame_rows

__all__ = ["make"]

MOST = 3  # arms in the figure


def make(panel: Panel) -> Content:
    """Make a table and a figure for each of the views that are shown in detail."""
    content = Content()
    for view in panel.views:
        if view.detailed:
            frame = classes_by_arm(view.cells, view.evidence.arms, view.conditions)
            pictures = (classes_picture(view, frame),) if view.source.pictures else ()
            content += Content(tables=(classes_table(view, frame),), pictures=pictures)
    return content


def classes_picture(panel: Panel, frame: pd.DataFrame) -> Picture:
    """Draw each class, clean and under corruption, in a panel per arm, sorted by the loss of the first."""
    arms = list(panel.evidence.arms)[:MOST]
    fills: dict[str, Fill] = {CLEAN: "ring", "corrupted": "full"} if panel.conditions else {CLEAN: "full"}
    first = [frame[arms[0], kind] for kind in fills]
    lost = first[0] - first[-1] if panel.conditions else first[0]
    rows = {
        arm: {
            str(row["class"]): [
                Dot(number=Interval(row[arm, kind], nan, nan), arm=arm, series=panel.series(arm), fill=fill, text=kind)
                for kind, fill in fills.items()
            ]
            for row in frame.loc[lost.sort_values(ascending=False).index].to_dict("records")
        }
        for arm in arms
    }
    sizes = sizes_of(panel)
    notes = {name: f"{percent(size)} % of the labelled pixels" for name, size in sizes.items()}
    few = f"; the first {MOST} of {len(panel.evidence.arms)} arms" if len(panel.evidence.arms) > MOST else ""
    caption = f"IoU in %; {'ring: clean, full: under corruption' if panel.conditions else 'clean images'}{few}"
    if sizes:
        caption += "; bar under a class: its share of the labelled pixels"
    chart = dumbbells(rows, "IoU (%)", notes=notes, sizes=sizes, across=3)
    return panel.picture("classes", "IoU per class", caption, chart)


def sizes_of(panel: Panel) -> dict[str, float]:
    """Compute the share of each class in the labelled pixels of all images, 0-1."""
    first = panel.cells.iloc[0]
    pixels = first["counts"]["labelled"].sum(axis=0)
    return dict(zip(first["class_names"], (pixels / max(1, pixels.sum())).tolist(), strict=True))


def classes_table(panel: Panel, frame: pd.DataFrame) -> Table:
    """Make the table of one view: a row per class, for each arm (mean over seeds) clean and under corruption.

    Corrupted is the plain mean over corruptions of the mean over severities; a dash where a cell is missing.
    """
    conditions = panel.conditions
    columns = [Column(name="class", label="class", align="left")]
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
