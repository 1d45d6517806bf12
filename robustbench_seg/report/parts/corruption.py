"""By corruption: scores and differences between arms, view by view; and the claim of Table 5."""

import numpy as np

from ...protocols import PROTOCOLS, categories_of
from ...store.cell import CLEAN
from ...studies.claims import TABLE_5, ahead_in_table_5, judge
from ...studies.evidence import Entry
from ...studies.findings import best_arm_finding, finding_under_corruption
from ...studies.grades import ArmDifference, Grade
from ...studies.limits import incomplete
from ...wording import conjoin, counted, percent, points, spaced
from ..content import Content
from ..panel import Panel
from ..scores import scores_of
from ..units import signed, state, verdict, with_interval

__all__ = ["make"]

PHRASES = {"mean": "mean under corruption", "drop": "drop from clean to mean"}


def make(panel: Panel) -> Content:
    """Make the tables, figures and sentences of every view; the sentences are of the main one."""
    return sum(map(of_view, panel.views), Content()) if panel.conditions else Content()


def of_view(panel: Panel) -> Content:
    """Make the tables, figures and sentences of one view.

    The finding is the main difference: of a primary comparison, of the only two arms, or between the two best of more.
    """
    assert panel.view is not None
    entries = panel.evidence.entries(panel.scores, panel.view)
    content = scores_of(panel) + Content(warnings=tuple(incomplete(entries, panel.view)))
    if not panel.main:
        return content
    whole = [entry for entry in entries if entry.compared and not np.isnan(entry.values["retention"][0])]
    pair = TABLE_5.choose([key[:2] for key in panel.score_differences]) if len(whole) == 2 else None
    finding = finding_under_corruption(panel.score_differences, pair, panel.conditions) or best_arm_finding(
        panel.evidence, whole, panel.view, panel.conditions
    )
    arms = sum(entry.compared for entry in entries)
    sentences = tuple(results(panel, whole, arms))
    return content + Content(findings=(finding,) if finding else (), sentences=sentences)


def results(panel: Panel, whole: list[Entry], arms: int) -> list[str]:
    """State what each arm keeps, how the claim's two arms differ, and whether that supports the claim.

    In a suite whose primary comparisons are of other arms, these comparisons take the claim's place. whole: the arms
    with a mean and a retention. arms: the number of all.
    """

    def keeps(arm: Entry) -> str:
        mean, clean = (percent(arm.values[name][0]) for name in ("mean", CLEAN))
        retention = with_interval(panel.interval(arm.values["retention"]))
        runs = [percent(values["retention"][0]) for values in arm.runs]
        own = f" (its runs: {conjoin(runs)})" if len(runs) > 1 else ""
        return f"has {mean} % mIoU of {clean} % clean and keeps {retention}{own}"

    differences, sentences = panel.score_differences, []
    if whole:
        parts = conjoin(state(whole, lambda arm: float(arm.values["mean"][0]), keeps))
        corruptions = counted(len(panel.conditions), "corruption")
        sentences.append(f"On average over {corruptions} ({panel.images}, view {panel.view}), {parts}.")
    pair = TABLE_5.choose([key[:2] for key in panel.score_differences])
    primary = {key: each for key, each in differences.items() if each.primary}
    if primary and all(key[:2] != pair for key in primary):
        statements = [
            f"{first} minus {second}: {PHRASES.get(name, spaced(name))} {verdict(each)}"
            for (first, second, name), each in primary.items()
        ]
        sentences.append(f"Primary comparisons: {'; '.join(statements)}.")
    elif pair:
        of = {key[2]: each for key, each in differences.items() if key[:2] == pair}
        if of["mean"].measured and of["retention"].measured:
            sentences.append(f"{' minus '.join(pair)}: {both(of['mean'], of['retention'])}.{by_category(panel, of)}")
            if panel.conditions == PROTOCOLS["segformer"] and TABLE_5.fits(pair):
                sentences.append(next_to_table_5(panel, of))
    elif whole and arms == 1:
        scores = {name: float(whole[0].values[name][0]) for name in panel.conditions}
        ranked = sorted(scores, key=scores.__getitem__)
        low, high = (f"{spaced(name)} with {percent(scores[name])} %" for name in (ranked[0], ranked[-1]))
        sentences.append(f"Worst is {low}, best {high}.")
    return sentences


def both(mean: ArmDifference, retention: ArmDifference) -> str:
    """State how two arms differ under corruption; once, where that is not known."""
    lead = "mean under corruption"
    if mean.obstacle == retention.obstacle != "":
        return f"{lead} {signed(mean.interval)}, retention {verdict(retention)}"
    return f"{lead} {verdict(mean)}; retention {verdict(retention)}"


def by_category(panel: Panel, of: dict[str, ArmDifference]) -> str:
    """State where a mean difference comes from; nothing for a single category."""

    def grade_of(each: ArmDifference) -> str:
        if each.grade in (Grade.UNRESOLVED, Grade.UNKNOWN):
            return ""
        exploratory = each.grade is Grade.SIGNIFICANT and not each.primary
        return f" ({each.grade}{', exploratory' * exploratory})"

    names = categories_of(panel.conditions)
    parts = [f"{name} {points(of[name].interval.estimate)}{grade_of(of[name])}" for name in names]
    return f" By category, in points of mIoU: {', '.join(parts)}." if len(parts) > 1 else ""


def next_to_table_5(panel: Panel, of: dict[str, ArmDifference]) -> str:
    """Compare with the paper, where the two are SegFormer and DeepLabV3+, in that order."""
    retention = of[TABLE_5.quantity]
    if retention.obstacle:
        return f"Whether the paper's Table 5 is confirmed cannot be judged, since {retention.obstacle}."
    ahead = sum(of[name].interval.estimate > 0 for name in panel.conditions)
    return (
        f"The {TABLE_5.statement}, which this {judge(TABLE_5, retention)}. "
        f"SegFormer has more mIoU in {ahead} of {len(panel.conditions)} corruptions, there in {ahead_in_table_5()}."
    )
