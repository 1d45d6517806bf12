"""Scores of one view, clean and under corruption: tables as the SegFormer paper's Table 5 has them, and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf, nan
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..charts import Axis, Dot, Row, dumbbells, lines, matrix
from ..protocols import categories_of
from ..store.cell import CLEAN
from ..store.view import View
from ..studies.arms import Entry
from ..studies.robustness import Conditions, flags_of, lowest
from ..studies.scope import MANY
from ..studies.statistics import ANY, NOTHING, SHARE
from ..wording import MISSING, MOST_NAMES, counted, percent, spaced
from .content import ANSWER, SEVERITY, Content, Picture
from .differences import LAYERS, by_corruption_table, difference_picture, dot_of, drawing, main_table
from .panel import Panel
from .table import WARNING, Cell, Column, Table
from .units import COUNT, MILLIONS

__all__ = ["cell_columns", "flag_notes", "groups_table", "quantity_columns", "scores_of", "view_columns"]

HEADLINES: Mapping[str, tuple[str, str]] = {"michaelis": ("mPC", "rPC")}  # what protocols call mean and retention


def quantity_columns(
    names: Sequence[str], best: Literal["high", "low", "none"] = "high", bounds: tuple[float, float] = ANY
) -> list[Column]:
    """Make a column for each of these quantities, such as corruptions."""
    return [Column(name=name, label=spaced(name), best=best, bounds=bounds) for name in names]


def view_columns(views: Sequence[View]) -> list[Column]:
    """Make a column of clean scores for each view, whose key is the view."""
    return [Column(name=CLEAN, label=str(v), key=v, where={"view": str(v)}, best="high", bounds=SHARE) for v in views]


def cell_columns(conditions: Conditions) -> list[Column]:
    """Make the columns of `cell_scores` under corruption, for the CSV alone."""
    return [
        Column(name="score", key=(name, severity), where={"corruption": name, "severity": severity})
        for name, severities in conditions.items()
        for severity in severities
    ]


def scores_of(panel: Panel) -> Content:
    """Make the tables and figures of one view, clean or under corruption, and of the differences between arms."""
    return Content.of(
        headline_table(panel),
        by_corruption_table(panel),
        groups_table(panel),
        severities_table(panel) if panel.conditions else None,
        main_table(panel),
        arms_picture(panel),
        *corruption_pictures(panel),
        difference_picture(panel),
    )


def headline_columns(panel: Panel) -> list[Column]:
    """Make the columns of mean and retention. Retention has no best: who starts low has little to lose."""
    mean, share = HEADLINES.get(panel.source.plan.protocol, ("mean", "retention"))
    return [
        Column(name="mean", label=mean, best="high", bounds=SHARE),
        Column(name="retention", label=share, bounds=(0, inf)),
    ]


def headline_table(panel: Panel) -> Table:
    """Make the table of one view: clean, mean, retention, each category of several corruptions, and each corruption.

    The CSV has the other categories and the worst corruption too.
    """
    conditions, cells, categories = panel.conditions, panel.cells, categories_of(panel.conditions)
    wide = {name: names for name, names in categories.items() if len(names) > 1 and len(categories) > 1}
    members = "".join(f"; {name}: the plain mean of {spaced(', '.join(names))}" for name, names in wide.items())
    ranks = {name: rank_cell(*own) for name, own in panel.ranks().items()}

    def facts(entry: Entry) -> dict[str, Any]:
        return {**panel.facts_of_cells(entry), "rank": ranks.get(entry.name), "worst": worst(entry, conditions)}

    corrupted = [
        *headline_columns(panel),
        *quantity_columns([*wide, *conditions], bounds=SHARE),
        *(Column(name=name, bounds=SHARE) for name in categories if len(categories) > 1 and name not in wide),
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
            *quantity_columns([CLEAN], bounds=SHARE),
            *(corrupted if conditions else ()),
            *(Column(name=name, unit=COUNT) for name in ("fewest_classes", "most_classes", "missing")),
        ],
        "robustness",
        "mIoU under corruption" if conditions else "Clean mIoU",
        facts=facts,
        caption=f"mIoU in %, mean over the {classes} classes that occur{members}.{ranked}{flag_notes(cells)}",
        main=True,
    )


def rank_cell(rank: int, ends: tuple[int, int] | None) -> Cell:
    low, high = ends or (nan, nan)
    return Cell(str(rank) if ends is None or low == high else f"{low}–{high}", rank, low, high)


def flag_notes(cells: pd.DataFrame) -> str:
    """List for a caption the cells that deserve no trust, by model."""
    notes = {title: flags_of(own) for title, own in cells.groupby("title", sort=False)}
    texts = [f" {WARNING} {title}: {text}." for title, text in notes.items() if text]
    more = f" {WARNING} And {len(texts) - MOST_NAMES} more models." if len(texts) > MOST_NAMES else ""
    return "".join(texts[:MOST_NAMES]) + more


def worst(entry: Entry, conditions: Conditions) -> Cell:
    """Name the corruption with the lowest score; nothing where one is missing."""
    scores = {name: float(entry.values[name][0]) for name in conditions}
    if name := lowest(scores):
        return Cell(f"{spaced(name)} {percent(scores[name])}", scores[name], test={"corruption": name})
    return Cell(MISSING)


def groups_table(panel: Panel) -> Table | None:
    """Make the table of the main scores in each group of images, such as a drive; none without groups."""
    main = [*quantity_columns([CLEAN]), *(headline_columns(panel) if panel.conditions else ())]
    groups = panel.evidence.groups
    if not groups:
        return None
    columns = [
        replace(column, label=f"{column.label} {group}", key=(column.name, group), where={"group": group})
        for column in main
        for group in groups
    ]

    def facts(entry: Entry) -> dict[Any, float]:
        values = {column.name: panel.evidence.by_group(entry.values[column.name]) for column in main}
        return {(name, group): value for name, own in values.items() for group, value in own.items()}

    caption = f"%, from the images of {', '.join(groups)}, which are too few for intervals."
    return panel.table(panel.scores, columns, "groups", "Scores by drive or place", facts=facts, caption=caption)


def severities_table(panel: Panel) -> Table:
    """Make the table of every corrupted cell of one view: a row per model and corruption, a column per severity."""
    columns = [
        Column(name="score", label=f"severity {severity}", key=severity, where={"severity": severity}, bounds=SHARE)
        for severity in panel.severities
    ]
    names = "severities", "mIoU by severity"
    parts = "corruption", panel.conditions
    return panel.table(panel.cell_scores, columns, *names, parts=parts, group=SEVERITY, caption="mIoU in %.")


def best_first(arms: Sequence[Entry], quantity: str) -> list[Entry]:
    """Sort arms by a score; without one, an arm is last."""
    return sorted(arms, key=lambda arm: -np.nan_to_num(arm.values[quantity][0], nan=-1))


def arms_picture(panel: Panel) -> Picture:
    """Draw each arm, clean and on average over corruptions; of many arms, the best first, a panel per family."""
    arms = panel.arms(panel.scores)
    arms = best_first(arms, panel.headline) if len(arms) > MOST_NAMES else arms
    names = {name: name for name in (CLEAN, panel.headline)}
    notes = {
        arm.arm_label: f"{' ▸ '.join(percent(arm.values[name][0]) for name in names)}, "
        + ("one run" if len(arm.models) == 1 else counted(len(arm.models), "run"))
        for arm in (arms if len(arms) <= MANY else ())  # of more, the table has them
    }
    families = panel.families
    rows: dict[str, dict[str, list[Dot]]] = {}
    for arm in arms:
        rows.setdefault(families.get(arm.arm, ""), {})[arm.arm_label] = panel.way(arm, names)
    what = "ring: clean, full: the mean under corruption" if panel.conditions else "clean images"
    layers = f"without intervals, since {panel.evidence.few}" if panel.evidence.few else LAYERS
    over_runs = [panel.evidence.intervals(arm, name)[1] for arm in arms for name in names]
    if any(number.low < SHARE[0] or number.high > SHARE[1] for number in over_runs):
        layers = f"{layers}, cut at 0 and 100 %, beyond which no mIoU lies"
    chart = dumbbells(rows, "mIoU (%)", notes=notes, families=bool(families))
    return panel.picture("arms", "Arms", f"mIoU in %; {what}; {layers}; ticks: single runs", chart, ANSWER)


def corruption_pictures(panel: Panel) -> list[Picture]:
    """Draw every corruption with its arms, of many the best, and a difference; and the curves over severities."""
    every = panel.arms(panel.scores)
    best = best_first(every, panel.headline)[:MOST_NAMES]
    arms = [arm for arm in every if arm in best]
    note = f"; the {len(arms)} best of {len(every)} arms" if len(arms) < len(every) else ""
    pictures = [matrix_picture(panel, arms, note)] if len(panel.conditions) > 1 else []
    if len(panel.severities) > 1:
        pictures.append(severity_picture(panel, {arm.arm for arm in arms}, note))
    return pictures


def severity_picture(panel: Panel, names: set[str], note: str) -> Picture:
    """Draw a panel per corruption, with the curve of each of these arms over severities."""
    arms = [arm for arm in panel.arms(panel.cell_scores) if arm.arm in names]
    ticks = tuple((float(severity), str(severity)) for severity in panel.severities)
    x = Axis(low=ticks[0][0], high=ticks[-1][0], ticks=ticks, label="severity")
    curves = {
        spaced(name): [
            panel.curve(arm, {float(level): (name, level) for level in panel.conditions[name]}, (CLEAN, 0))
            for arm in arms
        ]
        for some in panel.by_category.values()
        for name in some
    }
    bands = "" if panel.evidence.few else ", bands are 95 % intervals"
    caption = f"mIoU in % by severity, dotted on clean images{bands}{note}"
    chart = lines(curves, x, corruptions={spaced(name): name for name in panel.conditions})
    return panel.picture("severity", "mIoU against severity", caption, chart, SEVERITY)


def matrix_picture(panel: Panel, arms: list[Entry], note: str) -> Picture:
    """Draw a row per corruption, in groups with their means: each arm, and how the main pair differs."""
    differences, pair, few = panel.score_differences, panel.main_pair, panel.evidence.few

    def row(name: str, *, head: bool = False) -> Row:
        own = tuple(replace(panel.dot(arm, name), wide=NOTHING, runs=()) for arm in arms)
        difference = (dot_of(differences[*pair, name]),) if pair else ()
        return Row(label=spaced(name), dots=(own, difference), head=head, corruption="" if head else name)

    rows = []
    for category, names in panel.by_category.items():
        rows += [row(category, head=True)] if category and len(names) > 1 else []
        rows += map(row, names)
    first = "" if few else " with 95 % intervals over images"
    second = f"; right: {drawing('points', panel.evidence)}" if pair else ""
    groups = "; bold: means of groups" if any(row.head for row in rows) else ""
    caption = f"mIoU in %{first}{note}{second}{groups}"
    chart = matrix(rows, "mIoU (%)", " minus\n".join(pair or ()), margin=panel.evidence.margin / 100)
    return panel.picture("corruptions", "mIoU by corruption", caption, chart)
