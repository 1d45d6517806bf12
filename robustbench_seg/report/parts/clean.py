"""Clean images: scores of a suite without corruptions, in its one view."""

from ...store.cell import CLEAN
from ...studies.findings import pair_finding, released_finding
from ...wording import conjoin
from ..content import Content
from ..differences import difference_pictures, main_table
from ..panel import Panel
from ..score_pictures import arms_picture
from ..scores import groups_table, headline_table
from ..units import state, with_interval

__all__ = ["make"]


def make(panel: Panel) -> Content:
    """Make the table of scores, and how arms differ. Several views are under the heading of the resolution."""
    if panel.conditions or len(panel.views) != 1:
        return Content()
    (view,) = panel.views
    differences = view.score_differences
    parts = state(
        view.evidence.arm_entries(view.scores, view.view),
        lambda entry: float(entry.values[CLEAN][0]),
        lambda entry: with_interval(view.evidence.interval(entry.values[CLEAN])),
    )
    return Content(
        tables=(headline_table(view), *groups_table(view), *main_table(view, differences)),
        pictures=(arms_picture(view), *difference_pictures(view, differences)) if view.source.pictures else (),
        findings=(
            *([released] if (released := released_finding(view.cells)) else []),
            *(pair_finding(each, CLEAN) for (*_, name), each in differences.items() if name == CLEAN),
        ),
        sentences=(f"Clean mIoU ({view.images}, view {view.view}): {conjoin(parts)}.",),
    )
