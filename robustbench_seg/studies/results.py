"""The main results of a setting in sentences: clean, under corruption, and with re-estimated statistics of BatchNorm.

What a resolution shift costs is in `shift_results`; the sentence that stands above them all, in `findings`.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from math import isnan

from ..protocols import PROTOCOLS, categories_of
from ..store.cell import CLEAN
from ..store.view import View
from ..wording import conjoin, counted, percent, points, spaced
from .arms import Entry
from .claims import TABLE_5, ahead_in_table_5, judge
from .conditions import RETENTION, ConditionScores
from .grades import ArmDifference, Grade
from .selection import Selection
from .statements import signed, state, verdict, with_interval
from .statistics import Draws

__all__ = ["gain_of_batchnorm", "results_under_corruption", "state_clean", "state_conditions"]

PHRASES = {"mean": "mean under corruption", "drop": "drop from clean to mean"}


def state_clean(view: Selection) -> str:
    """State the clean mIoU of each arm in a view."""
    parts = state(
        view.arms(view.scores),
        lambda entry: float(entry.values[CLEAN][0]),
        lambda entry: with_interval(view.interval(entry.values[CLEAN])),
    )
    return f"Clean mIoU ({view.images}, view {view.view}): {conjoin(parts)}."


def state_conditions(scores: ConditionScores, arms: Sequence[Entry], labels: Mapping[str, str]) -> str:
    """State the worst of the data's own conditions for each arm, and what remains of the reference's score.

    Scores over other classes do not compare: then neither is stated, and why. arms: with `scores.values`. labels: of
    the conditions. The sentence has no subject and no full stop.
    """
    reference, others = labels.get(scores.reference), scores.others
    if unlike := scores.differ(others):
        return f"no condition is the worst, since their scores are over other classes ({unlike})"
    unlike = scores.differ(scores.conditions)

    def text(arm: Entry) -> str:
        worst = scores.worst(arm.values)
        lowest = f"{with_interval(scores.interval(worst, arm.values[worst]))} in {labels[worst]}"
        share = f", and {percent(arm.values[RETENTION][0])} % of its {reference} score on average"
        return f"{lowest}{', the worst' * (len(others) > 1)}{share if reference and not unlike else ''}"

    parts = state(arms, lambda arm: float(arm.values[scores.worst(arm.values)][0]), text)
    why = f"there is no share of the {reference} score, since it is over other classes ({unlike})"
    return "; ".join([*parts, *([why] if reference and unlike else [])])


def results_under_corruption(view: Selection, whole: Sequence[Entry], arms: int) -> list[str]:
    """State what each arm keeps, how the claim's two arms differ, and whether that supports the claim.

    In a suite whose primary comparisons are of other arms, these comparisons take the claim's place. whole: the arms
    with a mean and a retention. arms: the number of all.
    """

    def keeps(arm: Entry) -> str:
        mean, clean = (percent(arm.values[name][0]) for name in ("mean", CLEAN))
        retention = with_interval(view.interval(arm.values["retention"]))
        runs = [percent(values["retention"][0]) for values in arm.runs]
        own = f" (its runs: {conjoin(runs)})" if len(runs) > 1 else ""
        return f"has {mean} % mIoU of {clean} % clean and keeps {retention}{own}"

    differences, pair, sentences = view.score_differences, view.claimed_pair, []
    if whole:
        parts = conjoin(state(whole, lambda arm: float(arm.values["mean"][0]), keeps))
        corruptions = counted(len(view.conditions), "corruption")
        sentences.append(f"On average over {corruptions} ({view.images}, view {view.view}), {parts}.")
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
            sentences.append(f"{' minus '.join(pair)}: {both(of['mean'], of['retention'])}.{by_category(view, of)}")
            if view.conditions == PROTOCOLS["segformer"] and TABLE_5.fits(pair):
                sentences.append(next_to_table_5(view, of))
    elif whole and arms == 1 and len(view.conditions) > 1:
        scores = {name: float(whole[0].values[name][0]) for name in view.conditions}
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


def by_category(view: Selection, of: Mapping[str, ArmDifference]) -> str:
    """State where a mean difference comes from; nothing for a single category."""

    def grade_of(each: ArmDifference) -> str:
        if each.grade in (Grade.UNRESOLVED, Grade.UNKNOWN):
            return ""
        exploratory = each.grade is Grade.SIGNIFICANT and not each.primary
        return f" ({each.grade}{', exploratory' * exploratory})"

    names = categories_of(view.conditions)
    parts = [f"{name} {points(of[name].interval.estimate)}{grade_of(of[name])}" for name in names]
    return f" By category, in points of mIoU: {', '.join(parts)}." if len(parts) > 1 else ""


def next_to_table_5(view: Selection, of: Mapping[str, ArmDifference]) -> str:
    """Compare with the paper, where the two are SegFormer and DeepLabV3+, in that order."""
    retention = of[TABLE_5.quantity]
    if retention.obstacle:
        return f"Whether this matches the paper's Table 5 cannot be judged, since {retention.obstacle}."
    ahead = sum(of[name].interval.estimate > 0 for name in view.conditions)
    return (
        f"The {TABLE_5.statement}, which this {judge(TABLE_5, retention)}. "
        f"SegFormer has more mIoU in {ahead} of {len(view.conditions)} corruptions, there in {ahead_in_table_5()}."
    )


def gain_of_batchnorm(setting: Selection, views: tuple[View, View]) -> str | None:
    """State what each arm gains on average over corruptions, and what is left of the differences between arms.

    views: with the stored statistics, and with re-estimated ones. None without corruptions, or if a gain is missing.
    """
    entries = setting.arms(partial(setting.scores_and_gain, views)) if setting.conditions else []
    if not entries or any(isnan(entry.values["mean", "gain"][0]) for entry in entries):
        return None
    gained = [f"{entry.label} {signed(setting.interval(entry.values['mean', 'gain']))}" for entry in entries]

    def means(title: str) -> dict[str, Draws]:
        return {kind: own for (name, kind), own in setting.scores_and_gain(views, title).items() if name == "mean"}

    differences = setting.evidence.differences(means, views)
    left = [
        f"{first} minus {second} is {points(differences[first, second, 'stored'].interval.estimate)} points with the "
        f"stored statistics and {signed(differences[first, second, 'reestimated'].interval)} with these"
        for first, second in setting.evidence.pairs()
    ]
    return (
        "Transductive, a diagnosis and no fair score: with statistics of BatchNorm from test images of each condition, "
        f"the mean mIoU over {counted(len(setting.conditions), 'corruption')} ({setting.images}, view {views[1]}) "
        f"changes by: {conjoin(gained)}{'; ' if left else ''}{'; '.join(left)}."
    )
