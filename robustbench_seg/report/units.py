"""How kinds of numbers are written, in tables and sentences: % with one decimal, differences in points, intervals."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..studies.evidence import Entry
from ..studies.grades import ArmDifference
from ..studies.statistics import Interval
from ..wording import MISSING, MOST_NAMES, decimals_for, percent, points, span

__all__ = [
    "COUNT", "DIGITS", "INTERVAL", "MILLIONS", "PERCENT", "POINTS", "Unit",
    "file_name", "plain", "signed", "state", "verdict", "with_interval",
]  # fmt: skip

INTERVAL = "95 % interval "  # before its ends


@dataclass(frozen=True)
class Unit:
    """How a kind of number is written. ends: how the two ends of its interval are, if not each as the number.

    fit: makes the unit of the numbers of a column, where these decide how they are written.
    """

    write: Callable[[float], str]
    ends: Callable[[float, float], str] | None = None
    fit: "Callable[[Iterable[float]], Unit] | None" = None

    def interval(self, number: Interval) -> str:
        """Write an interval; nothing where there is none."""
        if pd.isna(number.low):
            return ""
        ends = self.ends or (lambda low, high: f"{self.write(low)} to {self.write(high)}")
        return f"{INTERVAL}{ends(number.low, number.high)}"


def plain(text: str = "{}", divisor: float = 1) -> Unit:
    """Make the unit of numbers that a format writes, such as "{:.1f}"; a dash where there is none."""
    return Unit(lambda value: MISSING if pd.isna(value) else text.format(value / divisor if divisor != 1 else value))


PERCENT, POINTS = Unit(percent), Unit(points, span)
MILLIONS, COUNT = plain("{:.1f}", 1e6), plain()
DIGITS = Unit(plain("{:z.2f}").write, fit=lambda numbers: plain(decimals_for(numbers)))


def signed(number: Interval) -> str:
    """A difference in a sentence: "+1.2 points (95 % interval +0.3 to +2.0)"."""
    ends = POINTS.interval(number)
    return f"{points(number.estimate)} points{f' ({ends})' if ends else ''}"


def with_interval(number: Interval) -> str:
    """A score in a sentence: "41.2 % (95 % interval 40.1 to 42.3 over images)"."""
    ends = PERCENT.interval(number)
    return f"{percent(number.estimate)} %{f' ({ends} over images)' if ends else ''}"


def verdict(each: ArmDifference, noun: str = "") -> str:
    """A difference of arms in a sentence: "+1.2 points of growth, a difference that is not significant, since ..."."""
    number, runs, ends = each.interval, each.over_runs, POINTS.interval(each.interval)
    wider = "" if np.isnan(runs.low) else f", over images and training runs {span(runs.low, runs.high)}"
    where = f" ({ends} over images{wider})" if ends else ""
    return f"{points(number.estimate)} points{noun}{where}, a difference that is {each.verdict}"


def state(entries: Sequence[Entry], score: Callable[[Entry], float], text: Callable[[Entry], str]) -> list[str]:
    """State something of each entry; of more than MOST_NAMES, of the best and the worst by a score.

    score: the higher, the better; NaN is neither best nor worst. text: what follows an entry's name.
    """
    names = {entry: entry.label for entry in entries}
    ranked = sorted((entry for entry in entries if not np.isnan(score(entry))), key=score)
    if len(entries) > MOST_NAMES and ranked:
        worst, best = ranked[0], ranked[-1]
        kind = "models" if all(len(entry.models) == 1 for entry in entries) else "arms"
        names = {best: f"the best of {len(entries)} {kind}, {best.label},", worst: f"the worst, {worst.label},"}
    return [f"{name} {text(entry)}" for entry, name in names.items()]


def file_name(*parts: str) -> str:
    """Make the file name, without ending, of a kind of table or figure, and perhaps of its view."""
    return "-".join(parts).replace(" ", "-").replace("(", "").replace(")", "")
