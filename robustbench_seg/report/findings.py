"""The title of a section: the main difference between two arms in one sentence, which claims no more than its grade."""

from collections.abc import Mapping

from ..protocols import categories_of
from ..store.cell import CLEAN
from ..studies.claims import Claim
from ..studies.evidence import Entry
from ..studies.grades import ArmDifference, Grade
from ..wording import conjoin, counted, percent, spaced
from .content import Finding
from .panel import Panel
from .units import verdict

__all__ = ["clean_finding", "corruption_finding", "pair_finding"]

# By quantity: what the arm with the higher number does, and what the number is.
WORDS = {
    CLEAN: ("has more clean mIoU than", "clean mIoU"),
    "mean": ("has more mIoU under corruption than", "mIoU under corruption"),
    "retention": ("keeps more of its mIoU under corruption than", "retention"),
    "drop": ("loses more mIoU under corruption than", "drop under corruption"),
    "extent": ("loses more mIoU from windows to whole images than", "loss from windows to whole images"),
    "growth": ("has a loss to the resolution that grows more under corruption than", "growth of the loss"),
}
# What a title adds, so that it states no more than was found.
GRADES = {
    Grade.SIGNIFICANT: " (exploratory)",
    Grade.RUNS: " (in all runs so far)",
    Grade.WEIGHTS: " (for these weights)",
}
TWO = 2


def pair_finding(each: ArmDifference, quantity: str, more: str = "") -> Finding:
    """State the difference of two arms in a quantity of WORDS. more: the end of the title."""
    verb, noun = WORDS[quantity]
    first, second = each.first, each.second
    if each.grade in GRADES:
        lead, other = (first, second) if each.interval.estimate > 0 else (second, first)
        title = f"{lead} {verb} {other}{grade_of(each)}"
    elif each.grade is Grade.SAME:
        title = f"{first} and {second} have the same {noun} within {100 * (each.margin or 0):g} points"
    elif each.grade is Grade.UNRESOLVED:
        title = f"No difference in {noun} between {first} and {second} is resolved"
    else:
        title = f"Whether {first} and {second} differ in {noun} is not known"
    detail = f"{first} minus {second}, {noun}: {verdict(each)}."
    return Finding(title=f"{title}{more}", detail=detail, primary=each.primary)


def grade_of(each: ArmDifference) -> str:
    return "" if each.significant else GRADES[each.grade]


def corruption_finding(panel: Panel, claim: Claim, arms: list[Entry]) -> Finding | None:
    """State how two arms differ under corruption: those of a primary comparison or of the paper's claim.

    Of more arms without a primary comparison: how the best differs from the second. Of a single arm: what it keeps.
    arms: those that have a mean.
    """
    differences = panel.score_differences
    primary = next((key for key, each in differences.items() if each.primary and key[2] in WORDS), None)
    pair = claim.choose(panel.evidence.pairs())
    if primary or (pair and len(arms) == TWO):
        first, second, quantity = primary or (*(pair or ("", "")), "mean")
        of = {name: each for (one, two, name), each in differences.items() if (one, two) == (first, second)}
        return pair_finding(of[quantity], quantity, categories(panel, of)) if of[quantity].measured else None
    ranked = sorted((arm for arm in arms if arm.competes), key=lambda arm: -arm.values["mean"][0])
    if not ranked or panel.view is None:
        return None
    best = ranked[0]
    mean, retention = (percent(best.values[name][0]) for name in ("mean", "retention"))
    if len(ranked) == 1:
        lowest = min(panel.conditions, key=lambda name: float(best.values[name][0]))
        title = (
            f"{best.arm} keeps {retention} % of its clean mIoU under corruption; it has least under {spaced(lowest)}"
        )
        return Finding(title=title, detail=f"Mean over {counted(len(panel.conditions), 'corruption')}: {mean} % mIoU.")
    pairs = [(best.arm, ranked[1].arm)]
    (each,) = panel.evidence.differences(
        lambda model: {"mean": panel.scores(model)["mean"]}, (panel.view,), pairs
    ).values()
    title = f"Of {len(arms)} arms, {best.arm} has the highest mIoU under corruption, {mean} %; its lead over "
    return Finding(title=f"{title}{ranked[1].arm}: {each.words}", detail=pair_finding(each, "mean").detail)


def categories(panel: Panel, of: Mapping[str, ArmDifference]) -> str:
    """Name the categories of corruption in which the two differ, each with its grade, and those in which nothing is."""
    names = list(categories_of(panel.conditions))
    if len(names) < TWO:
        return ""
    parts = []
    for lead, sign in ((of["mean"].first, 1), (of["mean"].second, -1)):
        ahead = [
            f"{name}{grade_of(of[name])}"
            for name in names
            if of[name].grade in GRADES and sign * of[name].interval.estimate > 0
        ]
        parts += [f"{lead} is ahead under {conjoin(ahead)}"] if ahead else []
    rest = [name for name in names if of[name].grade not in GRADES]
    if not parts:
        return "; nothing is resolved by category either"
    return "; " + ", ".join([*parts, *([f"nothing is resolved under {conjoin(rest)}"] if rest else [])])


def clean_finding(panel: Panel) -> Finding | None:
    """State how the first two arms that are compared differ on clean images."""
    pairs = panel.evidence.pairs()
    each = panel.score_differences[*pairs[0], CLEAN] if pairs else None
    return pair_finding(each, CLEAN) if each and each.measured else None
