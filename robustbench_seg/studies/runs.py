"""The interval of a difference over images and training runs together.

The bootstrap draws other images and keeps the weights. The runs of an arm are a sample too: another run has other
numbers. With 2 to 4 runs an arm, resampling them gives far too short intervals, since the spread of so few is
underestimated. So the runs enter by Student's t, as a half-width h = t se with

    se^2 = s1^2 / n + s2^2 / m,    2 (min(n, m) - 1) degrees of freedom

for n and m runs with the sample variances s1^2 and s2^2. For n = m this is the classical two-sample interval; a single
arm has s1 / sqrt(n) and n - 1 degrees of freedom. The ends
of the interval over images, at distances l and u from the estimate, then move out to sqrt(l^2 + h^2) and
sqrt(u^2 + h^2). That is how variances add, and the result contains the interval over images. The numbers of the runs
are from the same images, so a run's own behaviour on these images is in s1 and s2; it is in l and u once more, which
errs on the wide side. Coverage by simulation: benchmarks/results/coverage-runs.md.

Source: Zou and Donner, "Construction of confidence limits about effect measures: a general approach", Statistics in
Medicine 27, 2008 (the sum of squared distances); Student, "The probable error of a mean", Biometrika 6, 1908.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import comb

import numpy as np

from .statistics import LEVEL, Draws, Interval, interval, least_tail, tail_share

__all__ = ["Runs", "chance_of_agreement", "distinct"]

STEPS = 30  # of the bisection for p: halves of its logarithm


def distinct(runs: Sequence[Draws]) -> int:
    """Count runs with different numbers: the same weights under two names are one run."""
    return len({draws.tobytes() for draws in runs})


def chance_of_agreement(first: int, second: int) -> Fraction:
    """Compute the chance that all pairs of runs agree in sign if the arms do not differ: 2 / C(n + m, n).

    All orders of the n + m runs are then equally likely, and in two of the C(n + m, n) divisions one arm is on top.

    >>> [str(chance_of_agreement(n, m)) for n, m in ((1, 1), (2, 1), (2, 2), (3, 3), (4, 4))]
    ['1', '2/3', '1/3', '1/10', '1/35']
    """
    return Fraction(2, comb(first + second, first))


@dataclass(frozen=True, eq=False)
class Runs:
    """A statistic of the runs of two arms, or of one. first, second: draws of each run. blocks: of `Scores`."""

    first: Sequence[Draws]
    second: Sequence[Draws]
    blocks: int

    @cached_property
    def arms(self) -> list[Sequence[Draws]]:
        """The arms that there are."""
        return [runs for runs in (self.first, self.second) if len(runs)]

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """The number of runs of each arm; the same weights count once."""
        return tuple(map(distinct, self.arms))

    @cached_property
    def difference(self) -> Draws:
        """The difference of the means over runs; the mean of a single arm."""
        means = [np.mean(runs, axis=0) for runs in self.arms]
        return np.asarray(means[0] - means[1] if len(means) > 1 else means[0])

    @cached_property
    def images(self) -> Interval:
        """The interval over images, with the weights fixed."""
        return interval(self.difference, self.blocks)

    @cached_property
    def standard_error(self) -> float:
        """The standard error from the variation of the runs; NaN with one run in an arm."""
        if min(self.counts) < 2:
            return float("nan")
        arms = zip(self.arms, self.counts, strict=True)
        return float(np.sqrt(sum(np.var([draws[0] for draws in runs], ddof=1) / count for runs, count in arms)))

    @cached_property
    def interval(self) -> Interval:
        """The 95 % interval over images and runs; without ends where an arm has one run, or blocks are too few."""
        estimate, low, high = self.images.estimate, self.images.low, self.images.high
        return self.widened(estimate, low, high, 1 - LEVEL)

    def widened(self, estimate: float, low: float, high: float, alpha: float) -> Interval:
        """Move the ends of an interval over images out, by the runs. alpha: 1 - its level."""
        from scipy.special import stdtrit  # importing scipy.stats takes a second

        half = -float(stdtrit(len(self.arms) * (min(self.counts) - 1), alpha / 2)) * self.standard_error
        down, up = max(0.0, estimate - low), max(0.0, high - estimate)
        if np.isnan(half + low + high):
            return Interval(estimate)
        return Interval(estimate, estimate - float(np.hypot(down, half)), estimate + float(np.hypot(up, half)))

    @cached_property
    def p(self) -> float:
        """The two-sided p of no difference: 1 - the highest level at which the interval excludes zero.

        At least `statistics.least_tail`, below which the resamples cannot tell. NaN without an interval.
        """
        if np.isnan(self.interval.low):
            return float("nan")
        resampled = np.sort(self.difference[1:])

        def excludes_zero(alpha: float) -> bool:
            tail = tail_share(self.blocks, 1 - alpha)
            low, high = np.interp([tail, 1 - tail], np.linspace(0, 1, len(resampled)), resampled)
            return self.widened(self.images.estimate, float(low), float(high), alpha).excludes_zero

        least, most = least_tail(len(resampled)), 1.0
        if excludes_zero(least):
            return least
        for _ in range(STEPS):
            middle = float(np.sqrt(least * most))
            least, most = (least, middle) if excludes_zero(middle) else (middle, most)
        return most
