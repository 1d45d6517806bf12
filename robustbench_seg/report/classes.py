"""The IoU of each class: on clean images, and on average under corruption."""

import numpy as np
import pandas as pd

from ..record import CLEAN
from ..studies.robustness import Conditions
from .content import Table
from .provenance import file_name
from .tables import Cell, make_table, percent

__all__ = ["classes_table"]


def classes_table(cells: pd.DataFrame, conditions: Conditions, about: str, name: str) -> Table:
    """Make the table of one view: a row per class, for each model clean and, where all cells are there, corrupted.

    cells: of `quality_frame` with `title`. Corrupted is the plain mean over corruptions of the mean over severities.
    """
    columns: dict[str, list[float]] = {}
    for title, part in cells.groupby("title", sort=False):
        by_condition = part.set_index(["corruption", "severity"])["iou"]
        if (CLEAN, 0) in by_condition.index:
            columns[f"{title}, {CLEAN}"] = by_condition[CLEAN, 0]
        wanted = [[(corruption, s) for s in severities] for corruption, severities in conditions.items()]
        if wanted and all(condition in by_condition.index for some in wanted for condition in some):
            scores = [np.mean([by_condition[condition] for condition in some], axis=0) for some in wanted]
            columns[f"{title}, corrupted"] = list(np.mean(scores, axis=0))
    classes = list(cells["class_names"].iloc[0])
    rows = [
        {"class": Cell(label)}
        | {column: Cell(percent(values[k]), "", values[k]) for column, values in columns.items()}
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
