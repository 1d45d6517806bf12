"""Scores under corruption, as the papers' tables give them.

A corruption's score is the mean of the mIoU over its severities; the headline is the plain mean over corruptions;
retention is that over the clean mIoU. A cell that is missing makes its place in the table empty (NaN) and is counted;
it is never averaged over.

The scores are arithmetic on whatever an mIoU is: a number for a table, an array of resamples for an interval.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import UsageError
from ..protocols import categories_of
from ..store.cell import CLEAN

__all__ = [
    "MODEL",
    "SAID",
    "SETTING",
    "Conditions",
    "Miou",
    "by_corruption",
    "category_means",
    "cell_scores",
    "clean_by_view",
    "corruption_scores",
    "expect_comparable",
    "flags_of",
    "headline",
    "retention",
    "scores_of",
]

Conditions = Mapping[str, Sequence[int]]  # {corruption: severities}, of a protocol
Value = Any  # a float, or an array of Draws
Miou = Callable[[str, int], Value]  # (corruption, severity) ─▶ mIoU, NaN where the cell is missing; `Scores.under`

# Numbers that differ in one of these never share a table: they were made from other pixels, or in another way.
SETTING = [
    "dataset", "split", "view", "precision", "seed", "engine_version", "fingerprint", "images", "of", "synthetic",
]  # fmt: skip
MODEL = ["model", "checkpoint_sha256"]  # the rows of a table
SAID = ["parameters", "licence", "about"]  # of each; by a model's first cell, since later code may word it otherwise


def expect_comparable(cells: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise UsageError where cells whose scores go into one mean differ in what it must not mix.

    names: the columns that tell the cells of the mean apart, such as corruption and severity: each of these is there
    once. What else cells of `quality_frame` are made with is the same in all, SETTING and MODEL.
    """
    for name in (name for name in (*SETTING, *MODEL) if name in cells and name not in names):
        if len(values := cells[name].unique()) > 1:
            raise UsageError(f"cells of {name} {values[0]} and {values[1]} would share a mean; choose one of them")
    repeated = cells[cells.duplicated(list(names))]
    if len(repeated):
        where = ", ".join(f"{name} {repeated.iloc[0][name]}" for name in names)
        apart = [name for name in ("metrics", "corruption_source") if name in cells and cells[name].nunique() > 1]
        raise UsageError(f"several cells have {where}; choose one{f', by {apart[0]}' if apart else ''}")


def corruption_scores(miou: Miou, conditions: Conditions) -> dict[str, Value]:
    """Give each corruption's score: the mean over its severities."""
    return {name: np.mean([miou(name, s) for s in severities], axis=0) for name, severities in conditions.items()}


def headline(miou: Miou, conditions: Conditions) -> Value:
    """Take the plain mean over corruptions of their scores; under `michaelis` that is mPC. NaN without corruptions."""
    return mean_of(corruption_scores(miou, conditions))


def retention(miou: Miou, conditions: Conditions) -> Value:
    """Divide the headline by the clean mIoU; under `michaelis` that is rPC. NaN where the clean mIoU is 0."""
    clean = np.asarray(miou(CLEAN, 0), np.float64)
    return headline(miou, conditions) / np.where(clean > 0, clean, np.nan)


def category_means(miou: Miou, conditions: Conditions) -> dict[str, Value]:
    """Take the plain mean over the corruptions of each category that the conditions have any of."""
    scores = corruption_scores(miou, conditions)
    return {
        category: mean_of({name: scores[name] for name in names})
        for category, names in categories_of(conditions).items()
    }


def scores_of(miou: Miou, conditions: Conditions) -> dict[str, Value]:
    """Compute all scores of a model: clean, each corruption, each category, mean and retention."""
    found = {CLEAN: miou(CLEAN, 0), **corruption_scores(miou, conditions), **category_means(miou, conditions)}
    if conditions:
        found |= {"mean": headline(miou, conditions), "retention": retention(miou, conditions)}
    return found


def cell_scores(miou: Miou, conditions: Conditions) -> dict[tuple[str, int], Value]:
    """Look up every cell, by corruption and severity; clean images have severity 0."""
    return {
        (name, severity): miou(name, severity)
        for name, severities in {CLEAN: (0,), **conditions}.items()
        for severity in severities
    }


def mean_of(scores: Mapping[str, Value]) -> Value:
    return np.mean(list(scores.values()), axis=0) if scores else float("nan")


def by_corruption(cells: pd.DataFrame, conditions: Conditions) -> pd.DataFrame:
    """One row per SETTING and MODEL: clean, each corruption's score, mean, retention, each category's mean (all 0-1),
    the worst corruption and its score, missing cells, flags.

    cells: of `quality_frame`. conditions: of the protocol. Raises UsageError where a condition has several cells.
    """
    rows = []
    for _, part in cells.groupby([*SETTING, *MODEL], sort=False, dropna=False):
        expect_comparable(part, ["corruption", "severity"])
        known = part.set_index(["corruption", "severity"])["miou"]
        wanted = [(name, severity) for name, severities in conditions.items() for severity in severities]

        def miou(corruption: str, severity: int, known: pd.Series = known) -> float:
            return float(known.get((corruption, severity), float("nan")))

        scores = corruption_scores(miou, conditions)
        complete = scores and not np.isnan(list(scores.values())).any()
        worst = min(scores, key=lambda name: scores[name]) if complete else ""
        rows.append(
            {
                **part.iloc[0][[*SETTING, *MODEL, *SAID]],
                "fewest_classes": int(part["classes"].min()),
                "most_classes": int(part["classes"].max()),
                CLEAN: miou(CLEAN, 0),
                **scores,
                "mean": mean_of(scores),
                "retention": float(retention(miou, conditions)),
                **category_means(miou, conditions),
                "worst_corruption": worst,
                "worst": scores.get(worst, float("nan")),
                "missing": sum(condition not in known.index for condition in [(CLEAN, 0), *wanted]),
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


def clean_by_view(cells: pd.DataFrame, views: Sequence[str]) -> pd.DataFrame:
    """Clean mIoU (0-1) per model and view, and its difference to the first of the views in points; NaN without it.

    This is the layout of the SegFormer paper's Table 1c: what a change of resolution or window costs. Raises UsageError
    where a view has several cells.
    """
    clean = cells[cells["corruption"] == CLEAN]
    columns = [name for name in [*MODEL, *SETTING] if name != "view"]
    rows = []
    for _, part in clean.groupby(columns, sort=False, dropna=False):
        expect_comparable(part, ["view"])
        miou = part.set_index("view")["miou"].reindex(views)
        points = 100 * (miou - miou.iloc[0])
        fields = dict(part.iloc[0][[*columns, *SAID]])
        rows += [{**fields, "view": view, "miou": miou[view], "points": points[view]} for view in views]
    return pd.DataFrame(rows)
