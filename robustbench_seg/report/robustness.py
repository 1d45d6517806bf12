"""Scores under corruption: the layout of the SegFormer paper's Table 5, a table per view, and its figures."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..protocols import categories_of
from ..store.cell import CLEAN
from ..store.plan import Plan
from ..studies.robustness import Conditions, Miou, by_corruption
from ..studies.statistics import Draws
from . import figures
from .content import Picture, Table
from .evidence import Evidence, Row, scores_of
from .provenance import file_name, group_of
from .tables import MISSING, Cell, make_table, percent, score

__all__ = ["HEADLINES", "robustness_pictures", "robustness_tables", "score_rows", "severities_table"]

HEADLINES: Mapping[str, tuple[str, str]] = {"michaelis": ("mPC", "rPC")}  # what protocols call mean and retention


def score_rows(evidence: Evidence, view: str, conditions: Conditions) -> list[Row]:
    """Make the rows of a view's tables: the scores of each model and arm."""
    return evidence.rows(lambda title: scores_of(evidence.miou(title, view), conditions), view)


def robustness_tables(evidence: Evidence, view: str, plan: Plan, rows: list[Row], about: str, name: str) -> list[Table]:
    """Make the headline table of one view, and the table of its categories.

    rows: of `score_rows`. about: what the caption says of the setting. name: of the view, for files.
    """
    conditions = dict(plan.conditions)
    mean, retention = HEADLINES.get(plan.protocol, ("mean", "retention"))
    cells = evidence.of_view(view)
    computed = by_corruption(cells.assign(model=cells["title"]), conditions)
    by_title = computed.set_index("model")
    rows = [row for row in rows if set(row.models) <= set(by_title.index)]
    headline = {"mean": mean, "retention": retention} if conditions else {}
    labels = {CLEAN: CLEAN, **headline, **{name: name.replace("_", " ") for name in conditions}}
    shown = []
    for row in rows:
        own = by_title.loc[row.models]
        texts = {"model": Cell(row.label)}
        texts["params (M)"] = Cell(f"{own['parameters'].iloc[0] / 1e6:.1f}", "", own["parameters"].iloc[0])
        texts |= {label: score(evidence.interval(row.values[name])) for name, label in labels.items()}
        if conditions:
            texts["worst"] = worst(row, conditions)
        shown.append(texts)
    fewest, most = computed["fewest_classes"].min(), computed["most_classes"].max()
    classes = str(most) if fewest == most else f"{fewest} to {most}"
    caption = f"mIoU in %, mean over the {classes} classes that occur; {about}."
    caption += "".join(f" ⚠ {m}: {f}." for m, f in zip(computed["model"], computed["flags"], strict=True) if f)
    compared = [row.competes for row in rows]
    tables = [
        make_table(
            shown,
            best=labels.values(),
            compared=compared,
            file=file_name("robustness", name),
            title=f"{'mIoU under corruption' if conditions else 'Clean mIoU'}, view {name}",
            caption=caption,
            full=all_digits(evidence, rows, computed),
            main=True,
            group=group_of(conditions),
        )
    ]
    categories = categories_of(conditions)
    if len(categories) > 1:
        labels = {CLEAN: CLEAN, **{c: c for c in categories}, **headline}
        members = "; ".join(f"{c}: {', '.join(names).replace('_', ' ')}" for c, names in categories.items())
        of_categories = [
            {
                "model": Cell(row.label),
                **{label: score(evidence.interval(row.values[c])) for c, label in labels.items()},
            }
            for row in rows
        ]
        tables.append(
            make_table(
                of_categories,
                best=labels.values(),
                compared=compared,
                file=file_name("categories", name),
                title=f"mIoU by category of corruption, view {name}",
                caption=f"mIoU in %; that of a category is the plain mean over its corruptions ({members}); {about}.",
                full=all_digits(evidence, rows, None, list(labels)),
                group=group_of(conditions),
            )
        )
    return tables


