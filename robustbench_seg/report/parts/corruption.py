"""By corruption: scores and differences between arms, view by view; and the claim of Table 5."""

from math import isnan

from ...studies.findings import best_arm_finding, finding_under_corruption
from ...studies.limits import incomplete
from ...studies.results import results_under_corruption
from ..content import Content
from ..panel import Panel
from ..scores import scores_of

__all__ = ["make"]


def make(panel: Panel) -> Content:
    """Make the tables and figures of one view; of the main one sentences too.

    The finding is the main difference: of a primary comparison, of the only two arms, or between the two best of more.
    """
    assert panel.view is not None
    entries = panel.evidence.entries(panel.scores, panel.view)
    content = scores_of(panel) + Content.of(warnings=incomplete(entries, panel.view))
    if not panel.main:
        return content
    arms = [entry for entry in entries if entry.compared]
    whole = [arm for arm in arms if not isnan(arm.values["retention"][0])]
    pair = panel.claimed_pair if len(whole) == 2 else None
    finding = finding_under_corruption(panel.score_differences, pair, panel.conditions) or best_arm_finding(
        panel.evidence, whole, panel.view, panel.conditions
    )
    return content + Content.of(finding, *results_under_corruption(panel, whole, len(arms)))
