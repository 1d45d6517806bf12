"""Draws of the corruptions: how much scores vary with the random numbers of noise, snow and the like."""

from ...studies.draws import draws_of
from ..content import Content
from ..panel import Panel
from ..table import WARNING, Column, frame_rows, numbers
from ..units import COUNT, PERCENT, plain

__all__ = ["make"]

SPREAD = plain("{:.2f}", 0.01)  # points: over some hundred images draws differ little
COLUMNS = (
    Column(name="title", key="label", label="model", align="left"),
    Column(name="view", label="view", align="left"),
    *numbers(COUNT, draws="draws"),
    *numbers(PERCENT, clean="clean", mean="mean"),
    *numbers(SPREAD, mean_spread="mean ± (points)"),
    *numbers(PERCENT, retention="retention"),
    *numbers(SPREAD, retention_spread="retention ± (points)"),
)


def make(panel: Panel) -> Content:
    """Make the table of means and spreads over draws, of the models that have several."""
    cells, drawn = panel.evidence.cells, panel.source.drawn
    if not panel.conditions or not len(cells) or drawn["seed"].nunique() == 1:
        return Content()
    frame = draws_of(drawn, panel.source.quality, cells, panel.conditions)
    frame = frame[frame["draws"] > 1]
    if not len(frame):
        return Content()
    weights = [panel.models(title, [title])["weights"] for title in frame["title"]]
    seeds = ", ".join(map(str, sorted({seed for some in frame["seeds"] for seed in some})))
    # A draw that is in no other table may be the one that deserves no trust.
    labels = [
        f"{title} {WARNING}" if flags else title for title, flags in zip(frame["title"], frame["flags"], strict=True)
    ]
    lines = frame.assign(models=frame["title"], weights=weights, label=labels)
    table = panel.of_rows(
        COLUMNS,
        frame_rows(lines, COLUMNS, ["models", "weights", "view"]),
        "draws",
        "Mean and spread over draws of the corruptions",
        where={name: value for name, value in panel.where().items() if name not in ("seed", "view")},
        caption=f"mIoU in %, the mean over draws with the seeds {seeds}; ±: their sample standard deviation. Clean "
        "images have no draw, and models of one draw are not here. All other tables are of the first draw, seed "
        f"{cells.iloc[0]['seed']}.",
        about=panel.about(one_draw=False),
        main=True,
    )
    return Content.of(table)
