"""Scores under corruption, as in the papers' tables.

A corruption's score is the mean mIoU over its severities. The headline is the plain mean over corruptions. Retention is
the headline divided by the clean mIoU, and the drop is the clean mIoU minus the headline. A missing cell makes the
scores that need it NaN and is counted; means never skip it.

An mIoU may be a number, for a table, or an array of resamples, for an interval.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import UsageError
from ..protocols import categories_of
from ..store.cell import CLEAN

__all__ = [
    "BASIS", "MODEL", "MODEL_NOTES", "Conditions", "Miou", "by_corruption", "cell_scores", "classes_by_arm",
    "corruption_scores", "expect_comparable", "flags_of", "headline", "label_shares", "lowest", "scores_of",
]  # fmt: skip

Conditions = Mapping[str, Sequence[int]]  # {corruption: severities}, of a protocol
Value = Any  # a float, or an array of Draws
Miou = Callable[[str, int], Value]  # (corruption, severity) ─▶ mIoU, NaN for a missing cell; see `Scores.under`

# Numbers that differ in one of these never share a table: their pixels or their methods differ.
BASIS = [
    "dataset", "split", "view", "precision", "seed", "engine_version", "fingerprint", "images", "of", "synthetic",
    "void",
]  # fmt: skip
MODEL = ["model", "checkpoint_sha256"]  # the rows of a table
MODEL_NOTES = ["parameters", "licence", "about"]  # from a model's first cell: newer code may write them differently


def expect_comparable(cells: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise UsageError unless the scores of these cells may share a mean.

    names: the columns that distinguish the cells, such as corruption and severity; each combination occurs once. All
    other columns in BASIS and MODEL must be equal.
    """
    for name in (name for name in (*BASIS, *MODEL) if name in cells and name not in names):
        if len(values := cells[name].unique()) > 1:
            raise UsageError(f"cells of {name} {values[0]} and {values[1]} would share a mean; choose one of them")
    repeated = cells.duplicated(list(names)).to_numpy()
    if repeated.any():
        where = ", ".join(f"{name} {cells[name].iloc[repeated.argmax()]}" for name in names)
        others = ("metrics", "metric_sources", "corruption_source")
        differing = [name for name in others if name in cells and cells[name].nunique() > 1]
        raise UsageError(f"several cells have {where}; choose one{f', by {differing[0]}' if differing else ''}")


def corruption_scores(miou: Miou, conditions: Conditions) -> dict[str, Value]:
    """Return each corruption's score: the mean over its severities."""
    return {name: np.mean([miou(name, s) for s in severities], axis=0) for name, severities in conditions.items()}


def headline(miou: Miou, conditions: Conditions) -> Value:
    """Compute the plain mean of the corruptions' scores; for `michaelis` it is mPC. NaN without corruptions."""
    return mean_of(corruption_scores(miou, conditions))


def scores_of(miou: Miou, conditions: Conditions) -> dict[str, Value]:
    """Compute all scores of a model: clean, each corruption, each category, mean, retention and drop.

    A category has the plain mean over its corruptions. For `michaelis`, retention is rPC; NaN if the clean mIoU is 0.
    """
    scores, clean = corruption_scores(miou, conditions), miou(CLEAN, 0)
    groups = categories_of(conditions).items()
    categories = {category: mean_of({name: scores[name] for name in names}) for category, names in groups}
    if not conditions:
        return {CLEAN: clean}
    mean, positive = mean_of(scores), np.where(np.asarray(clean, np.float64) > 0, clean, np.nan)
    return {CLEAN: clean, **scores, **categories, "mean": mean, "retention": mean / positive, "drop": clean - mean}


def cell_scores(miou: Miou, conditions: Conditions) -> dict[tuple[str, int], Value]:
    """Look up every cell, by corruption and severity; clean images have severity 0."""
    return {
        (name, severity): miou(name, severity)
        for name, severities in {CLEAN: (0,), **conditions}.items()
        for severity in severities
    }


