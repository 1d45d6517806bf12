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
    both = partial(panel.scores_and_gain, views)
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


def sentences_of(panel: Panel, views: Views) -> tuple[str, ...]:
    """State what each arm gains on average over corruptions, and what is left of the differences between arms."""
    both = partial(panel.scores_and_gain, views)
    entries = panel.arms(both)
    if any(np.isnan(entry.values[MEAN, "gain"][0]) for entry in entries):
        return ()
    gained = [f"{entry.label} {signed(panel.interval(entry.values[MEAN, 'gain']))}" for entry in entries]

    def means(title: str) -> dict[str, Draws]:
        return {kind: own for (name, kind), own in both(title).items() if name == MEAN}

    differences = panel.evidence.differences(means, views)
    left = [
        f"{first} minus {second} is {points(differences[first, second, 'stored'].interval.estimate)} points with the "
        f"stored statistics and {signed(differences[first, second, 'reestimated'].interval)} with these"
        for first, second in panel.evidence.pairs()
    ]
    return (
        "Transductive, a diagnosis and no fair score: with statistics of BatchNorm from test images of each condition, "
        f"the mean mIoU over {counted(len(panel.conditions), 'corruption')} ({panel.images}, view {views[1]}) "
        f"changes by: {conjoin(gained)}{'; ' if left else ''}{'; '.join(left)}.",
    )
