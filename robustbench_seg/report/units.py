"""How kinds of numbers are written, with their intervals: % with one decimal, differences in points."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from ..studies.statistics import Interval
from ..wording import MISSING, percent, points, span

__all__ = [
    "COUNT",
    "INTERVAL",
    "MILLIONS",
    "PERCENT",
    "POINTS",
    "Unit",
    "file_name",
    "plain",
    "signed",
    "with_interval",
]

INTERVAL = "95 % interval "  # before its ends


@dataclass(frozen=True)
class Unit:
    """How a kind of number is written. ends: how the two ends of its interval are, if not each as the number."""

    write: Callable[[float], str]
    ends: Callable[[float, float], str] | None = None

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


def signed(number: Interval) -> str:
    """A difference in a sentence: "+1.2 points (95 % interval +0.3 to +2.0)"."""
    ends = POINTS.interval(number)
    return f"{points(number.estimate)} points{f' ({ends})' if ends else ''}"


def with_interval(number: Interval) -> str:
    """A score in a sentence: "41.2 % (95 % interval 40.1 to 42.3)"."""
    ends = PERCENT.interval(number)
    return f"{percent(number.estimate)} %{f' ({ends})' if ends else ''}"


def file_name(*parts: str) -> str:
    """Make the file name, without ending, of a kind of table or figure, and perhaps of its view."""
    return "-".join(parts).replace(" ", "-").replace("(", "").replace(")", "")
