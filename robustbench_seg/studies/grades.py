"""The words for a difference between two arms: what its runs and its two intervals support.

Three grades, from weak to strong:

- for these weights: one run an arm, and the interval over images excludes zero.
- in all runs so far: an arm has several runs, the interval over images excludes zero, and all pairs of runs agree in
  sign. Without an effect, they agree with the chance that `chance_of_agreement` computes.
- significant: the interval over images and runs excludes zero; for a primary comparison of the suite at 95 % after
  Holm's adjustment over all of these. Every other comparison is exploratory: it is one of many, and has no star.

Without a grade a difference is not resolved, unless an interval lies inside a margin around zero: only then are the two
the same within that margin. Of too few blocks, or of a model that does no better than one class for every pixel,
there is no statement.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from ..wording import MISSING, counted, p_text
from .runs import chance_of_agreement
from .statistics import LEVEL, NOTHING, Interval, least_p, too_few

__all__ = ["MARGIN", "ArmDifference", "Grade"]

MARGIN = 1.0  # points


class Grade(StrEnum):
    """What a difference supports."""

    SIGNIFICANT = "significant"
    RUNS = "in all runs so far"
    WEIGHTS = "for these weights"
    SAME = "the same within the margin"
    UNRESOLVED = "not resolved"
    UNKNOWN = "not known"


# What follows a statement that does not rest on a primary comparison.
QUALIFIERS = {
    Grade.SIGNIFICANT: " (exploratory)",
    Grade.RUNS: " (in all runs so far)",
    Grade.WEIGHTS: " (for these weights)",
}


def opposite(number: Interval) -> Interval:
    """Turn the interval of a difference into the interval of the opposite difference."""
    return Interval(-number.estimate, -number.high, -number.low)


@dataclass(frozen=True, kw_only=True)
class ArmDifference:
    """One arm minus another.

    interval, p: of the difference of their means over runs, over images with the weights fixed; p is two-sided and not
    adjusted, see `holm`. over_runs, p_over_runs: over images and runs together, NaN where an arm has one run; if
    primary, p_over_runs is adjusted over the suite's primary comparisons. pairs: of each run of the first and each of
    the second, the difference in the data. runs: how many of each, the same weights once. blocks: how many were drawn
    from. differing: in how many of them the two differ. blank: the arms that do no better than one class for every
    pixel. margin: 0-1, what counts as the same; None where the quantity has no such margin. primary: whether the suite
    names the comparison. by_group: the difference in each group of images, such as a drive.
    """

    first: str
    second: str
    interval: Interval
    p: float
    pairs: dict[tuple[str, str], float]
    blocks: int
    differing: int
    over_runs: Interval = NOTHING
    p_over_runs: float = float("nan")
    runs: tuple[int, int] = (1, 1)
    blank: tuple[str, ...] = ()
    margin: float | None = MARGIN / 100
    primary: bool = False
    by_group: dict[str, float] = field(default_factory=dict)

    @property
    def measured(self) -> bool:
        """Whether all cells that it needs are there."""
        return not np.isnan(self.interval.estimate)

    @property
    def obstacle(self) -> str:
        """In words, why a difference has no grade; nothing where it can be judged."""
        if not self.measured:
            return "cells are missing"
        if few := too_few(self.blocks):
            return few
        if np.isnan(self.interval.low):
            return "some resamples of so few images have no such number"
        if self.blank:
            do = "does" if len(self.blank) == 1 else "do"
            return f"{' and '.join(self.blank)} {do} no better than one class for every pixel"
        return ""

    @property
    def widest(self) -> Interval:
        """The interval over images and runs, or over images where there is no other."""
        return self.interval if np.isnan(self.over_runs.low) else self.over_runs

    @property
    def same_sign(self) -> bool:
        """Whether all pairs of runs agree in sign; False where one is 0 or NaN."""
        values = self.pairs.values()
        return all(value > 0 for value in values) or all(value < 0 for value in values)

    @property
    def grade(self) -> Grade:
        """The strongest statement that the rules above allow."""
        if self.obstacle:
            return Grade.UNKNOWN
        if not self.doubts:
            if self.over_runs.excludes_zero and not (self.primary and self.p_over_runs > 1 - LEVEL):
                return Grade.SIGNIFICANT
            if self.same_sign:
                return Grade.WEIGHTS if max(self.runs) == 1 else Grade.RUNS
        return Grade.SAME if self.inside else Grade.UNRESOLVED

    @property
    def seen(self) -> bool:
        """Whether the grade states that the two differ."""
        return self.grade in QUALIFIERS

    @property
    def qualifier(self) -> str:
        """What follows a statement that the two differ, so that it claims no more than the grade."""
        return "" if self.significant else QUALIFIERS.get(self.grade, "")

    @property
    def inside(self) -> bool:
        """Whether the widest interval lies inside the margin, whatever the grade."""
        return self.margin is not None and -self.margin < self.widest.low and self.widest.high < self.margin

    @property
    def leader(self) -> str:
        """The arm with the higher number."""
        return self.first if self.interval.estimate > 0 else self.second

    @property
    def positive(self) -> "ArmDifference":
        """The same difference, stated from the arm with the higher number."""
        return self.turned if self.interval.estimate < 0 else self

    @property
    def turned(self) -> "ArmDifference":
        """The same difference, the second arm minus the first."""
        return replace(
            self,
            first=self.second,
            second=self.first,
            interval=opposite(self.interval),
            over_runs=opposite(self.over_runs),
            pairs={(b, a): -value for (a, b), value in self.pairs.items()},
            runs=self.runs[::-1],
            by_group={group: -value for group, value in self.by_group.items()},
        )

    @property
    def significant(self) -> bool:
        """Whether it has a star: a primary comparison whose difference is significant."""
        return self.primary and self.grade is Grade.SIGNIFICANT

    @property
    def mark(self) -> str:
        """A star; in brackets for an exploratory comparison."""
        return "*" if self.significant else "(*)" if self.grade is Grade.SIGNIFICANT else ""

    @property
    def status(self) -> str:
        """Whether the suite names the comparison."""
        return "primary" if self.primary else "exploratory"

    @property
    def words(self) -> str:
        """The grade for a table, with what it rests on; a dash where there is none."""
        if self.obstacle:
            return MISSING
        if self.primary:
            p = "" if np.isnan(self.p_over_runs) else f", p {p_text(self.p_over_runs)}"
            return f"{self.grade} (primary{p})"
        return f"{self.grade} (exploratory)" if self.grade is Grade.SIGNIFICANT else str(self.grade)

    @property
    def figures(self) -> dict[str, Any]:
        """What a CSV has next to the interval over images."""
        return {
            "p": self.p,
            "low_runs": self.over_runs.low,
            "high_runs": self.over_runs.high,
            "p_runs": self.p_over_runs,
            "comparison": self.status,
            "grade": None if self.obstacle else self.grade.value,
            "seed_pairs": len(self.pairs),
            "same_sign": self.same_sign if self.measured else None,
            "significant": None if np.isnan(self.p) else self.significant,
        }

    @property
    def agreement(self) -> str:
        """In words, whether the pairs of runs agree."""
        if self.obstacle:
            return self.obstacle
        if max(self.runs) == 1:
            return "one run each"
        if not self.same_sign:
            return "pairs of runs disagree in sign"
        number = "both" if len(self.pairs) == 2 else f"all {len(self.pairs)}"
        return f"{number} pairs of runs agree in sign (by chance: {chance_of_agreement(*self.runs)})"

    @property
    def verdict(self) -> str:
        """The grade in words: the end of "a difference that is ..."."""
        grade = self.grade
        where = "for these weights" if np.isnan(self.over_runs.low) else "for images and runs"
        match grade:
            case Grade.UNKNOWN:
                return f"not known, since {self.obstacle}"
            case Grade.SIGNIFICANT:
                return "significant" if self.primary else "significant in itself, but exploratory"
            case Grade.RUNS:
                return f"seen in all runs so far, not significant: {self.agreement}"
            case Grade.WEIGHTS:
                return "seen for these weights, with one run an arm"
            case Grade.SAME:
                return f"within {100 * (self.margin or 0):g} point{'s' * (self.margin != MARGIN / 100)} {where}"
        pairs = [] if self.same_sign or max(self.runs) == 1 else ["pairs of runs disagree in sign"]
        return f"not resolved, since {' and '.join(self.doubts + pairs) or 'the difference is 0'}"

    @property
    def doubts(self) -> list[str]:
        """In words, what of the images is against a difference."""
        if not self.interval.excludes_zero:
            return ["the interval over images includes zero"]
        if least_p(self.differing) > 1 - LEVEL:
            return [f"the two differ in no more than {counted(self.differing, 'block')} of images"]
        return []
