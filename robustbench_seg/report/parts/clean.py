"""Clean images: scores of a suite without corruptions, in its one view."""

from ...store.cell import CLEAN
from ...studies.findings import pair_finding, released_finding
from ...wording import conjoin
from ..content import Content
from ..panel import Panel
from ..scores import scores_of
from ..units import state, with_interval

__all__ = ["make"]


def make(panel: Panel) -> Content:
    """Make the table of scores, and how arms differ. Several views are under the heading of the resolution."""
    if panel.conditions or len(panel.views) != 1:
        return Content()
    (view,) = panel.views
    parts = state(
        view.arms(view.scores),
        lambda entry: float(entry.values[CLEAN][0]),
        lambda entry: with_interval(view.interval(entry.values[CLEAN])),
    )
    findings = [released] if (released := released_finding(view.cells)) else []
    findings += [pair_finding(each, CLEAN) for key, each in view.score_differences.items() if key[2] == CLEAN]
    sentence = f"Clean mIoU ({view.images}, view {view.view}): {conjoin(parts)}."
    return scores_of(view) + Content(findings=tuple(findings), sentences=(sentence,))
