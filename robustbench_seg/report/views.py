"""Clean mIoU, a column per view: numbers of different views never share one."""

from collections.abc import Sequence

from ..store.cell import CLEAN
from ..studies.robustness import clean_by_view, flags_of
from .content import Table
from .evidence import Evidence
from .tables import Cell, make_table, score

__all__ = ["views_table"]


def views_table(evidence: Evidence, views: Sequence[str], about: str) -> Table:
    """Make the table of clean mIoU by view; the CSV has the difference to the first view in points besides."""
    clean = evidence.cells[evidence.cells["corruption"] == CLEAN]
    flags = {title: flags_of(part.assign(corruption=part["view"])) for title, part in clean.groupby("title")}
    rows = evidence.rows(lambda title: {view: evidence.miou(title, view)(CLEAN, 0) for view in views})
    shown = [
        {"model": Cell(row.label)} | {view: score(evidence.interval(row.values[view])) for view in views}
        for row in rows
    ]
    return make_table(
        shown,
        best=views,
        compared=[row.competes for row in rows],
        file="views",
        title="Clean mIoU by view",
        caption=f"mIoU in %; a column per view (slide-256-192-x2: windows of 256 pixels every "
        f"192, of the image scaled by 2); {about}."
        + "".join(f" ⚠ {title}: {text}." for title, text in flags.items() if text),
        full=clean_by_view(clean, views),
        main=True,
        group="Resolution",
    )
