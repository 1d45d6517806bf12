"""Statistics of BatchNorm: what models gain where they are re-estimated, and what is left of the arms' differences.

A transductive view stands next to the same view with the stored statistics; no column has numbers of both.
"""

from dataclasses import replace
from functools import partial

from ...charts import dumbbells
from ...store.cell import CLEAN
from ...store.view import View
from ...studies.results import gain_of_batchnorm
from ...studies.statistics import SHARE
from ..content import Content
from ..differences import long_table
from ..panel import Panel
from ..table import Column
from ..units import POINTS

__all__ = ["make"]

IN = {CLEAN: "clean mIoU", "mean": "mean under corruption"}
KINDS = ("stored", "reestimated")  # a view with the stored statistics, and one with re-estimated ones


def make(panel: Panel) -> Content:
    """Make the tables of each transductive view whose view with the stored statistics is there too."""
    pairs = [(replace(view, batchnorm=None), view) for view in panel.order if view.batchnorm]
    return sum((compared(panel, views) for views in pairs if views[0] in panel.order), Content())


def compared(panel: Panel, views: tuple[View, View]) -> Content:
    """Make the table and the figure of both views and of the gain, and the table of how arms differ in the gain.

    The table has a row per model and corruption, a column per view, and the gain. A sentence is on the mean.
    """
    stored, reestimated = map(str, views)
    both = partial(panel.scores_and_gain, views)
    names = {name: text for name, text in IN.items() if name == CLEAN or panel.conditions}
    rows = {
        text: {arm.arm_label: panel.way(arm, {kind: (name, kind) for kind in KINDS}) for arm in panel.arms(both)}
        for name, text in names.items()
    }
    file, title = f"batchnorm-{reestimated}", f"Stored and re-estimated statistics of BatchNorm, view {reestimated}"
    caption = f"mIoU in %; ring: view {stored}, full: view {reestimated}"
    return Content.of(
        panel.table(
            both,
            [
                Column(name="stored", label=stored, where={"view": stored}, bounds=SHARE),
                Column(name="reestimated", label=reestimated, where={"view": reestimated}, bounds=SHARE),
                Column(name="gain", label="gain (points)", unit=POINTS, where={"view": reestimated}),
            ],
            file,
            title,
            parts=("corruption", dict.fromkeys([CLEAN, *panel.conditions, *names])),
            caption="mIoU in %, of a corruption the mean over its severities.",
        ),
        long_table(
            panel,
            replace(panel.evidence, primary=()).differences(  # a suite names no gain
                lambda title: {name: both(title)[name, "gain"] for name in names}, views, panel.evidence.pairs()
            ),
            names,
            f"Points gained by one arm minus those gained by the other, of view {reestimated} over view {stored}",
            f"batchnorm-differences-{reestimated}",
            f"Whether arms gain differently by re-estimated statistics, view {reestimated}",
        ),
        panel.picture(file, title, caption, dumbbells(rows, "mIoU (%)")),
        gain_of_batchnorm(panel, views),
    )
