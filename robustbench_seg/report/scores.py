"""Scores of one view, clean and under corruption: the layout of the SegFormer paper's Table 5."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..protocols import categories_of
from ..store.cell import CLEAN
from ..store.view import View
from ..studies.evidence import Entry
from ..studies.ranking import rank_intervals
from ..studies.robustness import Conditions, flags_of
from ..wording import MISSING, MOST_NAMES, percent, spaced
from .content import SEVERITY
from .panel import Panel
from .table import WARNING, Cell, Column, Table
from .units import COUNT, MILLIONS

__all__ = [
    "cell_columns", "flag_notes", "groups_table", "headline_table", "quantity_columns",
    "severities_table", "view_columns",
]  # fmt: skip

HEADLINES: Mapping[str, tuple[str, str]] = {"michaelis": ("mPC", "rPC")}  # what protocols call mean and retention


def quantity_columns(names: Sequence[str], best: Literal["high", "low"] = "high", **fields: Any) -> list[Column]:
    """Make a column for each of these quantities, such as corruptions."""
    return [Column(name=name, label=spaced(name), best=best, **fields) for name in names]


def view_columns(views: Sequence[View], **fields: Any) -> list[Column]:
    """Make a column of clean scores for each view, whose key is the view."""
    return [Column(name=CLEAN, label=str(v), key=v, where={"view": str(v)}, **fields) for v in views]


def headline_columns(panel: Panel) -> list[Column]:
    """Make the columns of mean and retention. Retention has no best: who starts low has little to lose."""
    mean, share = HEADLINES.get(panel.source.plan.protocol, ("mean", "retention"))
    return [Column(name="mean", label=mean, best="high"), Column(name="retention", label=share)]


def headline_table(panel: Panel) -> Table:
    """Make the table of one view: clean, mean, retention, each category of several corruptions, and each corruption.

    The CSV has the other categories and the worst corruption too.
    """
    conditions, cells, categories = panel.conditions, panel.cells, categories_of(panel.conditions)
    wide = {name: names for name, names in categories.items() if len(names) > 1 and len(categories) > 1}
    members = "".join(f"; {name}: the plain mean of {spaced(', '.join(names))}" for name, names in wide.items())

    ranks = ranks_by_arm(panel)

    def facts(entry: Entry) -> dict[str, Any]:
        own = cells[cells["title"].isin(entry.models)]
        return {
            "rank": ranks.get(entry.name),
            "parameters": own["parameters"].max(),
            "worst": worst(entry, conditions),
            "fewest_classes": own["classes"].min(),
            "most_classes": own["classes"].max(),
            "missing": (1 + sum(map(len, conditions.values()))) * len(entry.models) - len(own),
        }

    corrupted = [
        *headline_columns(panel),
        *quantity_columns(list(wide)),
        *quantity_columns(list(conditions)),
        *(Column(name=name) for name in categories if len(categories) > 1 and name not in wide),
        Column(name="worst"),
    ]
    fewest, most = cells["classes"].min(), cells["classes"].max()
    classes = str(most) if fewest == most else f"{fewest} to {most}"
    ranked = " Rank: the ranks that 95 % of the resamples of images give." if ranks else ""
    return panel.table(
        panel.scores,
        [
            *([Column(name="rank", label="rank")] if ranks else []),
            Column(name="parameters", label="params (M)", unit=MILLIONS),
            *quantity_columns([CLEAN]),
            *(corrupted if conditions else ()),
            *(Column(name=name, unit=COUNT) for name in ("fewest_classes", "most_classes", "missing")),
        ],
        facts=facts,
        **panel.fields("robustness", "mIoU under corruption" if conditions else "Clean mIoU"),
        caption=f"mIoU in %, mean over the {classes} classes that occur{members}.{ranked}{flag_notes(cells)}",
        main=True,
    )


def ranks_by_arm(panel: Panel) -> dict[str, Cell]:
    """Rank arms by their mean, or clean, score, with the ranks that 95 % of the resamples give; none for one arm."""
    headline = "mean" if panel.conditions else CLEAN
    arms = [arm for arm in panel.evidence.arm_entries(panel.scores, panel.view) if arm.competes]
    arms = [arm for arm in arms if not np.isnan(arm.values[headline][0])]
    if len(arms) < 2:
        return {}
    draws = [arm.values[headline][: 1 + panel.evidence.resamples] for arm in arms]
    cells = {}
    for arm, (rank, ends) in zip(arms, rank_intervals(np.stack(draws, axis=1), panel.evidence.blocks), strict=True):
        low, high = ends or (np.nan, np.nan)
        text = str(rank) if low == high or ends is None else f"{low}–{high}"
        cells[arm.name] = Cell(text, rank, low, high)
    return cells


def flag_notes(cells: pd.DataFrame) -> str:
    """List for a caption the cells that deserve no trust, by model."""
    notes = {title: flags_of(own) for title, own in cells.groupby("title", sort=False)}
    texts = [f" {WARNING} {title}: {text}." for title, text in notes.items() if text]
    more = f" {WARNING} And {len(texts) - MOST_NAMES} more models." if len(texts) > MOST_NAMES else ""
    return "".join(texts[:MOST_NAMES]) + more


def worst(entry: Entry, conditions: Conditions) -> Cell:
    """Name the corruption with the lowest score; nothing where one is missing."""
    scores = {name: float(entry.values[name][0]) for name in conditions}
    if not scores or np.isnan(list(scores.values())).any():
        return Cell(MISSING)
    name = min(scores, key=scores.__getitem__)
    return Cell(f"{spaced(name)} {percent(scores[name])}", scores[name], test={"corruption": name})


def groups_table(panel: Panel) -> list[Table]:
    """Make the table of the main scores in each group of images, such as a drive; none without groups."""
    main = [*quantity_columns([CLEAN]), *(headline_columns(panel) if panel.conditions else ())]
    groups = panel.evidence.groups
    columns = [
        replace(column, label=f"{column.label} {group}", key=(column.name, group), where={"group": group})
        for column in main
        for group in groups
    ]

    def facts(entry: Entry) -> dict[Any, float]:
        values = {column.name: panel.evidence.by_group(entry.values[column.name]) for column in main}
        return {(name, group): value for name, own in values.items() for group, value in own.items()}

    caption = f"%, from the images of {', '.join(groups)}, which are too few for intervals."
    fields = panel.fields("groups", "Scores by drive or place")
    return [panel.table(panel.scores, columns, facts=facts, caption=caption, **fields)] if groups else []


def cell_columns(conditions: Conditions) -> list[Column]:
    """Make the columns of `cell_scores`, for the CSV alone."""
    return [
        Column(name="score", key=(name, severity), where={"corruption": name, "severity": severity})
        for name, severities in conditions.items()
        for severity in severities
    ]


def severities_table(panel: Panel) -> Table:
    """Make the table of every corrupted cell of one view: a row per model and corruption, a column per severity."""
    return panel.table(
        panel.cell_scores,
        [
            Column(name="score", label=f"severity {severity}", key=severity, where={"severity": severity})
            for severity in sorted({severity for some in panel.conditions.values() for severity in some})
        ],
        parts={"corruption": panel.conditions},
        **panel.fields("severities", "mIoU by severity", SEVERITY),
        caption="mIoU in %.",
    )
