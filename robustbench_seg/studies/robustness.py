"""Scores under corruption, as the papers' tables give them.

A corruption's score is the mean of the mIoU over its severities; the headline is the plain mean over corruptions;
retention is that over the clean mIoU. A cell that is missing makes its place in the table empty (NaN) and is counted;
it is never averaged over.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..record import CLEAN

__all__ = ["MODEL", "SETTING", "by_corruption", "by_severity", "clean_by_view"]

# Numbers that differ in one of these never share a table: they were made from other pixels, or in another way.
SETTING = [
    "dataset", "split", "view", "precision", "seed", "engine_version", "fingerprint", "images", "of", "synthetic",
]  # fmt: skip
# The rows of a table, and what is said of each.
MODEL = ["model", "checkpoint_sha256", "parameters", "licence", "about"]


def by_corruption(cells: pd.DataFrame, conditions: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """One row per SETTING and MODEL: clean, each corruption's score, mean, retention (all 0-1), missing cells, flags.

    cells: of `quality_frame`. conditions: of the protocol, {corruption: severities}.
    """
    rows = []
    for group, part in cells.groupby([*SETTING, *MODEL], sort=False):
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
                **dict(zip([*SETTING, *MODEL], group, strict=True)),
                "fewest_classes": int(part["classes"].min()),
                "most_classes": int(part["classes"].max()),
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
    """mIoU (0-1) of one setting and model: a row per corruption, a column per severity; NaN where there is none."""
    severities = sorted({severity for asked in conditions.values() for severity in asked})
    table = cells.pivot(index="corruption", columns="severity", values="miou")
    return table.reindex(index=list(conditions), columns=severities)


def clean_by_view(cells: pd.DataFrame, views: Sequence[str]) -> pd.DataFrame:
    """Clean mIoU (0-1) per model and view, and its difference to the first of the views in points; NaN without it.

    This is the layout of the SegFormer paper's Table 1c: what a change of resolution or window costs.
    """
    clean = cells[cells["corruption"] == CLEAN]
    columns = [name for name in [*MODEL, *SETTING] if name != "view"]
    rows = []
    for group, part in clean.groupby(columns, sort=False):
        miou = part.set_index("view")["miou"].reindex(views)
        points = 100 * (miou - miou.iloc[0])
        fields = dict(zip(columns, group, strict=True))
        rows += [{**fields, "view": view, "miou": miou[view], "points": points[view]} for view in views]
    return pd.DataFrame(rows)
