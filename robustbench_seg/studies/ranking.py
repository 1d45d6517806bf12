"""The ranks of networks by a score, with their intervals over images."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .arms import Entry
from .evidence import Evidence
from .statistics import LEAST_BLOCKS, LEVEL, tail_share

__all__ = ["Scores", "rank_intervals", "ranks_of"]

Scores = NDArray[np.float64]  # (1 + resamples, networks): of the data, then of each resample of blocks


def rank_intervals(scores: Scores, blocks: int) -> list[tuple[int, tuple[int, int] | None]]:
    """Rank networks by a score, 1 the highest, and give the 95 % interval of each rank over other images.

    The networks are those that are here, with their weights. Equal scores share the best of their ranks; an interval
    takes them in every order. None for fewer than LEAST_BLOCKS blocks.
    """
    from scipy.stats import rankdata

    best, worst = (rankdata(-scores, method=method, axis=1) for method in ("min", "max"))
    ranks = best[0].astype(int).tolist()
    if blocks < LEAST_BLOCKS:
        return [(rank, None) for rank in ranks]
    tail = tail_share(blocks, LEVEL)
    low = np.quantile(best[1:], tail, axis=0, method="inverted_cdf").astype(int).tolist()
    high = np.quantile(worst[1:], 1 - tail, axis=0, method="inverted_cdf").astype(int).tolist()
    return list(zip(ranks, zip(low, high, strict=True), strict=True))


def ranks_of(arms: Sequence[Entry], score: str, evidence: Evidence) -> dict[str, tuple[int, tuple[int, int] | None]]:
    """Rank the arms that compete by a score, with the ranks that 95 % of the resamples give, by name; none for one."""
    ranked = [arm for arm in arms if arm.competes and not np.isnan(arm.values[score][0])]
    if len(ranked) < 2:
        return {}
    draws = np.stack([arm.values[score][: 1 + evidence.resamples] for arm in ranked], axis=1)
    return dict(zip([arm.name for arm in ranked], rank_intervals(draws, evidence.blocks), strict=True))
