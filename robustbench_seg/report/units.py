"""How kinds of numbers are written in tables: % with one decimal, differences in points, intervals."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from ..studies.statements import INTERVAL
from ..studies.statistics import Interval
from ..wording import MISSING, decimals_for, millions, percent, points, span

__all__ = ["COUNT", "DIGITS", "MILLIONS", "PERCENT", "POINTS", "Unit", "file_name", "plain"]


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
MILLIONS, COUNT = Unit(millions), plain()
DIGITS = Unit(plain("{:z.2f}").write, fit=lambda numbers: plain(decimals_for(numbers)))


def file_name(*parts: str) -> str:
    """Make the file name, without ending, of a kind of table or figure, and perhaps of its view."""
    return re.sub("[(),]", "", "-".join(parts)).replace(" ", "-")
