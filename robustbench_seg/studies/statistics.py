"""Confidence intervals, p-values, and their adjustment for multiple tests.

A statistic is an array: first its value in the data, then its values in the resamples of `bootstrap`. The difference of
two statistics is their subtraction; the interval is computed last.

Intervals are percentiles. With few blocks plain percentiles are too narrow, like a normal distribution in place of
Student's t. So the intervals use a wider level, which for hundreds of blocks is almost the nominal one. Fewer than
`LEAST_BLOCKS` blocks have neither interval nor p. No p is below the minimum for its number of blocks, `least_p`.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 (percentiles) and 15 (p-values);
Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69, 2015, section 5.3 (the wider
level); Fisher, "The Design of Experiments", 1935, section 21 (the bound on p); Holm, "A simple sequentially rejective
multiple test procedure", Scand. J. Statist. 6, 1979.
"""

from dataclasses import dataclass, replace
from functools import cache
from math import inf

import numpy as np
from numpy.typing import NDArray

from ..wording import counted

__all__ = [
    "ANY", "HOLD_BLOCKS", "HOLD_BLOCKS_OF_MIOU", "LEAST_BLOCKS", "LEAST_COVER", "LEAST_COVER_OF_MIOU", "LEVEL",
    "NOTHING", "SHARE", "Draws", "Interval", "differing_blocks", "holm", "interval", "is_bound", "least_p",
    "least_tail", "p_value", "percentiles", "tail_share", "too_few",
]  # fmt: skip

Draws = NDArray[np.float64]  # (1 + resamples,): the data's own value, then each resample's
LEVEL = 0.95
# Fewer blocks have no interval: up to 5 blocks that all agree can't have a p below 0.05, and in simulations
# (benchmarks/results/coverage.md) intervals from 2 blocks miss the true value in half of the cases, and the interval of
# an mIoU from 8 blocks in 1 of 5.
LEAST_BLOCKS = 10
# From these numbers of blocks on, 95 % intervals in those simulations, with blocks of similar size, contain the true
# value in 93 % of the cases: first for differences and retention, then for an mIoU, on which a rare class has much
# influence.
HOLD_BLOCKS, HOLD_BLOCKS_OF_MIOU = 50, 200
# The least share of cases in which they contain it, with LEAST_BLOCKS or more.
LEAST_COVER, LEAST_COVER_OF_MIOU = 0.91, 0.80


@dataclass(frozen=True)
class Interval:
    """A value and its interval from `low` to `high`.

    All three are NaN if a cell is missing; `low` and `high` are NaN if there are too few blocks.
    """

    estimate: float
    low: float = float("nan")
    high: float = float("nan")

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval has one sign; False for NaN."""
        return self.low > 0 or self.high < 0

    def within(self, bounds: tuple[float, float]) -> "Interval":
        """End it where the quantity ends, such as at 0 and 1: what can't be the true value is not in it."""
        least, most = bounds
        return replace(self, low=max(self.low, least), high=min(self.high, most))  # NaN, the first, stays


NOTHING = Interval(float("nan"))  # what was not measured
SHARE, ANY = (0.0, 1.0), (-inf, inf)  # bounds: of an mIoU, and of what has none


def too_few(blocks: int) -> str:
    """State in words that the number of blocks is too small; "" if it is not.

    >>> too_few(4), too_few(10)
    ('4 blocks of images are too few (it takes 10)', '')
    """
    if blocks >= LEAST_BLOCKS:
        return ""
    return f"{counted(blocks, 'block')} of images {'is' if blocks == 1 else 'are'} too few (it takes {LEAST_BLOCKS})"


def interval(draws: Draws, blocks: int, level: float = LEVEL) -> Interval:
    """Compute the interval of a statistic, by default at 95 %. blocks: of its `Scores`.

    `low` and `high` are NaN for fewer than LEAST_BLOCKS.
    """
    if blocks < LEAST_BLOCKS:
        return Interval(float(draws[0]))
    return percentiles(draws, blocks, level)


def percentiles(draws: Draws, blocks: int, level: float = LEVEL) -> Interval:
    """Compute the interval as `interval` does, for any number of blocks from 2 on."""
    tail = tail_share(blocks, level)
    low, high = np.quantile(draws[1:], [tail, 1 - tail])
    return Interval(float(draws[0]), float(low), float(high))


@cache
def tail_share(blocks: int, level: float) -> float:
    """Compute the share of resamples on each side of an interval: slightly less than (1 - level) / 2."""
    from scipy.special import ndtr, stdtrit  # normal and Student's t; importing scipy.stats takes a second

    return float(ndtr(stdtrit(blocks - 1, (1 - level) / 2) * np.sqrt(blocks / (blocks - 1))))


def least_p(blocks: int) -> float:
    """Compute the smallest possible two-sided p for a number of blocks: 2 / 2^blocks.

    Without a difference, each block could equally favour either side. Among the 2^blocks combinations of signs, all for
    one side and all for the other are the two most extreme.

    >>> least_p(10), least_p(0)
    (0.001953125, 1.0)
    """
    return min(1.0, 2.0 ** (1 - blocks))


def least_tail(resamples: int) -> float:
    """Compute the smallest two-sided p that so many resamples allow: 2 / (resamples + 1)."""
    return 2 / (resamples + 1)


def differing_blocks(difference: Draws) -> int:
    """Count the blocks in which two sides differ. difference: of each single block, NaN if it has no such number."""
    return int(np.count_nonzero(np.nan_to_num(difference)))


def p_value(difference: Draws, blocks: int, differing: int | None = None) -> float:
    """Compute the two-sided p of d = 0 for a difference d: 2 (1 + min(#d <= 0, #d >= 0)) / (B + 1) for B resamples.

    It is at most 1, and at least `least_p` of `differing`, the number of blocks in which the two sides differ (by
    default all `blocks`). NaN for fewer than LEAST_BLOCKS blocks, and if a resample has no such number.
    """
    if blocks < LEAST_BLOCKS or np.isnan(difference).any():
        return float("nan")
    resampled = difference[1:]
    rarer = int(min(np.count_nonzero(resampled <= 0), np.count_nonzero(resampled >= 0)))
    p = min(1.0, 2 * (1 + rarer) / (len(resampled) + 1))
    return max(p, least_p(blocks if differing is None else differing))


def holm(p: NDArray[np.float64], tests: int = 0) -> NDArray[np.float64]:
    """Adjust p-values for multiple tests (Holm); NaN stay NaN and are not counted.

    tests: how many there are in total, if more than are given. The others are then taken to have a larger p, which errs
    on the safe side.
    """
    p = np.asarray(p, np.float64)
    adjusted = np.full(len(p), np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]  # argsort puts NaN last
    steps = p[order] * (max(tests, len(order)) - np.arange(len(order)))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted


def is_bound(p: NDArray[np.float64], resamples: int) -> NDArray[np.bool_]:
    """Whether Holm's adjustment of each p is an upper bound: it comes from a p at the floor of its resamples."""
    at_floor = np.asarray(p) <= least_tail(resamples)
    return np.asarray(holm(p) > holm(np.where(at_floor, 0, p)))
