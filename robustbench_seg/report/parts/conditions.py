"""Conditions of the data: scores on the images that were taken in fog, by night and the like, a column for each."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...charts import Dot, dots
from ...store.cell import CLEAN
from ...studies.conditions import RETENTION, ConditionScores, condition_scores
from ...studies.evidence import Entry
from ...wording import MOST_NAMES, counted, percent
from ..content import Content, Picture
from ..panel import Panel
from ..table import Column
from ..units import state, with_interval

__all__ = ["make"]


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
    """Make the table of one view, and state the worst condition of each arm, and what remains of the reference's score.

    An interval is of the blocks of its condition.
    """

    def intervals(entry: Entry) -> dict[str, Any]:
        return {name: scores.interval(name, draws) for name, draws in entry.values.items()}

    def worst(entry: Entry) -> str:
        others = [name for name in scores.conditions if name != scores.reference]
        return min(others, key=lambda name: float(np.nan_to_num(entry.values[name][0], nan=np.inf)))

    def text(entry: Entry) -> str:
        name = worst(entry)
        lowest = f"{with_interval(intervals(entry)[name])} in {label_of(name)}, the worst"
        if not scores.reference:
            return lowest
        share = percent(entry.values[RETENTION][0])
        return f"{lowest}, and {share} % of its {label_of(scores.reference)} score on average"

    columns = [
        Column(name="miou", label=label_of(name), best="high", where={"condition": name}, key=name)
        for name in scores.conditions
    ]
    if scores.reference:
        columns.append(Column(name=RETENTION, label=RETENTION, where={"condition": "mean"}))
    sizes = ", ".join(
        f"{label_of(name)} {counted(scores.images[name], 'image')} in {counted(scores.blocks[name], 'block')}"
        for name in scores.conditions
    )
    retention = f" Retention: the mean of the others over {label_of(scores.reference)}." if scores.reference else ""
    table = view.table(
        lambda title: scores.values(title=title),
        columns,
        facts=intervals,
        **view.fields("conditions", "mIoU under the data's own conditions"),
        caption=f"mIoU in %, from the images of each condition: {sizes}.{retention}",
        main=True,
    )
    arms = view.evidence.arm_entries(lambda title: scores.values(title=title), view.view)
    parts = state(arms, lambda entry: float(entry.values[worst(entry)][0]), text)
    sentence = f"mIoU under the data's own conditions (view {view.view}): {'; '.join(parts)}."
    pictures = (conditions_picture(view, scores, arms),) if view.source.pictures else ()
    return Content(tables=(table,), pictures=pictures, sentences=(sentence,))


def conditions_picture(view: Panel, scores: ConditionScores, arms: Sequence[Entry]) -> Picture:
    """Draw a row per condition with all arms, of many the first."""
    rows = {
        label_of(name): [
            Dot(number=scores.interval(name, arm.values[name]), arm=arm.arm, series=view.series(arm.arm))
            for arm in arms[:MOST_NAMES]
        ]
        for name in scores.conditions
    }
    few = f"; the first {MOST_NAMES} of {len(arms)} arms" if len(arms) > MOST_NAMES else ""
    caption = f"mIoU in %, bars are 95 % intervals where there are enough blocks{few}"
    return view.picture("conditions", "mIoU under the data's own conditions", caption, dots({"": rows}, "mIoU (%)"))


def label_of(condition: str) -> str:
    """Name a condition for readers: acdc/fog as "acdc fog", an empty one as "others"."""
    return condition.replace("/", " ").replace("_", " ") or "others"
