"""Which arms are compared, and which of these comparisons a suite names as primary."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from ..store.cell import CLEAN
from ..store.plan import Comparison
from ..store.view import View
from ..wording import p_text
from .arms import arm_of_table_1c
from .bootstrap import RESAMPLES
from .grades import ArmDifference
from .statistics import holm, is_bound

__all__ = ["Differences", "Pair", "adjusted", "in_the_papers_order", "is_primary", "pairs_of", "with_primary"]

FEW_ARMS = 5  # the four arms of two factors, and another network

Pair = tuple[str, str]
Differences = dict[tuple[str, str, Any], ArmDifference]  # by first arm, second arm, quantity


def pairs_of(arms: Mapping[str, Sequence[str]], reference: str | None, primary: Sequence[Comparison]) -> list[Pair]:
    """Choose which arms are compared: all pairs of a few; of many, primary pairs and each with the reference's.

    arms: the models of each; an arm is compared with those after it. reference: a model or an arm, by default the first
    arm.
    """
    every = list(combinations(arms, 2))
    if len(arms) <= FEW_ARMS:
        return every
    base = next((arm for arm, members in arms.items() if reference in (arm, *members)), next(iter(arms)))
    pairs = [set(comparison.arms) for comparison in primary]
    return [pair for pair in every if base in pair or set(pair) in pairs]


def in_the_papers_order(arm: str) -> tuple[bool, bool, bool, bool]:
    """Sort arms for the paper's claims: SegFormer before others, Mix-FFN before learned, and both before controls."""
    altered, encoding = "learned" in arm or "plain" in arm, arm_of_table_1c(arm)
    return not arm.startswith("segformer"), altered, encoding != "mix_ffn", encoding != "learned_pe"


def is_primary(primary: Sequence[Comparison], pair: Pair, key: Any, views: Collection[str], leading: View) -> bool:
    """Whether a suite names the comparison of these arms, in either order.

    key: the quantity, or the view of a clean mIoU. views: the views of the quantity; one of several views, such as
    the effect of a resolution shift, needs no leading view.
    """
    quantity = CLEAN if isinstance(key, View) else key
    return any(
        set(each.arms) == set(pair)
        and each.quantity == quantity
        and (each.view in views if each.view else len(views) > 1 or leading.label in views)
        for each in primary
    )


def with_primary(differences: Differences, keys: Sequence[Any], tests: int) -> Differences:
    """Mark the primary ones of differences, and adjust their p over images and runs by Holm.

    keys: the keys of these. tests: the number of all primary comparisons of the suite; a missing one is taken to have a
    larger p.
    """
    adjusted = holm(np.array([differences[key].p_over_runs for key in keys]), tests)
    return differences | {
        key: replace(differences[key], primary=True, p_over_runs=float(p))
        for key, p in zip(keys, adjusted, strict=True)
    }


def adjusted(differences: Differences) -> dict[tuple[str, str, Any], tuple[float, str]]:
    """Adjust p over images of the differences of one table by Holm's steps: a value and its text, "≤" for a bound."""
    p = np.array([each.p for each in differences.values()])
    both = zip(holm(p), is_bound(p, RESAMPLES), strict=True)
    return {key: (float(q), p_text(q, bound=bound)) for key, (q, bound) in zip(differences, both, strict=True)}
