"""Classes: the IoU of each, on clean images and on average under corruption."""

import pandas as pd

from ...charts import Dot, Fill, dots, dumbbells
from ...store.cell import CLEAN
from ...studies.robustness import classes_by_arm
from ...studies.statistics import Interval
from ...wording import MOST_NAMES
from ..content import Content, Picture
from ..panel import Panel
from ..table import Column, Table, frame_rows

__all__ = ["make"]

MOST = 3  # arms in the figure
NAN = float("nan")


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
    """Draw each class, clean and under corruption, in a panel per arm; the greatest loss of the first arm is on top."""
    arms = list(panel.evidence.arms)[:MOST]
    kinds = [CLEAN, "corrupted"] if panel.conditions else [CLEAN]
    first = frame[[(arms[0], kind) for kind in kinds]].to_numpy(float)
    lost = pd.Series(first[:, 0] - first[:, -1] if panel.conditions else -first[:, 0], index=frame.index)
    frame = frame.loc[lost.sort_values(ascending=False).index]

    def dot(arm: str, kind: str, value: float) -> Dot:
        fill: Fill = "ring" if kind == CLEAN and panel.conditions else "full"
        return Dot(number=Interval(value, NAN, NAN), arm=arm, series=panel.series(arm), fill=fill, text=kind)

    if not panel.conditions:
        every = list(panel.evidence.arms)[:MOST_NAMES]
        together = {
            str(row["class"]): [dot(arm, CLEAN, row[arm, CLEAN]) for arm in every] for row in frame.to_dict("records")
        }
        return panel.picture("classes", "IoU per class", "IoU in %, clean images", dots({"": together}, "IoU (%)"))
    rows = {
        arm: {str(row["class"]): [dot(arm, kind, row[arm, kind]) for kind in kinds] for row in frame.to_dict("records")}
        for arm in arms
    }
    few = f"; the first {MOST} of {len(panel.evidence.arms)} arms" if len(panel.evidence.arms) > MOST else ""
    caption = f"IoU in %; ring: clean, full: under corruption{few}"
    return panel.picture("classes", "IoU per class", caption, dumbbells(rows, "IoU (%)", across=3))


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
