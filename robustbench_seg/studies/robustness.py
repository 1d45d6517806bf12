"""Scores under corruption, as the papers' tables give them.

A corruption's score is the mean of the mIoU over its severities; the headline is the plain mean over corruptions;
retention is that over the clean mIoU. A cell that is missing makes its place in the table empty (NaN) and is counted;
it is never averaged over.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..record import CLEAN

__all__ = ["GROUP", "by_corruption", "by_severity", "clean_by_view"]

# Rows of a table differ in one of these; numbers that differ in another must not share a column.
GROUP = ["model", "dataset", "split", "view", "precision", "seed", "images", "of", "checkpoint_sha256"]
FACTS = ["parameters", "licence", "engine_version", "synthetic"]


def by_corruption(cells: pd.DataFrame, conditions: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """One row per GROUP: clean, each corruption's score, mean, retention (all 0-1), missing cells, flags.

    cells: of `quality_frame`. conditions: of the protocol, {corruption: severities}.
    """
    rows = []
    for group, part in cells.groupby(GROUP, sort=False):
        scores = part.set_index(["corruption", "severity"])["miou"]
        wanted = [(name, severity) for name, severities in conditions.items() for severity in severities]
        per_corruption = {
            name: float(scores.reindex([(name, severity) for severity in severities]).mean(skipna=False))
            for name, severities in conditions.items()
        }
        clean = float(scores.get((CLEAN, 0), float("nan")))
        mean = float(np.mean(list(per_corruption.values()))) if per_corruption else float("nan")
        rows.append(
            {
                **dict(zip(GROUP, group, strict=True)),
                **part.iloc[0][FACTS].to_dict(),
                "classes": int(part["classes"].iloc[0]),
                CLEAN: clean,
                **per_corruption,
                "mean": mean,
                "retention": mean / clean if clean > 0 else float("nan"),
                "missing": sum(condition not in scores.index for condition in [(CLEAN, 0), *wanted]),
                "flags": flags_of(part),
            }
        )
    return pd.DataFrame(rows)


def flags_of(part: pd.DataFrame) -> str:
    """List the flagged cells of a group by reason."""
    flagged = part[part["flag"] != ""]
    return "; ".join(
        f"{reason}: "
        + ", ".join(f"{c}-{s}" if s else str(c) for c, s in zip(some.corruption, some.severity, strict=True))
        for reason, some in flagged.groupby("flag")
    )


def by_severity(cells: pd.DataFrame, conditions: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """mIoU (0-1) of one group: a row per corruption, a column per severity; NaN where not asked for or missing."""
    severities = sorted({severity for asked in conditions.values() for severity in asked})
    table = cells.pivot(index="corruption", columns="severity", values="miou")
    return table.reindex(index=list(conditions), columns=severities)


def clean_by_view(cells: pd.DataFrame) -> pd.DataFrame:
    """Clean mIoU (0-1) per model and view, and its difference to the model's first view in points.

    This is the layout of the SegFormer paper's Table 1c: what a change of resolution or window costs.
    """
    clean = cells[cells["corruption"] == CLEAN]
    columns = [name for name in GROUP if name != "view"]
    rows = []
    for group, part in clean.groupby(columns, sort=False):
        first = part["miou"].iloc[0]
        for view, value in zip(part["view"], part["miou"], strict=True):
            fields = dict(zip(columns, group, strict=True))
            rows.append({**fields, "view": view, "miou": value, "points": 100 * (value - first)})
    return pd.DataFrame(rows)
