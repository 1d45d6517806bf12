"""Arms of an experiment, trained in several runs with other seeds: models named <arm>-s<seed>.

An arm's value is the mean over its runs, and every run is shown.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from ..errors import UsageError
from .grades import MARGIN, ArmDifference
from .runs import Runs, distinct
from .statistics import Draws, differing_blocks, p_value

__all__ = [
    "Entry",
    "arm_difference",
    "arm_mean",
    "arm_of_table_1c",
    "arms_of",
    "families_of",
    "is_of_table_1c",
    "runs_of",
]

SEEDED = re.compile(r"(?P<arm>.+)-s(?P<seed>\d+)")
WORDS = {"mix": "mix_ffn", "learned": "learned_pe"}  # word in an arm's name: encoding in the paper's Table 1c


@dataclass(frozen=True, eq=False)
class Entry:
    """What a table has in a row: a model, or the mean over an arm's seeds.

    arm: its name. run: of an arm with several, which run it is, or of how many it is the mean. values: by quantity.
    models: its training runs, the same weights under two names once. runs: the values of each of them.
    compared: whether it stands for an arm; a seed next to its mean does not.
    flagged: whether a cell of it deserves no trust. blank: whether that is so of clean images: who has nothing keeps
    all of it.
    """

    name: str
    arm: str
    run: str
    models: list[str]
    values: Mapping[Any, Draws]
    runs: Sequence[Mapping[Any, Draws]]
    compared: bool
    flagged: bool
    blank: bool

    @property
    def label(self) -> str:
        """The name for readers, with a warning where a number of it deserves no trust."""
        return f"{self.name} ⚠" if self.flagged else self.name

    @property
    def arm_label(self) -> str:
        """The arm's name, for figures and next to a column that has the run; with the same warning."""
        return f"{self.arm} ⚠" if self.flagged else self.arm

    @property
    def competes(self) -> bool:
        """Whether it takes part in the search for the best of a column."""
        return self.compared and not self.blank


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


def runs_of(members: Iterable[str], weights: Mapping[str, str]) -> list[str]:
    """The models of an arm that are training runs: the same weights under two names are one. weights: of each model."""
    first: dict[str, str] = {}
    for model in members:
        first.setdefault(weights[model], model)
    return list(first.values())


# A report asks for the members of an arm in every difference of two arms.
grouped = lru_cache(maxsize=8)(arms_of)


def families_of(arms: Mapping[str, Sequence[str]], families: Mapping[str, str]) -> dict[str, str]:
    """Name the family of each arm: the one of `families`, by model, else the first word of the arm's name.

    arms: the models of each. Empty unless several families have several arms between them.

    >>> families_of({"unet-r18": [], "unet-r50": [], "swin_t": ["swin_t"]}, {"swin_t": "transformers"})
    {'unet-r18': 'unet', 'unet-r50': 'unet', 'swin_t': 'transformers'}
    """
    own = {
        arm: next((families[model] for model in members if model in families), re.split(r"[-_. ]", arm)[0])
        for arm, members in arms.items()
    }
    return own if 1 < len(set(own.values())) < len(own) else {}


def arm_of_table_1c(arm: str) -> str | None:
    """Return the encoding of Table 1c that an arm's name contains; None for none or for both, as in a control."""
    encodings = [encoding for word, encoding in WORDS.items() if word in re.split(r"\W", arm)]
    return encodings[0] if len(encodings) == 1 else None


def is_of_table_1c(arm: str) -> bool:
    """Whether Table 1c is of such a network: a SegFormer, by its name, or an encoding that the table has."""
    words = re.split(r"[\W_]", arm.lower())
    return any(word.startswith("segformer") for word in words) or not WORDS.keys().isdisjoint(words)


def arm_mean(draws: Mapping[str, Draws], arm: str) -> Draws:
    """Take the mean over an arm's seeds. draws: a statistic of each model. Raises UsageError for an unknown arm."""
    return np.asarray(np.mean([draws[model] for model in members_of(draws, arm)], axis=0))


def members_of(draws: Mapping[str, Draws], arm: str) -> list[str]:
    arms = grouped(tuple(draws))
    if arm not in arms:
        raise UsageError(f"no model of arm {arm!r}; arms are: {', '.join(arms)}")
    return arms[arm]


def arm_difference(
    draws: Mapping[str, Draws],
    first: str,
    second: str,
    blocks: int,
    *,
    alone: Mapping[str, Draws] | None = None,
    blank: Collection[str] = (),
    margin: float | None = MARGIN / 100,
    by_group: Mapping[str, float] = MappingProxyType({}),
) -> ArmDifference:
    """Compare two arms.

    draws: a statistic of each model. blocks: of `Scores`. alone: the same statistic of each block by itself, (blocks,);
    without it, the arms are taken to differ in every block. blank: the models that do no better than one class. margin:
    and by_group: of `ArmDifference`.
    Raises UsageError for an unknown arm.
    """
    one, other = members_of(draws, first), members_of(draws, second)
    runs = Runs([draws[model] for model in one], [draws[model] for model in other], blocks)
    differing = blocks if alone is None else differing_blocks(arm_mean(alone, first) - arm_mean(alone, second))
    return ArmDifference(
        first=first,
        second=second,
        interval=runs.images,
        p=p_value(runs.difference, blocks, differing),
        over_runs=runs.interval,
        p_over_runs=runs.p,
        pairs={(a, b): float(draws[a][0] - draws[b][0]) for a in one for b in other},
        runs=(distinct(runs.first), distinct(runs.second)),
        blocks=blocks,
        differing=differing,
        blank=tuple(arm for arm, members in ((first, one), (second, other)) if not set(blank).isdisjoint(members)),
        margin=margin,
        by_group=dict(by_group),
    )