def severities_table(evidence: Evidence, view: str, conditions: Conditions, about: str, name: str) -> Table:
    """Make the table of every cell: a row per model and corruption, a column per severity."""
    severities = sorted({severity for asked in conditions.values() for severity in asked})
    shown, full = [], []
    for row in evidence.rows(lambda title: cell_scores(evidence.miou(title, view), conditions), view):
        for corruption, asked in {CLEAN: (0,), **conditions}.items():
            numbers = {severity: evidence.interval(row.values[f"{corruption}-{severity}"]) for severity in asked}
            cells = {f"severity {s}": score(numbers[s]) if s in numbers else Cell(MISSING) for s in severities}
            if corruption != CLEAN:
                shown.append({"model": Cell(row.label), "corruption": Cell(corruption.replace("_", " ")), **cells})
            full += [
                {"row": row.name, "corruption": corruption, "severity": severity, **vars(number)}
                for severity, number in numbers.items()
            ]
    return make_table(
        shown,
        file=file_name("severities", name),
        title=f"mIoU by severity, view {name}",
        caption=f"mIoU in %; {about}.",
        full=pd.DataFrame(full),
        group=group_of(conditions),
    )


def cell_scores(miou: Miou, conditions: Conditions) -> dict[str, Draws]:
    """Look up the mIoU of every cell, by "corruption-severity"; clean images have severity 0."""
    wanted = [(CLEAN, 0), *((name, severity) for name, asked in conditions.items() for severity in asked)]
    return {f"{name}-{severity}": miou(name, severity) for name, severity in wanted}


def worst(row: Row, conditions: Conditions) -> Cell:
    """Name the corruption with the lowest score; nothing where one is missing."""
    scores = {name: float(row.values[name][0]) for name in conditions}
    name = min(scores, key=lambda name: scores[name])
    if np.isnan(list(scores.values())).any():
        return Cell(percent(float("nan")))
    return Cell(f"{name.replace('_', ' ')} {percent(scores[name])}", "", scores[name])


def all_digits(
    evidence: Evidence, rows: list[Row], computed: pd.DataFrame | None, names: list[str] | None = None
) -> pd.DataFrame:
    """Write each value with its interval's ends; what is known of a model besides stands before that."""
    lines = []
    for row in rows:
        line: dict[str, Any] = {"row": row.name, "models": " ".join(row.models)}
        if computed is not None and len(row.models) == 1:
            line |= computed[computed["model"] == row.name].iloc[0].to_dict()
        elif computed is not None:
            line["missing"] = computed[computed["model"].isin(row.models)]["missing"].sum()
        for name in names or row.values:
            number = evidence.interval(row.values[name])
            line |= {name: number.estimate, f"{name}_low": number.low, f"{name}_high": number.high}
        lines.append(line)
    return pd.DataFrame(lines)


def robustness_pictures(
    evidence: Evidence, view: str, conditions: Conditions, caption: str, name: str
) -> list[Picture]:
    """Draw the heat map and the curves of one view, a panel or a line per arm: its mean over seeds."""
    severities = [0, *sorted({severity for asked in conditions.values() for severity in asked})]
    every = evidence.rows(lambda title: cell_scores(evidence.miou(title, view), conditions), view)
    rows = [row for row in every if row.compared]

    def grid(value: Callable[[Draws], float], row: Row) -> pd.DataFrame:
        missing = np.array([np.nan])
        table = [
            [value(row.values.get(f"{name}-{s}" if s else f"{CLEAN}-0", missing)) for s in severities]
            for name in conditions
        ]
        return pd.DataFrame(table, index=list(conditions), columns=severities)

    grids = {row.label: grid(lambda draws: float(draws[0]), row) for row in rows}
    lows, highs = (
        {row.label: grid(lambda draws, end=end: getattr(evidence.interval(draws), end), row) for row in rows}  # type: ignore[misc]
        for end in ("low", "high")
    )
    pictures = [
        Picture(
            file=file_name("heat-map", name),
            title=f"Corruption by severity, view {name}",
            caption=f"mIoU in %; a place is empty where there is no such cell; {caption}.",
            figure=figures.heat_maps({label: table.drop(columns=0) for label, table in grids.items()}),
            description=f"mIoU of {', '.join(grids)} for each corruption and severity, as in the tables.",
            group=group_of(conditions),
        )
    ]
    if len(severities) > 2:
        bands = {} if evidence.few else {title: (lows[title], highs[title]) for title in grids}
        pictures.append(
            Picture(
                file=file_name("severity", name),
                title=f"mIoU against severity, view {name}",
                caption=f"mIoU in %{', bands are 95 % intervals' if bands else ''}; {caption}.",
                figure=figures.severity_curves(grids, bands),
                description=f"A curve of mIoU over severity for each of {', '.join(grids)}, a panel per corruption.",
                group=group_of(conditions),
            )
        )
    return pictures
