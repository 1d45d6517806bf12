"""Conditions of the data: scores on the images that were taken in fog, by night and the like, a column for each."""

from typing import Any

from ...charts import Dot, dots
from ...store.cell import CLEAN
from ...studies.conditions import RETENTION, ConditionScores, condition_scores
from ...studies.evidence import Entry
from ...wording import MOST_NAMES, counted, percent, spaced
from ..content import Content
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
    labels = {name: spaced(name.replace("/", " ")) or "others" for name in scores.conditions}
    reference, title = labels.get(scores.reference), "mIoU under the data's own conditions"

    def intervals(entry: Entry) -> dict[str, Any]:
        return {name: scores.interval(name, draws) for name, draws in entry.values.items()}

    def text(entry: Entry) -> str:
        worst = scores.worst(entry.values)
        lowest = f"{with_interval(intervals(entry)[worst])} in {labels[worst]}, the worst"
        share = (
            f", and {percent(entry.values[RETENTION][0])} % of its {reference} score on average" if reference else ""
        )
        return f"{lowest}{share}"

    columns = [
        Column(name="miou", label=label, best="high", where={"condition": name}, key=name)
        for name, label in labels.items()
    ]
    if reference:
        columns.append(Column(name=RETENTION, label=RETENTION, where={"condition": "mean"}))
    sizes = ", ".join(
        f"{label} {counted(scores.images[name], 'image')} in {counted(scores.blocks[name], 'block')}"
        for name, label in labels.items()
    )
    retention = f" Retention: the mean of the others over {reference}." if reference else ""
    table = view.table(
        lambda title: scores.values(title=title),
        columns,
        facts=intervals,
        **view.fields("conditions", title),
        caption=f"mIoU in %, from the images of each condition: {sizes}.{retention}",
        main=True,
    )
    arms = view.arms(lambda title: scores.values(title=title))
    parts = state(arms, lambda entry: float(entry.values[scores.worst(entry.values)][0]), text)
    rows = {
        label: [
            Dot(number=scores.interval(name, arm.values[name]), arm=arm.arm, series=view.series(arm.arm))
            for arm in arms[:MOST_NAMES]
        ]
        for name, label in labels.items()
    }
    few = f"; the first {MOST_NAMES} of {len(arms)} arms" if len(arms) > MOST_NAMES else ""
    caption = f"mIoU in %, bars are 95 % intervals where there are enough blocks{few}"
    picture = view.picture("conditions", title, caption, dots({"": rows}, "mIoU (%)"))
    return Content(
        tables=(table,),
        pictures=(picture,) if view.source.pictures else (),
        sentences=(f"{title} (view {view.view}): {'; '.join(parts)}.",),
    )
