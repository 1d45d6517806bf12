"""Arms of an experiment, trained with several seeds: models named <arm>-s<seed>.

An arm's value is the mean over its seeds, and every seed is shown. The interval tells of other images with the weights
as they are; other training runs are seen in the seeds alone. So a difference is called found only where its interval
excludes zero and it has one sign in all pairs of seeds.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from .statistics import Draws, Interval, interval, p_value

__all__ = ["ArmDifference", "arm_difference", "arm_mean", "arms_of"]

SEEDED = re.compile(r"(?P<arm>.+)-s(?P<seed>\d+)")


def arms_of(models: Iterable[str]) -> dict[str, list[str]]:
    """Group models by arm, each arm's in the order of their seeds; a name without a seed is an arm of its own.

    Where that is the name of seeds' arm too, as of released weights beside own ones, theirs is "<arm> (seeds)".
    """
    seeds: dict[str, dict[str, int]] = {}
    models = list(models)
    for model in models:
        match = SEEDED.fullmatch(model)
        arm, seed = (match["arm"], int(match["seed"])) if match else (model, 0)
        if match and arm in models:
            arm += " (seeds)"
        seeds.setdefault(arm, {})[model] = seed
    return {arm: sorted(members, key=lambda model: members[model]) for arm, members in seeds.items()}


def arm_mean(draws: Mapping[str, Draws], arm: str) -> Draws:
    """Take the mean over an arm's seeds. draws: a statistic of each model. Raises UsageError for an unknown arm."""
    return np.asarray(np.mean([draws[model] for model in members_of(draws, arm)], axis=0))


def members_of(draws: Mapping[str, Draws], arm: str) -> list[str]:
    known = arms_of(draws)
    if arm not in known:
        raise UsageError(f"no model of arm {arm!r}; arms are: {', '.join(known)}")
    return known[arm]


@dataclass(frozen=True, kw_only=True)
class ArmDifference:
    """One arm minus another.

    interval, p: of the difference of their means over seeds; p is 2-sided and not adjusted, see `holm`. pairs: of each
    seed of the first and each of the second, the difference in the data.
    """

    first: str
    second: str
    interval: Interval
    p: float
    pairs: dict[tuple[str, str], float]

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return not np.isnan(self.interval.low)

    @property
    def unknown(self) -> str:
        """In words, why there is none."""
        missing = np.isnan(self.interval.estimate)
        return "cells are missing" if missing else "some resamples of so few images have no such number"

    @property
    def same_sign(self) -> bool:
        """Whether all pairs of seeds agree in sign; False where one is 0 or NaN."""
        values = self.pairs.values()
        return all(value > 0 for value in values) or all(value < 0 for value in values)

    @property
    def found(self) -> bool:
        """Whether there is a difference by the rule above: of one sign in every pair, and its interval without zero."""
        return self.same_sign and self.interval.excludes_zero

    @property
    def agreement(self) -> str:
        """In words, whether the pairs of seeds agree."""
        if not self.known:
            return self.unknown
        if len(self.pairs) == 1:
            return "one seed each"
        if not self.same_sign:
            return "pairs of seeds disagree"
        return f"{'both' if len(self.pairs) == 2 else f'all {len(self.pairs)}'} pairs of seeds agree in sign"

    @property
    def verdict(self) -> str:
        """In words, whether there is a difference, and if not, why."""
        if not self.known:
            return f"not known, since {self.unknown}"
        if self.found:
            return f"found ({self.agreement})"
        zero = [] if self.interval.excludes_zero else ["the interval includes zero"]
        seeds = [] if self.same_sign or len(self.pairs) == 1 else ["pairs of seeds disagree in sign"]
        return f"not found, since {' and '.join(zero + seeds)}"


def arm_difference(draws: Mapping[str, Draws], first: str, second: str, blocks: int) -> ArmDifference:
    """Compare two arms. draws: a statistic of each model. blocks: of `Scores`. Raises UsageError for an unknown arm."""
    difference = arm_mean(draws, first) - arm_mean(draws, second)
    pairs = {
        (a, b): float(draws[a][0] - draws[b][0]) for a in members_of(draws, first) for b in members_of(draws, second)
    }
    return ArmDifference(
        first=first, second=second, interval=interval(difference, blocks), p=p_value(difference), pairs=pairs
    )
