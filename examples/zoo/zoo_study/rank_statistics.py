"""Statistics of many networks: what predicts robustness, whether two rankings agree, and when a ranking settles.

The networks are a sample of all networks, as the images are of all images. So a resample draws both, each with
replacement: row r of a statistic has the blocks of the bootstrap's resample r, and a draw of networks. Its interval is
then for other networks on other images; it is as wide as the smaller of the two samples demands.

Source: Spearman's rho and Kendall's tau-b as in scipy; the two-way bootstrap of Owen, "The pigeonhole bootstrap",
Annals of Applied Statistics 1, 2007.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustbench_seg.errors import UsageError
from robustbench_seg.studies.ranking import Scores
from robustbench_seg.studies.statistics import LEAST_BLOCKS, NOTHING, Draws, Interval, percentiles

__all__ = [
    "LEAST_NETWORKS", "Settled", "group_difference", "kendall", "over_networks", "paired_difference", "settle",
    "spearman", "spread", "two_way_interval",
]  # fmt: skip

Statistic = Callable[..., NDArray[np.float64]]  # of scores (rows, networks), any number of them ─▶ (rows,)
ROWS = 500  # at a time, which bounds the memory of pairs of networks
LEAST_NETWORKS = 3  # fewer have no ranking to speak about


def spearman(one: Scores, other: Scores) -> NDArray[np.float64]:
    """Compute Spearman's rank correlation of each row, -1 to 1; equal scores share their mean rank. NaN without spread.

    one, other: (rows, networks).
    """
    from scipy.stats import rankdata  # takes a second to import

    ranks = [rankdata(scores, axis=1) for scores in (one, other)]
    first, second = (each - each.mean(axis=1, keepdims=True) for each in ranks)
    with np.errstate(invalid="ignore"):
        return np.asarray((first * second).sum(axis=1) / np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1)))


def kendall(one: Scores, other: Scores) -> NDArray[np.float64]:
    """Compute Kendall's tau-b of each row: 1 is the same order, -1 the opposite. NaN if one side is all equal."""
    rows = []
    for start in range(0, len(one), ROWS):
        first, second = (
            np.sign(scores[start : start + ROWS, :, None] - scores[start : start + ROWS, None, :])
            for scores in (one, other)
        )
        pairs = np.sqrt((first**2).sum(axis=(1, 2)) * (second**2).sum(axis=(1, 2)))
        with np.errstate(invalid="ignore"):
            rows.append((first * second).sum(axis=(1, 2)) / pairs)
    return np.concatenate(rows)


def spread(scores: Scores) -> NDArray[np.float64]:
    """Compute the sample standard deviation over networks of each row: how far a condition separates them."""
    return np.asarray(scores.std(axis=1, ddof=1))


def over_networks(statistic: Statistic, *scores: Scores, seed: int = 0) -> Draws:
    """Compute a statistic of networks: row 0 of the data, then of resamples of blocks and networks at once.

    scores: (1 + resamples, networks) each, for example clean mIoU and retention. The same networks are drawn of all.
    Raises UsageError for fewer than LEAST_NETWORKS.
    """
    rows, networks = scores[0].shape
    if networks < LEAST_NETWORKS:
        raise UsageError(f"a ranking needs {LEAST_NETWORKS} networks at least, got {networks}")
    drawn = np.random.default_rng(seed).integers(networks, size=(rows, networks))
    drawn[0] = np.arange(networks)
    return statistic(*(np.take_along_axis(each, drawn, axis=1) for each in scores))


def two_way_interval(draws: Draws, networks: int, blocks: int) -> Interval:
    """Compute the 95 % interval of a statistic of `over_networks`, at the level of the smaller sample.

    Resamples without a value, such as one network drawn each time, are left out. NaN if the data have no value; no
    interval for fewer than LEAST_BLOCKS blocks.
    """
    if np.isnan(draws[0]):
        return NOTHING
    if blocks < LEAST_BLOCKS:
        return Interval(float(draws[0]))
    return percentiles(np.concatenate([draws[:1], draws[1:][~np.isnan(draws[1:])]]), min(networks, blocks))


def paired_difference(first: Scores, second: Scores, seed: int = 0) -> Draws:
    """Average first - second over pairs of networks; a resample draws pairs and blocks. (1 + resamples, pairs) each."""
    return over_networks(lambda one, other: (one - other).mean(axis=1), first, second, seed=seed)


def group_difference(first: Scores, second: Scores, seed: int = 0) -> Draws:
    """Subtract the mean of one group of networks from the mean of another; each group is drawn within itself."""

    def mean(scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(scores.mean(axis=1))

    return over_networks(mean, first, seed=seed) - over_networks(mean, second, seed=seed + 1)


@dataclass(frozen=True)
class Settled:
    """How well part of the work ranks networks as all of it does. size: of the part.

    median, low: of Kendall's tau over the draws of such a part: the middle one, and the one that 5 % are below.
    """

    size: int
    median: float
    low: float


def settle(
    headlines: Callable[[NDArray[np.intp]], NDArray[np.float64]],
    total: int,
    sizes: Sequence[int],
    draws: int = 200,
    seed: int = 0,
) -> list[Settled]:
    """Rank networks by random parts of the images, or of the conditions, and compare with the ranking by all.

    headlines: the score of each network from the images or conditions with these indices. total: how many there are.
    Raises UsageError for a size outside of 1 .. total.
    """
    if wrong := [size for size in sizes if not 1 <= size <= total]:
        raise UsageError(f"a part has 1 .. {total}, got {wrong[0]}")
    rng = np.random.default_rng(seed)
    every = headlines(np.arange(total))
    settled = []
    for size in sizes:
        parts = np.array([headlines(np.sort(rng.choice(total, size, replace=False))) for _ in range(draws)])
        tau = kendall(parts, np.broadcast_to(every, parts.shape))
        settled.append(Settled(size, float(np.nanmedian(tau)), float(np.nanquantile(tau, 0.05))))
    return settled
