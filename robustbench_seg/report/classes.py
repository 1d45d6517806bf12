"""The IoU of each class: on clean images, and on average under corruption."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..store.cell import CLEAN
from ..studies.robustness import Conditions, headline
from .content import Table
from .evidence import Evidence
from .provenance import file_name
from .tables import Cell, make_table, percent

__all__ = ["classes_table"]


def classes_table(evidence: Evidence, view: str, conditions: Conditions, about: str, name: str) -> Table:
    """Make the table of one view: a row per class, for each arm (mean over seeds) clean and under corruption.

    Corrupted is the plain mean over corruptions of the mean over severities; a dash where a cell is missing.
    """
    cells = evidence.of_view(view)
    known = cells.set_index(["title", "corruption", "severity"])["iou"].to_dict()
    classes = list(cells["class_names"].iloc[0])
    nothing = np.full(len(classes), np.nan)
    columns: dict[str, NDArray[np.float64]] = {}
    for arm, members in evidence.arms.items():

        def iou(corruption: str, severity: int, members: list[str] = members) -> NDArray[np.float64]:
            seeds = [known.get((title, corruption, severity), nothing) for title in members]
            return np.asarray(np.mean(seeds, axis=0))

        columns[f"{arm}, {CLEAN}"] = iou(CLEAN, 0)
        if conditions:
            columns[f"{arm}, corrupted"] = np.asarray(headline(iou, conditions))
    rows = [
        {"class": Cell(label)} | {column: Cell(percent(values[k]), "", values[k]) for column, values in columns.items()}
        for k, label in enumerate(classes)
    ]
    return make_table(
        rows,
        file=file_name("classes", name),
        title=f"IoU per class, view {name}",
        caption=f"IoU in %, {'clean and the plain mean over corruptions' if conditions else 'clean'}; {about}.",
        full=pd.DataFrame({"class": classes, **columns}),
        group="Classes",
    )
