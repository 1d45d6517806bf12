"""Classes: the IoU of each, on clean images and on average under corruption."""

import pandas as pd

from ...charts import Dot, Fill, dumbbells
from ...store.cell import CLEAN
from ...studies.robustness import classes_by_arm, label_shares
from ...studies.statistics import Interval
from ...wording import percent
from ..content import Content, Picture
from ..panel import Panel
from ..table import Column, Table, frame_rows

__all__ = ["make"]

MOST = 3  # arms in the figure


def make(panel: Panel) -> Content:
    """Make the table and the figure of one view."""
    frame = classes_by_arm(panel.cells, panel.models_by_arm, panel.conditions)
    return Content.of(classes_table(panel, frame), classes_picture(panel, frame))


def classes_picture(panel: Panel, frame: pd.DataFrame) -> Picture:
    """Draw each class, clean and under corruption, in a panel per arm, sorted by the loss of the first."""
    arms = list(panel.models_by_arm)
    fills: dict[str, Fill] = {CLEAN: "ring", "corrupted": "full"} if panel.conditions else {CLEAN: "full"}
    first = [frame[arms[0], kind] for kind in fills]
    lost = first[0] - first[-1] if panel.conditions else first[0]
    ranked = frame.loc[lost.sort_values(ascending=False).index].to_dict("records")
    rows = {
        arm: {
            str(row["class"]): [
                Dot(number=Interval(row[arm, kind]), **panel.look(arm), fill=fill, text=kind)
                for kind, fill in fills.items()
            ]
            for row in ranked
        }
        for arm in arms[:MOST]
    }
    sizes = label_shares(panel.cells)
    notes = {name: f"{percent(size)} % of the labelled pixels" for name, size in sizes.items()}
    few = f"; the first {MOST} of {len(arms)} arms" if len(arms) > MOST else ""
    bars = "; bar under a class: its share of the labelled pixels" if sizes else ""
    caption = f"IoU in %; {'ring: clean, full: under corruption' if panel.conditions else 'clean images'}{few}{bars}"
    chart = dumbbells(rows, "IoU (%)", notes=notes, sizes=sizes, across=3)
    return panel.picture("classes", "IoU per class", caption, chart)


def classes_table(panel: Panel, frame: pd.DataFrame) -> Table:
    """Make the table of one view: a row per class, for each arm (mean over seeds) clean and under corruption.

    Corrupted is the plain mean over corruptions of the mean over severities; a dash where a cell is missing.
    """
    columns = [Column(name="class", label="class", align="left")]
    for arm, name in list(frame)[1:]:
        where = panel.models(arm, panel.models_by_arm[arm])
        columns.append(Column(name=name, label=f"{arm}, {name}", where=where, key=(arm, name)))
    corrupted = " and the plain mean over corruptions" if panel.conditions else ""
    caption = f"IoU in %, clean{corrupted}."
    rows = frame_rows(frame, columns, ["class"])
    return panel.of_rows(columns, rows, "classes", "IoU per class", metric="iou", caption=caption)
