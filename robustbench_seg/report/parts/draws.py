"""Draws of the corruptions: how much scores vary with the random numbers of noise, snow and the like."""

from ...store.cell import CLEAN
from ...studies.draws import draws_of
from ..content import Content
from ..panel import Panel
from ..table import Column, frame_rows
from ..units import COUNT

__all__ = ["make"]

COLUMNS = (
    Column(name="title", label="model", align="left"),
    Column(name="view", label="view", align="left"),
    Column(name="draws", label="draws", unit=COUNT),
    Column(name=CLEAN, label=CLEAN),
    Column(name="mean", label="mean"),
    Column(name="mean_spread", label="mean ± (points)"),
    Column(name="retention", label="retention"),
    Column(name="retention_spread", label="retention ± (points)"),
)


def make(panel: Panel) -> Content:
    """Make the table of means and spreads over draws; nothing where there is one draw."""
    first = panel.evidence.cells
    if not panel.conditions or not len(first):
        return Content()
    table = draws_of(panel.source.drawn, first, panel.conditions)
    if table["draws"].max() == 1:
        return Content()
    models = table["title"].map(lambda title: panel.models(title, [title]))
    frame = table.assign(models=table["title"], weights=models.str["weights"])
    where = {name: value for name, value in panel.where().items() if name not in ("seed", "view")}
    seeds = ", ".join(map(str, sorted({seed for some in table["seeds"] for seed in some})))
    made = panel.of_rows(
        COLUMNS,
        frame_rows(frame, COLUMNS, ["models", "weights", "view"]),
        where=where,
        file="draws",
        title="Mean and spread over draws of the corruptions",
        caption=f"mIoU in %, the mean over draws with the seeds {seeds}; ±: their sample standard deviation. Clean "
        f"images have no draw. All other tables are of the first draw, seed {first.iloc[0]['seed']}.",
        main=True,
    )
    return Content(tables=(made,))
