"""Worst images: the images and conditions that fail most, where models differ most, and the mean of the worst tenth."""

import pandas as pd

from ...metrics import MIOU, SHIPPED, Metric
from ...studies.counts import blocks_in
from ...studies.fine_grained import MEASURES, WORST, fine_grained
from ...studies.statistics import SHARE
from ...wording import spaced
from ..content import Content
from ..panel import Panel
from ..table import Column, Table, frame_rows
from ..units import DIGITS, PERCENT

__all__ = ["make", "worst_tables"]

TOP = 10
LABELS = ("mIoU^I", f"mIoU^I, worst {WORST} %", "mIoU^C", f"mIoU^C, worst {WORST} %")
LOST = "; lost: classes that the label has, and no model has a pixel of them right"
TEXTS = ("image", "condition", "lost", "better", "worse")  # columns of the rankings without a number
SETTING = ("models", "corruption", "severity")  # those that only a CSV has


def make(panel: Panel) -> Content:
    """Make the tables of one view."""
    return Content.of(*worst_tables(panel))


def worst_tables(panel: Panel, metric: Metric = MIOU, top: int = TOP) -> list[Table]:
    """Make the tables of one view, with `top` rows each. metric: the score of an image."""
    scores = panel.image_scores(metric)
    own = [fine_grained_table(panel)] if metric is MIOU else []
    if scores is None:
        return own
    score = f"{'mIoU^I' if metric is MIOU else metric.title} of an image"
    several = f", mean over {len(scores.scores)} arms" if len(scores.scores) > 1 else ""
    under = "under corruption" if scores.conditions else "clean"
    rankings = {
        "images": ("Images that fail most", scores.images(top), f"{score}{several}, ranked by the score {under}{LOST}"),
        "conditions": ("Images and conditions that fail most", scores.failures(top), f"{score}{several}{LOST}"),
        "apart": ("Images on which two arms differ most", scores.partings(top), f"{score} {under}"),
    }
    return own + [
        ranking(panel, f"worst-{name}", title, frame, f"{caption}. {scores.note}", metric)
        for name, (title, frame, caption) in rankings.items()
        if len(frame)
    ]


def fine_grained_table(panel: Panel) -> Table:
    """Make the table of mIoU over images and over classes, and over the worst tenth of the images."""
    measures = fine_grained(panel.cells, blocks_in(panel.evidence.cells))
    kinds = {"clean": "clean", **({"mean": "corrupted"} if panel.conditions else {})}
    return panel.table(
        lambda title: measures.of(title, panel.conditions),
        [
            Column(
                name=name,
                label=f"{label}, {kind}",
                best="high",
                key=(name, where),
                where={"condition": where},
                bounds=SHARE,
            )
            for name, label in zip(MEASURES, LABELS, strict=True)
            for where, kind in kinds.items()
        ],
        "worst-tenth",
        f"Mean over the worst {WORST} % of images",
        metric="fine-grained miou",
        caption="In %, after Wang et al. (2023): the IoU of each class that the label of an image has, averaged over "
        f"classes and then images (^I), or over images and then classes (^C). Worst {WORST} %: over the images with "
        f"the lowest mean (^I), or the lowest IoU of each class (^C, without an interval).",
    )


def columns_of(frame: pd.DataFrame, metric: Metric) -> list[Column]:
    """Make the columns that people see; numbers of a user's own metric have as many digits as show which differ."""
    unit = PERCENT if metric.unit == "%" else DIGITS
    names = [name for name in frame if name not in SETTING]
    columns = [
        Column(name=name, label=spaced(name), align="left" if name in TEXTS else "right", unit=unit) for name in names
    ]
    fit = [metric.name not in SHIPPED and name not in TEXTS for name in names]
    rows = [{name: [row[name]] for name in names} for row in frame.to_dict("records")]
    return [column.fitted(rows) if own else column for column, own in zip(columns, fit, strict=True)]


def ranking(panel: Panel, file: str, title: str, frame: pd.DataFrame, caption: str, metric: Metric) -> Table:
    columns = columns_of(frame, metric)
    rows = frame_rows(frame, columns, [name for name in ("condition", *SETTING) if name in frame])
    return panel.of_rows(columns, rows, file, title, metric=f"{metric.quantity} of an image", caption=caption)
