"""Statistics of BatchNorm: what models gain where they are re-estimated, and what is left of the arms' differences.

A transductive view stands next to the same view with the stored statistics; no column has numbers of both.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...charts import Fill, dumbbells
from ...store.cell import CLEAN
from ...store.view import View
from ...studies.robustness import corruption_scores, headline
from ...studies.statistics import Draws
from ...wording import conjoin, counted, points
from ..content import Content, Picture
from ..differences import long_table
from ..panel import Panel
from ..table import Column, Table
from ..units import POINTS, signed

__all__ = ["make"]

MEAN = "mean"
IN = {CLEAN: "clean mIoU", MEAN: "mean under corruption"}


def make(panel: Panel) -> Content:
    """Make the tables of each transductive view whose view with the stored statistics is there too."""
    pairs = [(replace(view, batchnorm=None), view) for view in panel.order if view.batchnorm]
    return sum((compared(panel, *pair) for pair in pairs if pair[0] in panel.order), Content())


def compared(panel: Panel, stored: View, reestimated: View) -> Content:
    """Make the table of both and of the gain, and of how arms differ in it, with a sentence on the mean."""

    def gains(title: str) -> dict[Any, Draws]:
        before, after = scores(panel, title, stored), scores(panel, title, reestimated)
        return {name: after[name] - before[name] for name in IN if name in before}

    differences = panel.evidence.differences(gains, (stored, reestimated))
    unit = f"Points gained by one arm minus those gained by the other, of view {reestimated} over view {stored}"
    title = f"Whether arms gain differently by re-estimated statistics, view {reestimated}"
    file = f"batchnorm-differences-{reestimated}"
    of_gains = long_table(panel, differences, ("in", IN), unit, file=file, title=title)
    return Content(
        tables=(gains_table(panel, stored, reestimated), *of_gains),
        pictures=(gains_picture(panel, stored, reestimated),) if panel.source.pictures else (),
        sentences=sentences_of(panel, stored, reestimated) if panel.conditions else (),
    )


def scores(panel: Panel, title: str, view: View) -> dict[str, Draws]:
    """Compute the mIoU of a model in a view: clean, each corruption, and the mean over corruptions."""
    miou, conditions = panel.evidence.miou(title, view), panel.conditions
    means = {**corruption_scores(miou, conditions), MEAN: headline(miou, conditions)} if conditions else {}
    return {CLEAN: miou(CLEAN, 0), **means}


def both_and_gain(panel: Panel, stored: View, reestimated: View, title: str) -> dict[Any, Draws]:
    """Compute the scores of a model in both views, and the gain: by quantity and kind."""
    before, after = scores(panel, title, stored), scores(panel, title, reestimated)
    each = {"stored": before, "reestimated": after, "gain": {name: after[name] - before[name] for name in before}}
    return {(name, kind): values[name] for kind, values in each.items() for name in before}


def gains_picture(panel: Panel, stored: View, reestimated: View) -> Picture:
    """Draw the way of each arm from the stored statistics to the others, on clean images and under corruption."""
    arms = panel.evidence.arm_entries(partial(both_and_gain, panel, stored, reestimated))
    kinds: dict[str, Fill] = {"stored": "ring", "reestimated": "full"}
    rows = {
        what: {
            arm.arm_label: [panel.dot(arm, (name, kind), fill=fill, text=kind) for kind, fill in kinds.items()]
            for arm in arms
        }
        for name, what in IN.items()
        if name == CLEAN or panel.conditions
    }
    return panel.picture(
        f"batchnorm-{reestimated}",
        f"Stored and re-estimated statistics of BatchNorm, view {reestimated}",
        f"mIoU in %; ring: view {stored}, full: view {reestimated}",
        dumbbells(rows, "mIoU (%)"),
    )


def gains_table(panel: Panel, stored: View, reestimated: View) -> Table:
    """Make the table of both views: a row per model and corruption, a column per view, and the gain."""
    averages = {MEAN} if panel.conditions else set()
    return panel.table(
        partial(both_and_gain, panel, stored, reestimated),
        [
            Column(name="stored", label=str(stored), where={"view": str(stored)}),
            Column(name="reestimated", label=str(reestimated), where={"view": str(reestimated)}),
            Column(name="gain", label="gain (points)", unit=POINTS, where={"view": str(reestimated)}),
        ],
        parts={"corruption": [CLEAN, *panel.conditions, *averages]},
        file=f"batchnorm-{reestimated}",
        title=f"Stored and re-estimated statistics of BatchNorm, view {reestimated}",
        caption="mIoU in %, of a corruption the mean over its severities.",
    )


def sentences_of(panel: Panel, stored: View, reestimated: View) -> tuple[str, ...]:
    """State what each arm gains on average over corruptions, and what is left of the differences between arms."""
    evidence = panel.evidence

    def means(title: str) -> dict[Any, Draws]:
        before, after = (scores(panel, title, view)[MEAN] for view in (stored, reestimated))
        return {stored: before, reestimated: after, "gain": after - before}

    entries = evidence.arm_entries(means)
    if any(np.isnan(entry.values["gain"][0]) for entry in entries):
        return ()
    gained = [f"{entry.label} {signed(evidence.interval(entry.values['gain']))}" for entry in entries]
    differences = evidence.differences(means, lambda key: (stored, reestimated) if key == "gain" else (key,))
    left = [
        f"{first} minus {second} is {points(differences[first, second, stored].interval.estimate)} points with the "
        f"stored statistics and {signed(differences[first, second, reestimated].interval)} with these"
        for first, second in evidence.pairs()
    ]
    return (
        "Transductive, a diagnosis and no fair score: with statistics of BatchNorm from test images of each condition, "
        f"the mean mIoU over {counted(len(panel.conditions), 'corruption')} ({panel.images}, view {reestimated}) "
        f"changes by: {conjoin(gained)}{'; ' if left else ''}{'; '.join(left)}.",
    )