def classes_by_arm(cells: pd.DataFrame, arms: Mapping[str, Sequence[str]], conditions: Conditions) -> pd.DataFrame:
    """Compute the IoU of each class (0-1): a row per class, its name in the column "class".

    The other columns are (arm, "clean") and, with conditions, (arm, "corrupted"), the plain mean over corruptions; both
    are means over the arm's models, NaN where a cell is missing. cells: of one view, with `title`, the models' names.
    """
    measured = cells.set_index(["title", "corruption", "severity"])["iou"].to_dict()
    names = list(cells["class_names"].iloc[0])
    columns: dict[Any, Any] = {"class": names}
    for arm, members in arms.items():

        def iou(corruption: str, severity: int, members: Sequence[str] = members) -> Value:
            place = (corruption, severity)
            return np.mean([measured.get((title, *place), np.full(len(names), np.nan)) for title in members], axis=0)

        columns[arm, CLEAN] = iou(CLEAN, 0)
        if conditions:
            columns[arm, "corrupted"] = headline(iou, conditions)
    return pd.DataFrame(columns)


def label_shares(cells: pd.DataFrame) -> dict[str, float]:
    """Compute the share of each class in the labelled pixels of all images, 0-1. cells: of the same images."""
    first = cells.iloc[0]
    pixels = first["counts"]["labelled"].sum(axis=0)
    return dict(zip(first["class_names"], (pixels / max(1, pixels.sum())).tolist(), strict=True))


def lowest(scores: Mapping[str, float]) -> str:
    """Name the corruption with the lowest score; "" where one is missing, and without any."""
    complete = len(scores) and not np.isnan(list(scores.values())).any()
    return min(scores, key=scores.__getitem__) if complete else ""


def mean_of(scores: Mapping[str, Value]) -> Value:
    return np.mean(list(scores.values()), axis=0) if scores else float("nan")


def by_corruption(cells: pd.DataFrame, conditions: Conditions) -> pd.DataFrame:
    """Make a table with one row per BASIS and MODEL.

    Columns: clean, each corruption's score, mean, retention, each category's mean (all 0-1), the worst corruption and
    its score, the number of missing cells, flags. cells: from `quality_frame`. conditions: of the protocol. Raises
    UsageError for several cells of one condition.
    """
    rows = []
    for _, part in cells.groupby([*BASIS, *MODEL], sort=False, dropna=False):
        expect_comparable(part, ["corruption", "severity"])
        measured = part.set_index(["corruption", "severity"])["miou"].to_dict()
        scores = scores_of(lambda *cell, measured=measured: float(measured.get(cell, np.nan)), conditions)
        own = {name: scores[name] for name in conditions}
        worst = lowest(own)
        rows.append(
            {
                **part.iloc[0][[*BASIS, *MODEL, *MODEL_NOTES]],
                "fewest_classes": int(part["classes"].min()),
                "most_classes": int(part["classes"].max()),
                CLEAN: scores[CLEAN],
                **own,
                **{name: float(scores.get(name, np.nan)) for name in ("mean", "retention")},
                **{name: scores[name] for name in categories_of(conditions)},
                "worst_corruption": worst,
                "worst": own.get(worst, np.nan),
                "missing": sum(cell not in measured for cell in cell_scores(lambda *cell: cell, conditions)),
                "flags": flags_of(part),
            }
        )
    return pd.DataFrame(rows)


def flags_of(part: pd.DataFrame) -> str:
    """List the flagged conditions of a group, per reason, each once."""
    flagged = part[part["flag"] != ""].drop_duplicates(["corruption", "severity", "flag"])
    return "; ".join(
        f"{reason}: "
        + ", ".join(f"{c}-{s}" if s else str(c) for c, s in zip(some.corruption, some.severity, strict=True))
        for reason, some in flagged.groupby("flag")
    )
