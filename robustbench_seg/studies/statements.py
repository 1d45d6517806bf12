"""Scores and differences in sentences: with their intervals, and of many arms only the best and the worst."""

from collections.abc import Callable, Sequence
from math import isnan

from ..wording import MOST_NAMES, percent, points, span
from .arms import Entry
from .grades import ArmDifference
from .statistics import Interval

__all__ = ["INTERVAL", "signed", "state", "verdict", "with_interval"]

INTERVAL = "95 % interval "  # before its ends


def signed(number: Interval) -> str:
    """A difference: "+1.2 points (95 % interval +0.3 to +2.0)"."""
    ends = "" if isnan(number.low) else f" ({INTERVAL}{span(number.low, number.high)})"
    return f"{points(number.estimate)} points{ends}"


def with_interval(number: Interval) -> str:
    """A score: "41.2 % (95 % interval 40.1 to 42.3 over images)"."""
    ends = "" if isnan(number.low) else f" ({INTERVAL}{percent(number.low)} to {percent(number.high)} over images)"
    return f"{percent(number.estimate)} %{ends}"


def verdict(each: ArmDifference, noun: str = "") -> str:
    """A difference of arms: "+1.2 points of growth, a difference that is not significant, since ..."."""
    number, runs = each.interval, each.over_runs
    wider = "" if isnan(runs.low) else f", over images and training runs {span(runs.low, runs.high)}"
    where = "" if isnan(number.low) else f" ({INTERVAL}{span(number.low, number.high)} over images{wider})"
    return f"{points(number.estimate)} points{noun}{where}, a difference that is {each.verdict}"


def state(entries: Sequence[Entry], score: Callable[[Entry], float], text: Callable[[Entry], str]) -> list[str]:
    """State something of each entry; of more than MOST_NAMES, of the best and the worst by a score.

    score: the higher, the better; NaN is neither best nor worst. text: what follows an entry's name.
    """
    names = {entry: entry.label for entry in entries}
    ranked = sorted((entry for entry in entries if not isnan(score(entry))), key=score)
    if len(entries) > MOST_NAMES and ranked:
        worst, best = ranked[0], ranked[-1]
        kind = "models" if all(len(entry.models) == 1 for entry in entries) else "arms"
        names = {best: f"the best of {len(entries)} {kind}, {best.label},", worst: f"the worst, {worst.label},"}
    return [f"{name} {text(entry)}" for entry, name in names.items()]
