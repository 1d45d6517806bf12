"""Conditions of the data: scores on the images that were taken in fog, by night and the like, a column for each."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...store.cell import CLEAN
from ...studies.conditions import ConditionScores, condition_scores
from ...studies.evidence import Entry
from ...studies.statistics import Draws
from ...wording import counted, percent
from ..content import Content
from ..panel import Panel
from ..table import Cell, Column, Row, Table
from ..units import with_interval

__all__ = ["make"]

RETENTION = "retention"


def make(panel: Panel) -> Content:
    """Make a table and a sentence for each view; nothing where all images are of one condition."""
    content = Content()
    for view in panel.views:
        clean = view.cells[view.cells["corruption"] == CLEAN]
        scores = condition_scores(clean) if len(clean) else None
        if scores is not None and set(clean["title"]) == set(view.evidence.titles):
            content += content_of(view, scores)
    return content


def content_of(view: Panel, scores: ConditionScores) -> Content:
    def quantities(title: str) -> Mapping[str, Draws]:
        values = {name: scores.draws(name, title=title) for name in scores.conditions}
        if scores.reference:
            others = [values[name] for name in scores.conditions if name != scores.reference]
            values[RETENTION] = np.mean(others, axis=0) / values[scores.reference]
        return values

    entries = view.evidence.entries(quantities, view.view)
    return Content(tables=(table_of(view, scores, entries),), sentences=(sentence_of(view, scores, entries),))


def table_of(view: Panel, scores: ConditionScores, entries: list[Entry]) -> Table:
    columns = [
        Column(name="miou", label=label_of(name), best="high", where={"condition": name}, key=name)
        for name in scores.conditions
    ]
    if scores.reference:
        columns.append(Column(name=RETENTION, label=RETENTION, where={"condition": "mean"}, key=RETENTION))
    rows = [
        Row(
            cells=(Cell(entry.label), *(column.cell_of(intervals_of(scores, entry)) for column in columns)),
            where=view.models(entry.name, entry.models),
            competes=entry.competes,
        )
        for entry in entries
    ]
    sizes = [
        f"{label_of(name)} {counted(scores.images[name], 'image')} in {counted(scores.blocks[name], 'block')}"
        for name in scores.conditions
    ]
    retention = f" Retention: the mean of the others over {label_of(scores.reference)}." if scores.reference else ""
    return Table(
        columns=(Column(label="model", align="left"), *columns),
        rows=rows,
        where=view.where(),
        **view.fields("conditions", "mIoU under the data's own conditions"),
        caption=f"mIoU in %, from the images of each condition: {', '.join(sizes)}.{retention} {view.about}.",
        main=True,
    )


def intervals_of(scores: ConditionScores, entry: Entry) -> dict[str, Any]:
    """The intervals of an entry by column; of retention by the condition with the fewest blocks."""
    fewest = min(scores.conditions, key=scores.blocks.__getitem__)
    return {name: scores.interval(fewest if name == RETENTION else name, v) for name, v in entry.values.items()}


def sentence_of(view: Panel, scores: ConditionScores, entries: list[Entry]) -> str:
    """State the worst condition of each arm, and what remains of the reference's score."""
    parts = []
    for entry in (entry for entry in entries if entry.compared):
        others = [name for name in scores.conditions if name != scores.reference]
        worst = min(others, key=lambda name: float(np.nan_to_num(entry.values[name][0], nan=np.inf)))
        intervals = intervals_of(scores, entry)
        text = f"{entry.label} {with_interval(intervals[worst])} in {label_of(worst)}, the worst"
        if scores.reference:
            share = percent(entry.values[RETENTION][0])
            text += f", and {share} % of its {label_of(scores.reference)} score on average"
        parts.append(text)
    return f"mIoU under the data's own conditions (view {view.view}): {'; '.join(parts)}."


def label_of(condition: str) -> str:
    """Name a condition for readers: acdc/fog as "acdc fog", an empty one as "others"."""
    return condition.replace("/", " ").replace("_", " ") or "others"
