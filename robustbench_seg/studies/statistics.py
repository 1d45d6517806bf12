"""How sure a number is: intervals, p-values, and their adjustment for a table of several.

A statistic is arithmetic on arrays whose first entry is its value in the data and whose others are its values in the
resamples of `bootstrap`: a difference of two is their subtraction, and the interval comes last.

Intervals are percentiles. With few blocks those are too narrow, as the normal distribution is where Student's t is due;
so they are taken at the wider level that cures that, which for hundreds of blocks is the plain one. Fewer than
`LEAST_BLOCKS` blocks have neither interval nor p. No p is below what its blocks allow, `least_p`.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 (percentiles) and 15 (p-values);
Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69, 2015, section 5.3 (the wider
level); Fisher, "The Design of Experiments", 1935, section 21 (the bound on p); Holm, "A simple sequentially rejective
multiple test procedure", Scand. J. Statist. 6, 1979.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..wording import counted

__all__ = [
    "HOLD_BLOCKS",
    "HOLD_BLOCKS_OF_MIOU",
    "LEAST_BLOCKS",
    "LEAST_COVER",
    "LEAST_COVER_OF_MIOU",
    "LEVEL",
    "Draws",
    "Interval",
    "compare",
    "differing_blocks",
    "holm",
    "interval",
    "least_p",
    "p_value",
    "percentiles",
    "too_few",
]

Draws = NDArray[np.float64]  # (1 + resamples,): the data's own value, then each resample's
LEVEL = 0.95
# Below it nothing is said: up to 5 blocks that all agree cannot have a p below 0.05, and in simulations
# (benchmarks/results/coverage.md) intervals of 2 blocks miss the truth in half of the cases, and that of an mIoU from 8
# blocks in 1 of 5.
LEAST_BLOCKS = 10
# From these on, 95 % intervals of those simulations, of blocks of like size, hold the truth in 93 % of the cases: of
# differences and of retention, and of an mIoU, which a rare class moves much.
HOLD_BLOCKS, HOLD_BLOCKS_OF_MIOU = 50, 200
# In which share of the cases they hold it at least, with LEAST_BLOCKS or more.
LEAST_COVER, LEAST_COVER_OF_MIOU = 0.91, 0.80


@dataclass(frozen=True)
class Interval:
    """A value and its interval from `low` to `high`.

    All are NaN where a cell that it needs is missing; the ends are where blocks are too few.
    """

    estimate: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether all of the interval has one sign; False for NaN."""
        return self.low > 0 or self.high < 0


def too_few(blocks: int) -> str:
    """In words, that so many blocks are too few; nothing where they are enough.

    >>> too_few(4), too_few(10)
    ('4 blocks of images are too few (it takes 10)', '')
    """
    if blocks >= LEAST_BLOCKS:
        return ""
    return f"{counted(blocks, 'block')} of images {'is' if blocks == 1 else 'are'} too few (it takes {LEAST_BLOCKS})"


def interval(draws: Draws, blocks: int, level: float = LEVEL) -> Interval:
    """Make the interval, by default of 95 %, of resamples of so many blocks (`Scores.blocks`).

    Its ends are NaN for fewer than LEAST_BLOCKS.
    """
    if blocks < LEAST_BLOCKS:
        return Interval(float(draws[0]), float("nan"), float("nan"))
    return percentiles(draws, blocks, level)


def percentiles(draws: Draws, blocks: int, level: float = LEVEL) -> Interval:
    """Make the interval of `interval`, however few blocks there are; from 2 on."""
    tail = tail_share(blocks, level)
    low, high = np.quantile(draws[1:], [tail, 1 - tail])
    return Interval(float(draws[0]), float(low), float(high))


def tail_share(blocks: int, level: float) -> float:
    """The share of the resamples below an interval, and above it: somewhat less than (1 - level) / 2."""
    from scipy.special import ndtr, stdtrit  # of the normal and of Student's t; scipy.stats takes a second to import

    return float(ndtr(stdtrit(blocks - 1, (1 - level) / 2) * np.sqrt(blocks / (blocks - 1))))


def least_p(blocks: int) -> float:
    """The least two-sided p that blocks allow: 2 / 2^blocks.

    Were there no difference, each block could as well have favoured the other side. Of the 2^blocks ways in which the
    signs of the blocks may fall, all for the one side and all for the other are the two most extreme.

    >>> least_p(10), least_p(0)
    (0.001953125, 1.0)
    """
    return min(1.0, 2.0 ** (1 - blocks))


def differing_blocks(difference: Draws) -> int:
    """Count the blocks that tell two sides apart. difference: of each block alone, NaN where it has no such number."""
    return int(np.count_nonzero(np.nan_to_num(difference)))


def p_value(difference: Draws, blocks: int, differing: int | None = None) -> float:
    """Two-sided p of a difference d that would be 0: 2 (1 + min(#d <= 0, #d >= 0)) / (B + 1) of B resamples.

    It is at most 1, and no less than `least_p` of the blocks that tell the two sides apart: `differing`, by default all
    `blocks`. NaN for fewer than LEAST_BLOCKS blocks, or where a resample has no such number.
    """
    if blocks < LEAST_BLOCKS or np.isnan(difference).any():
        return float("nan")
    resampled = difference[1:]
    rarer = int(min(np.count_nonzero(resampled <= 0), np.count_nonzero(resampled >= 0)))
    p = min(1.0, 2 * (1 + rarer) / (len(resampled) + 1))
    return max(p, least_p(blocks if differing is None else differing))


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

    With few blocks the interval is the stricter of the two: it may hold 0 where p is just below 1 - level. Below
    LEAST_BLOCKS neither is there.
    """
    rows = [
        {"name": name, **vars(interval(draws, blocks, level)), "p": p_value(draws, blocks)}
        for name, draws in differences.items()
    ]
    table = pd.DataFrame(rows, columns=["name", "estimate", "low", "high", "p"])
    return table.assign(p_holm=holm(table["p"].to_numpy(np.float64)))
