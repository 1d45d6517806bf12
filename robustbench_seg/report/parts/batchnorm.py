"""Statistics of BatchNorm: what models gain where they are re-estimated, and what is left of the arms' differences.

A transductive view stands next to the same view with the stored statistics; no column has numbers of both.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...charts import dumbbells
from ...store.cell import CLEAN
from ...store.view import View
from ...studies.robustness import scores_of
from ...studies.statistics import Draws
from ...wording import conjoin, counted, points
from ..content import Content
from ..differences import long_table
from ..panel import Panel
from ..table import Column
from ..units import POINTS, signed

__all__ = ["make"]

MEAN = "mean"
IN = {CLEAN: "clean mIoU", MEAN: "mean under corruption"}
Views = tuple[View, View]  # with the stored statistics, and with re-estimated ones


def make(panel: Panel) -> Content:
    """Make the tables of each transductive view whose view with the stored statistics is there too."""
    pairs = [(replace(view, batchnorm=None), view) for view in panel.order if view.batchnorm]
    return sum((compared(panel, views) for views in pairs if views[0] in panel.order), Content())


def compared(panel: Panel, views: Views) -> Content:
    """Make the table and the figure of both views and of the gain, and the table of how arms differ in the gain.

    The table has a row per model and corruption, a column per view, and the gain. A sentence is on the mean.
    """
    stored, reestimated = views
    both = partial(scores_and_gain, panel, views)
    names = {name: text for name, text in IN.items() if name == CLEAN or panel.conditions}
    fields: dict[str, Any] = {
        "file": f"batchnorm-{reestimated}",
        "title": f"Stored and re-estimated statistics of BatchNorm, view {reestimated}",
    }
    table = panel.table(
        both,
        [
            Column(name="stored", label=str(stored), where={"view": str(stored)}),
            Column(name="reestimated", label=str(reestimated), where={"view": str(reestimated)}),
            Column(name="gain", label="gain (points)", unit=POINTS, where={"view": str(reestimated)}),
        ],
        parts=("corruption", [CLEAN, *panel.conditions, *([MEAN] if panel.conditions else [])]),
        **fields,
        caption="mIoU in %, of a corruption the mean over its severities.",
    )
    of_gains = long_table(
        panel,
        panel.evidence.differences(lambda title: {name: both(title)[name, "gain"] for name in names}, views),
        ("in", IN),
        f"Points gained by one arm minus those gained by the other, of view {reestimated} over view {stored}",
        file=f"batchnorm-differences-{reestimated}",
        title=f"Whether arms gain differently by re-estimated statistics, view {reestimated}",
    )
    kinds = ("stored", "reestimated")
    rows = {
        text: {arm.arm_label: panel.way(arm, {kind: (name, kind) for kind in kinds}) for arm in panel.arms(both)}
        for name, text in names.items()
    }
    caption = f"mIoU in %; ring: view {stored}, full: view {reestimated}"
    picture = panel.picture(**fields, caption=caption, chart=dumbbells(rows, "mIoU (%)"))
    return Content(
        tables=(table, *of_gains),
        pictures=(picture,) if panel.source.pictures else (),
        sentences=sentences_of(panel, views) if panel.conditions else (),
    )


def scores_and_gain(panel: Panel, views: Views, title: str) -> dict[tuple[str, str], Draws]:
    """Compute the scores of a model in both views, and the gain: by quantity and kind."""
    before, after = (scores_of(panel.evidence.miou(title, view), panel.conditions) for view in views)
    each = {"stored": before, "reestimated": after, "gain": {name: after[name] - before[name] for name in before}}
    return {(name, kind): own[name] for kind, own in each.items() for name in before}


def sentences_of(panel: Panel, views: Views) -> tuple[str, ...]:
    """State what each arm gains on average over corruptions, and what is left of the differences between arms."""
    entries = panel.arms(partial(scores_and_gain, panel, views))
    if any(np.isnan(entry.values[MEAN, "gain"][0]) for entry in entries):
        return ()
    gained = [f"{entry.label} {signed(panel.interval(entry.values[MEAN, 'gain']))}" for entry in entries]

    def means(title: str) -> dict[View, Draws]:
        return {view: scores_of(panel.evidence.miou(title, view), panel.conditions)[MEAN] for view in views}

    differences = panel.evidence.differences(means, lambda view: (view,))
    left = [
        f"{first} minus {second} is {points(before.estimate)} points with the stored statistics and {signed(after)} "
        "with these"
        for first, second in panel.evidence.pairs()
        for before, after in [[differences[first, second, view].interval for view in views]]
    ]
    return (
        "Transductive, a diagnosis and no fair score: with statistics of BatchNorm from test images of each condition, "
        f"the mean mIoU over {counted(len(panel.conditions), 'corruption')} ({panel.images}, view {views[1]}) "
        f"changes by: {conjoin(gained)}{'; ' if left else ''}{'; '.join(left)}.",
    )
