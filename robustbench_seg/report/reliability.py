"""What mIoU does not see: the quality of boundaries, and how far confidence can be trusted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..record import CLEAN
from ..studies.robustness import Conditions, Miou, corruption_scores, headline
from ..studies.statistics import Draws
from .content import Table
from .evidence import Evidence
from .provenance import file_name
from .tables import MISSING, Cell, make_table

__all__ = ["reliability_by_view", "reliability_tables"]

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

    def columns(metric: Callable[[str], Miou]) -> dict[str, Draws]:
        value = metric(view)
        scores = {CLEAN: value(CLEAN, 0), **corruption_scores(value, conditions)}
        return scores | ({"mean": headline(value, conditions)} if conditions else {})

    averaged = "each corruption the mean over its severities; " if conditions else ""
    return metric_tables(evidence, evidence.of_view(view), columns, averaged + about, f", view {name}", name)


def reliability_by_view(evidence: Evidence, views: Sequence[str], about: str) -> list[Table]:
    """Make a table per metric of clean images, a column per view."""

    def columns(metric: Callable[[str], Miou]) -> dict[str, Draws]:
        return {view: metric(view)(CLEAN, 0) for view in views}

    clean = evidence.cells[evidence.cells["corruption"] == CLEAN]
    return metric_tables(evidence, clean, columns, f"clean images; {about}", " by view", "views")


def metric_tables(
    evidence: Evidence,
    cells: pd.DataFrame,
    columns: Callable[[Callable[[str], Miou]], dict[str, Draws]],
    about: str,
    of: str,
    name: str,
) -> list[Table]:
    """Make a table per metric that cells have. columns: from a metric, by view and then by corruption and severity."""
    tables = []
    for metric, (label, unit, factor, decimals, higher) in METRICS.items():
        if cells[metric].isna().all():
            continue
        known = cells.set_index(["title", "view", "corruption", "severity"])[metric].to_dict()

        def quantities(title: str, known: Mapping[Any, float] = known) -> dict[str, Draws]:
            def under(view: str) -> Miou:
                return lambda corruption, severity: np.array([known.get((title, view, corruption, severity), np.nan)])

            return columns(under)

        rows = evidence.rows(quantities)
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
                title=f"{label}{of}",
                caption=f"In {unit}; {about}.",
                full=cells[["title", "view", "corruption", "severity", metric]],
                group="Boundary and calibration",
            )
        )
    return tables


def shown(number: float, factor: int, decimals: int) -> Cell:
    return Cell(MISSING) if np.isnan(number) else Cell(f"{factor * number:.{decimals}f}", "", number)
