"""Arms of an experiment, trained with several seeds: models named <arm>-s<seed>.

An arm's value is the mean over its seeds, and every seed is shown. The interval is over other images with the weights
as they are; other training runs are seen in the seeds alone. So a difference is called significant only where its
interval excludes zero, it has one sign in all pairs of seeds, and the two differ in so many blocks that p can be below
0.05. Of too few blocks, or of a model that does no better than one class for every pixel, nothing is significant.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..wording import counted
from .statistics import LEVEL, Draws, Interval, differing_blocks, interval, least_p, p_value, too_few

__all__ = ["ArmDifference", "arm_difference", "arm_mean", "arms_of"]

SEEDED = re.compile(r"(?P<arm>.+)-s(?P<seed>\d+)")


def arms_of(models: Iterable[str]) -> dict[str, list[str]]:
    """Group models by arm, each arm's in the order of their seeds; a name without a seed is a separate arm.

    Where seeds have an arm of the same name, as own weights next to released ones, theirs is "<arm> (seeds)".
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
    arms = arms_of(draws)
    if arm not in arms:
        raise UsageError(f"no model of arm {arm!r}; arms are: {', '.join(arms)}")
    return arms[arm]


@dataclass(frozen=True, kw_only=True)
class ArmDifference:
    """One arm minus another.

    interval, p: of the difference of their means over seeds; p is 2-sided and not adjusted, see `holm`. pairs: of each
    seed of the first and each of the second, the difference in the data. blocks: how many were drawn from. differing:
    in how many of them the two differ. blank: the arms that do no better than one class for every pixel.
    """

    first: str
    second: str
    interval: Interval
    p: float
    pairs: dict[tuple[str, str], float]
    blocks: int
    differing: int
    blank: tuple[str, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether all cells that it needs are there."""
        return not np.isnan(self.interval.estimate)

    @property
    def obstacle(self) -> str:
        """In words, why a difference can be neither significant nor not; nothing where it can be judged."""
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
    def same_sign(self) -> bool:
        """Whether all pairs of seeds agree in sign; False where one is 0 or NaN."""
        values = self.pairs.values()
        return all(value > 0 for value in values) or all(value < 0 for value in values)

    @property
    def significant(self) -> bool:
        """Whether there is a difference by the rule above."""
        return not self.obstacle and self.same_sign and not self.doubts

    @property
    def agreement(self) -> str:
        """In words, whether the pairs of seeds agree."""
        if self.obstacle:
            return self.obstacle
        if len(self.pairs) == 1:
            return "one seed each"
        if not self.same_sign:
            return "pairs of seeds disagree"
        return f"{'both' if len(self.pairs) == 2 else f'all {len(self.pairs)}'} pairs of seeds agree in sign"

    @property
    def verdict(self) -> str:
        """In words, whether the difference is significant, and if not, why."""
        if self.obstacle:
            return f"not known, since {self.obstacle}"
        if self.significant:
            return f"significant ({self.agreement})"
        seeds = [] if self.same_sign or len(self.pairs) == 1 else ["pairs of seeds disagree in sign"]
        return f"not significant, since {' and '.join(self.doubts + seeds)}"

    @property
    def doubts(self) -> list[str]:
        """In words, what of the images is against a difference."""
        if not self.interval.excludes_zero:
            return ["the interval includes zero"]
        if least_p(self.differing) > 1 - LEVEL:
            return [f"the two differ in no more than {counted(self.differing, 'block')} of images"]
        return []


def arm_difference(
    draws: Mapping[str, Draws],
    first: str,
    second: str,
    blocks: int,
    *,
    alone: Mapping[str, Draws] | None = None,
    blank: Collection[str] = (),
) -> ArmDifference:
    """Compare two arms.

    draws: a statistic of each model. blocks: of `Scores`. alone: the same statistic of each block by itself, (blocks,);
    without it, the arms are taken to differ in every block. blank: the models that do no better than one class.
    Raises UsageError for an unknown arm.
    """
    difference = arm_mean(draws, first) - arm_mean(draws, second)
    one, other = members_of(draws, first), members_of(draws, second)
    differing = blocks if alone is None else differing_blocks(arm_mean(alone, first) - arm_mean(alone, second))
    return ArmDifference(
        first=first,
        second=second,
        interval=interval(difference, blocks),
        p=p_value(difference, blocks, differing),
        pairs={(a, b): float(draws[a][0] - draws[b][0]) for a in one for b in other},
        blocks=blocks,
        differing=differing,
        blank=tuple(arm for arm, members in ((first, one), (second, other)) if not set(blank).isdisjoint(members)),
    )
