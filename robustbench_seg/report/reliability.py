"""What mIoU does not see, under corruption: the quality of boundaries, and how far confidence can be trusted."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..record import CLEAN
from ..studies.robustness import Conditions, corruption_scores, headline
from ..studies.statistics import Draws
from .content import Table
from .evidence import Evidence
from .provenance import file_name
from .tables import MISSING, Cell, make_table

__all__ = ["reliability_tables"]

# column of the frame: title, unit, factor, decimals, whether higher is better
METRICS = {
    "boundary_miou": ("Boundary mIoU", "%, higher is better", 100, 1, True),
    "ece": ("Expected calibration error", "%, lower is better", 100, 1, False),
    "nll": ("Negative log-likelihood", "nats per pixel, lower is better", 1, 2, False),
}


def reliability_tables(evidence: Evidence, view: str, conditions: Conditions, about: str, name: str) -> list[Table]:
    """Make a table per metric that the cells of one view have: clean, each corruption (mean over severities), mean.

    The CSV holds every severity.
    """
    cells = evidence.of_view(view)
    tables = []
    for metric, (label, unit, factor, decimals, higher) in METRICS.items():
        if cells[metric].isna().all():
            continue
        known = cells.set_index(["title", "corruption", "severity"])[metric].to_dict()

        def scores(title: str, known: Mapping[Any, float] = known) -> dict[str, Draws]:
            def value(corruption: str, severity: int) -> Draws:
                return np.array([known.get((title, corruption, severity), np.nan)])

            found = {CLEAN: value(CLEAN, 0), **corruption_scores(value, conditions)}
            return found | ({"mean": headline(value, conditions)} if conditions else {})

        rows = evidence.rows(scores)
        texts = [
            {"model": Cell(row.label)}
            | {what.replace("_", " "): shown(number[0], factor, decimals) for what, number in row.values.items()}
            for row in rows
        ]
        tables.append(
            make_table(
                texts,
                best=list(texts[0])[1:],
                lowest=not higher,
                compared=[row.competes for row in rows],
                file=file_name(metric.replace("_", "-"), name),
                title=f"{label}, view {name}",
                caption=f"In {unit}; each corruption the mean over its severities; {about}.",
                full=cells[["title", "view", "corruption", "severity", metric]],
                group="Boundary and calibration",
            )
        )
    return tables


def shown(number: float, factor: int, decimals: int) -> Cell:
    return Cell(MISSING) if np.isnan(number) else Cell(f"{factor * number:.{decimals}f}", "", number)
