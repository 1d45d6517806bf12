"""The main difference between two arms in one sentence, which claims no more than the grade of the difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from ..protocols import categories_of
from ..store.cell import CLEAN
from ..store.view import View
from ..wording import conjoin, percent, spaced
from .arms import Entry
from .comparisons import Differences
from .evidence import Evidence
from .grades import ArmDifference, Grade
from .published.released import RELEASED
from .robustness import Conditions, scores_of
from .statistics import Draws

__all__ = ["Finding", "best_arm_finding", "finding_under_corruption", "pair_finding", "released_finding"]

# By quantity: what the arm with the higher number does, and what the number is.
WORDS = {
    CLEAN: ("has more clean mIoU than", "clean mIoU"),
    "mean": ("has more mIoU under corruption than", "mIoU under corruption"),
    "retention": ("keeps more of its mIoU under corruption than", "retention"),
    "drop": ("loses more mIoU under corruption than", "the drop under corruption"),
    "extent": ("loses more mIoU from windows to whole images than", "the loss from windows to whole images"),
    "growth": (
        "sees its loss from windows to whole images grow more under corruption than",
        "the growth under corruption of the loss from windows to whole images",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A main result. title: a sentence without its full stop. difference: what it states. noun: its quantity."""

    title: str
    difference: ArmDifference | None = None
    noun: str = ""

    @property
    def primary(self) -> bool:
        """Whether the suite names the comparison."""
        return self.difference is not None and self.difference.primary


def pair_finding(each: ArmDifference, quantity: str, alike: str = "") -> Finding:
    """State the difference of two arms in a quantity of WORDS, from the arm with more. alike: where else it is so."""
    verb, noun = WORDS[quantity]
    first, second = each.first, each.second
    if each.seen:
        each = each.positive
        little = f", by less than {margin_of(each)}" if each.inside else ""
        title = f"{each.first} {verb} {each.second}{alike}{little}{each.qualifier}"
    elif each.grade is Grade.SAME:
        title = f"{first} and {second} agree in {noun} within {margin_of(each)}"
    elif each.grade is Grade.UNRESOLVED:
        title = f"No difference in {noun} between {first} and {second} is resolved"
    else:
        title = f"Whether {first} and {second} differ in {noun} is not known"
    return Finding(title=title, difference=each, noun=noun)


def margin_of(each: ArmDifference) -> str:
    """Write what counts as the same."""
    margin = f"{100 * (each.margin or 0):g}"
    return f"{margin} point{'s' * (margin != '1')}"


def finding_under_corruption(
    differences: Differences, pair: tuple[str, str] | None, conditions: Conditions
) -> Finding | None:
    """State how two arms differ: in the suite's primary comparison, else in the mean of `pair`.

    Next to a mean or a retention stands how their mIoU differs by category.
    """
    primaries = [key for key, each in differences.items() if each.primary and key[2] in WORDS]
    primary = next((key for key in primaries if differences[key].measured), primaries[0] if primaries else None)
    if not (primary or pair):
        return None
    first, second, quantity = primary or (*(pair or ("", "")), "mean")
    each = differences[first, second, quantity]
    if not each.measured:
        return None
    of = {name: differences[first, second, name] for name in categories_of(conditions)}
    near = [name for name, own in of.items() if own.inside and (own.seen or own.grade is Grade.SAME)]
    rest = [name for name, own in of.items() if not own.seen and name not in near]
    groups: dict[tuple[str, str], list[str]] = {}
    for name, own in of.items():
        if name not in (*near, *rest):
            groups.setdefault((own.leader, own.qualifier), []).append(name)
    if quantity not in ("mean", "retention") or len(of) < 2 or not groups:
        return pair_finding(each, quantity)
    if quantity == "mean" and each.seen and not (near or rest) and set(groups) == {(each.leader, each.qualifier)}:
        return pair_finding(each, quantity, f", under {conjoin(list(of))} alike")
    texts: dict[str, list[str]] = {}
    for (lead, grade), names in groups.items():
        texts.setdefault(lead, []).append(f"{conjoin(names)}{grade}")
    ahead = "is ahead" if quantity == "mean" else "has more mIoU"
    parts = [f"{lead} {ahead} under {conjoin(some)}" for lead, some in texts.items()]
    if near and rest:
        parts.append(f"elsewhere they are within {margin_of(each)} or not resolved")
    elif near:
        parts.append(f"under {conjoin(near)} they are within {margin_of(each)}")
    elif rest:
        parts.append(f"as a whole, {conjoin(rest)} {'is' if len(rest) == 1 else 'are'} not resolved")
    finding = pair_finding(each, quantity)
    return replace(finding, title="; ".join([finding.title, *parts]))


def released_finding(cells: pd.DataFrame) -> Finding | None:
    """State whether a clean cell has the mIoU that its weights' authors published; None without any in its setting.

    cells: of `quality_frame`. The number is written with two decimals: the authors state no more.
    """
    for cell in cells[cells["corruption"] == CLEAN].to_dict("records"):
        theirs = RELEASED.get(cell["model"])
        if theirs and theirs.fits(cell):
            ours = f"{100 * cell['miou']:.2f}"
            by = round(float(ours) - float(theirs.miou), 2)
            verb = "meets" if abs(by) <= theirs.within else "misses"
            numbers = f"{ours} against {theirs.miou} %, {by:+.2f} points (allowed ±{theirs.within:g})"
            return Finding(title=f"{cell['model']} {verb} the mIoU that {theirs.source} states: {numbers}")
    return None


def best_arm_finding(evidence: Evidence, arms: Sequence[Entry], view: View, conditions: Conditions) -> Finding | None:
    """State which arm has the highest mean under corruption, and its lead; of a single arm, what it keeps.

    arms: those with a mean and a retention.
    """
    ranked = sorted((arm for arm in arms if arm.competes), key=lambda arm: -arm.values["mean"][0])
    if not ranked:
        return None
    best, values = ranked[0], ranked[0].values
    if len(ranked) == 1:
        lowest = spaced(min(conditions, key=lambda name: float(values[name][0])))
        where = f"corruption; its mIoU is lowest under {lowest}" if len(conditions) > 1 else lowest
        return Finding(title=f"{best.arm} keeps {percent(values['retention'][0])} % of its clean mIoU under {where}")

    def mean(title: str) -> Mapping[str, Draws]:
        return {"mean": scores_of(evidence.miou(title, view), conditions)["mean"]}

    second = ranked[1].arm
    (each,) = evidence.differences(mean, (view,), [(best.arm, second)]).values()
    first = [arm.arm for arm in ranked if arm.values["mean"][0] == values["mean"][0]]
    lead = f"; its lead over {second}: {'not known' if each.obstacle else each.words}" if len(first) == 1 else ""
    verb = "has" if len(first) == 1 else "have"
    title = f"{conjoin(first)} {verb} the highest mIoU under corruption, {percent(values['mean'][0])} %{lead}"
    return Finding(title=f"Of {len(arms)} arms, {title}", difference=each, noun=WORDS["mean"][1])
