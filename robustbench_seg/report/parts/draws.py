"""Draws of the corruptions: how much scores vary with the random numbers of noise, snow and the like."""

from ...store.cell import CLEAN
from ...studies.draws import over_draws
from ...studies.evidence import SAME_IMAGES
from ..content import Content
from ..panel import Panel
from ..table import Cell, Column, Row, Table
from ..units import COUNT

__all__ = ["make"]

COLUMNS = (
    Column(name="draws", label="draws", unit=COUNT),
    Column(name=CLEAN, label=CLEAN),
    Column(name="mean", label="mean"),
    Column(name="mean_spread", label="± (points)"),
    Column(name="retention", label="retention"),
    Column(name="retention_spread", label="± (points)"),
)


def make(panel: Panel) -> Content:
    """Make the table of means and spreads over draws; nothing where there is one draw."""
    first = panel.evidence.cells
    if not panel.conditions or not len(first):
        return Content()
    drawn, own = panel.source.drawn, [name for name in SAME_IMAGES if name != "seed"]
    # A model without any cell of the first draw is in another panel.
    of_panel = drawn["checkpoint_sha256"].isin(first["checkpoint_sha256"]) & drawn["model"].isin(first["model"])
    same = drawn[(drawn[own] == first.iloc[0][own]).all(axis=1) & of_panel]
    table = over_draws(same, panel.conditions)
    if table["draws"].max() == 1:
        return Content()
    titles = dict(zip(zip(first["model"], first["checkpoint_sha256"], strict=True), first["title"], strict=True))
    rows = []
    for line in table.to_dict("records"):
        title = titles[line["model"], line["checkpoint_sha256"]]
        names = Cell(title), Cell(line["view"])
        cells = (*names, *(column.cell_of(line) for column in COLUMNS))
        rows.append(Row(cells=cells, where=panel.models(title, [title]) | {"view": line["view"]}))
    seeds = ", ".join(map(str, sorted({seed for some in table["seeds"] for seed in some})))
    return Content(
        tables=(
            Table(
                columns=(Column(label="model", align="left"), Column(label="view", align="left"), *COLUMNS),
                rows=rows,
                where={name: value for name, value in panel.where().items() if name not in ("seed", "view")},
                file="draws",
                title="Mean and spread over draws of the corruptions",
                caption=(
                    f"mIoU in %, the mean over draws with the seeds {seeds}; ±: their sample standard deviation. Clean "
                    f"images have no draw. All other tables are of the first draw, seed {first.iloc[0]['seed']}. "
                    f"{panel.about}."
                ),
                main=True,
            ),
        )
    )
