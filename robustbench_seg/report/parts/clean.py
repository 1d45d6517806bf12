"""Clean images: scores of a suite without corruptions, in its one view."""

from ...store.cell import CLEAN
from ...studies.findings import pair_finding, released_finding
from ...studies.results import state_clean
from ..content import Content
from ..panel import Panel
from ..scores import scores_of

__all__ = ["make"]


def make(panel: Panel) -> Content:
    """Make the table of scores, and how arms differ. Several views are under the heading of the resolution."""
    if panel.conditions or len(panel.views) != 1:
        return Content()
    (view,) = panel.views
    pairs = [pair_finding(each, CLEAN) for key, each in view.score_differences.items() if key[2] == CLEAN]
    return scores_of(view) + Content.of(released_finding(view.cells), *pairs, state_clean(view))
