"""What mIoU does not see, under corruption: the quality of boundaries, and how far confidence can be trusted."""

import numpy as np
import pandas as pd

from ..record import CLEAN
from ..studies.robustness import Conditions, corruption_scores
from .content import Table
from .provenance import file_name
from .tables import MISSING, Cell, make_table

__all__ = ["reliability_tables"]

# column of the frame: title, unit, factor, decimals, whether higher is better
METRICS = {
    "boundary_miou": ("Boundary mIoU", "%, higher is better", 100, 1, True),
    "ece": ("Expected calibration error", "%, lower is better", 100, 1, False),
    "nll": ("Negative log-likelihood", "nats per pixel, lower is better", 1, 2, False),
}


def reliability_tables(cells: pd.DataFrame, conditions: Conditions, about: str, name: str) -> list[Table]:
    """Make a table per metric that the cells of one view have: clean, each corruption (mean over severities), mean.

    cells: of `quality_frame` with `title`. The CSV holds every severity.
    """
    tables = []
    for metric, (label, unit, factor, decimals, higher) in METRICS.items():
        if cells[metric].isna().all():
            continue
        rows = []
        for title, part in cells.groupby("title", sort=False):
            known = part.set_index(["corruption", "severity"])[metric]

            def value(corruption: str, severity: int, known: pd.Series = known) -> float:
                return float(known.get((corruption, severity), float("nan")))

            scores = {CLEAN: value(CLEAN, 0), **corruption_scores(value, conditions)}
            if conditions:
                scores["mean"] = np.mean([scores[corruption] for corruption in conditions])
            texts = {what.replace("_", " "): shown(number, factor, decimals) for what, number in scores.items()}
            rows.append({"model": Cell(str(title)), **texts})
        tables.append(
            make_table(
                rows,
                best=[column for column in rows[0] if column != "model"],
                lowest=not higher,
                file=file_name(metric.replace("_", "-"), name),
                title=f"{label}, view {name}",
                caption=f"{unit}; each corruption the mean over its severities; {about}.",
                full=cells[["title", "view", "corruption", "severity", metric]],
                group="Boundary and calibration",
            )
        )
    return tables


def shown(number: float, factor: int, decimals: int) -> Cell:
    return Cell(MISSING) if np.isnan(number) else Cell(f"{factor * number:.{decimals}f}", "", number)
