"""How sure a number is: intervals, p-values, and their adjustment for a table of several.

A statistic is arithmetic on arrays whose first entry is its value in the data and whose others are its values in the
resamples of `bootstrap`: a difference of two is their subtraction, and the interval comes last.

Intervals are percentiles. With few blocks those are too narrow, as the normal distribution is where Student's t is due;
so they are taken at the wider level that cures that, which for hundreds of blocks is the plain one.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 (percentiles) and 15 (p-values);
Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69, 2015, section 5.3 (the wider
level); Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Draws", "Interval", "compare", "holm", "interval", "p_value"]

Draws = NDArray[np.float64]  # (1 + resamples,): the data's own value, then each resample's
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A value and its interval from `low` to `high`; all NaN where a cell that it needs is missing."""

    estimate: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether all of the interval has one sign; False for NaN."""
        return self.low > 0 or self.high < 0


def interval(draws: Draws, blocks: int, level: float = LEVEL) -> Interval:
    """Make the percentile interval, by default of 95 %, of resamples of so many blocks (`Scores.blocks`)."""
    tail = tail_share(blocks, level)
    low, high = np.quantile(draws[1:], [tail, 1 - tail])
    return Interval(float(draws[0]), float(low), float(high))


def tail_share(blocks: int, level: float) -> float:
    """The share of the resamples below an interval, and above it: somewhat less than (1 - level) / 2."""
    from scipy.special import ndtr, stdtrit  # of the normal and of Student's t; scipy.stats takes a second to import

    return float(ndtr(stdtrit(blocks - 1, (1 - level) / 2) * np.sqrt(blocks / (blocks - 1))))


def p_value(difference: Draws) -> float:
    """Two-sided p of a difference d that would be 0: min(1, 2 (1 + min(#d <= 0, #d >= 0)) / (B + 1)) of B resamples."""
    if np.isnan(difference).any():
        return float("nan")
    resampled = difference[1:]
    rarer = min(np.count_nonzero(resampled <= 0), np.count_nonzero(resampled >= 0))
    return min(1.0, 2 * (1 + rarer) / (len(resampled) + 1))


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust the p-values of one table for their number, by Holm's steps; NaN stay NaN and are not counted."""
    p = np.asarray(p, np.float64)
    adjusted = np.full(len(p), np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]  # NaN are sorted to the end
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted


def compare(differences: Mapping[str, Draws], blocks: int, level: float = LEVEL) -> pd.DataFrame:
    """One table of differences: a row per name with estimate, low, high, p, and p_holm over the whole table.

    With few blocks the interval is the stricter of the two: it may hold 0 where p is just below 1 - level.
    """
    rows = [
        {"name": name, **vars(interval(draws, blocks, level)), "p": p_value(draws)}
        for name, draws in differences.items()
    ]
    table = pd.DataFrame(rows, columns=["name", "estimate", "low", "high", "p"])
    return table.assign(p_holm=holm(table["p"].to_numpy(np.float64)))
