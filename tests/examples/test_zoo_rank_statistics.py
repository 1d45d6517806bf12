"""The zoo's statistics of networks against scipy, and against slow and obvious loops."""

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr
from zoo_study.rank_statistics import (
    group_difference,
    kendall,
    over_networks,
    paired_difference,
    settle,
    spearman,
    spread,
    two_way_interval,
)

from robustbench_seg.errors import UsageError


def scores(seed: int, rows: int = 40, networks: int = 9, values: int = 6) -> np.ndarray:
    """Scores with ties."""
    return np.random.default_rng(seed).integers(0, values, (rows, networks)) / values


def test_correlations_are_scipys_row_by_row_with_ties() -> None:
    one, other = scores(0), scores(1)
    expected = [spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(spearman(one, other), expected, atol=1e-12)
    expected = [kendalltau(a, b).statistic for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(kendall(one, other), expected, atol=1e-12)


def test_without_spread_there_is_no_correlation() -> None:
    flat = np.ones((1, 5))
    assert np.isnan(spearman(flat, scores(0, 1, 5))).all()
    assert np.isnan(kendall(scores(0, 1, 5), flat)).all()
    flat = np.ones((300, 5))
    assert np.isnan(two_way_interval(over_networks(spearman, flat, scores(0, 300, 5)), 5, 20).low)


def test_many_rows_are_counted_as_few_are() -> None:
    one, other = scores(0, rows=1203), scores(1, rows=1203)
    alone = [kendall(one[k : k + 1], other[k : k + 1])[0] for k in (0, 499, 500, 1202)]
    np.testing.assert_allclose(kendall(one, other)[[0, 499, 500, 1202]], alone)


def test_a_resample_draws_the_same_networks_of_all_scores_and_the_blocks_of_its_row() -> None:
    one = np.arange(200.0)[:, None] + np.arange(5) / 10  # row and network can be read off
    draws = over_networks(lambda a, b: (a - b).sum(axis=1), one, one, seed=3)
    assert (draws == 0).all()
    means = over_networks(lambda a: a.mean(axis=1), one, seed=3)
    assert means[0] == pytest.approx(0.2)
    assert (np.floor(means[1:]) == np.arange(1, 200)).all(), "each row keeps its own blocks"
    tenths = means[1:] - np.floor(means[1:])
    assert tenths.std() == pytest.approx(np.std(np.arange(5) / 10) / np.sqrt(5), rel=0.2)


def test_the_interval_of_a_correlation_holds_the_truth_and_is_wider_with_fewer_networks() -> None:
    """Networks from a normal distribution of known correlation; blocks add noise to each."""
    rng = np.random.default_rng(0)
    truth, networks, hits, trials = 0.7, 30, 0, 150
    rank_truth = 6 / np.pi * np.arcsin(truth / 2)
    for _ in range(trials):
        ability = rng.multivariate_normal([0, 0], [[1, truth], [truth, 1]], networks).T
        draws = [each + 0.01 * rng.normal(size=(401, networks)) for each in ability]
        found = two_way_interval(over_networks(spearman, *draws), networks, 50)
        hits += found.low <= rank_truth <= found.high
    assert 0.88 <= hits / trials <= 1
    few = two_way_interval(over_networks(spearman, *(each[:, :8] for each in draws)), 8, 50)
    assert few.high - few.low > found.high - found.low


def test_differences_are_the_means_and_vary_as_their_parts_do() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(1, 0.5, 12), rng.normal(0, 0.5, 12)
    one, other = (np.broadcast_to(each, (4001, 12)) for each in (first, second))
    paired = paired_difference(one, other)
    assert paired[0] == pytest.approx((first - second).mean())
    assert paired[1:].std() == pytest.approx((first - second).std() / np.sqrt(12), rel=0.05)
    groups = group_difference(one, other[:, :5])
    assert groups[0] == pytest.approx(first.mean() - second[:5].mean())
    assert groups[1:].std() == pytest.approx(
        np.hypot(first.std() / np.sqrt(12), second[:5].std() / np.sqrt(5)), rel=0.05
    )
    np.testing.assert_allclose(spread(one[:1]), np.std(first, ddof=1))


def test_a_ranking_settles_as_parts_grow_and_is_whole_with_all() -> None:
    rng = np.random.default_rng(2)
    values = np.linspace(0, 1, 10)[:, None] + rng.normal(0, 1, (10, 60))
    found = settle(lambda part: values[:, part].mean(axis=1), 60, [5, 20, 60], draws=60)
    assert [each.size for each in found] == [5, 20, 60]
    assert found[0].median < found[1].median < found[2].median == found[2].low == 1
    assert all(each.low <= each.median for each in found)
    expected = []
    own = np.random.default_rng(0)
    for _ in range(60):
        part = np.sort(own.choice(60, 5, replace=False))
        expected.append(kendalltau(values[:, part].mean(axis=1), values.mean(axis=1)).statistic)
    assert found[0].median == pytest.approx(np.median(expected))
    assert found[0].low == pytest.approx(np.quantile(expected, 0.05))


def test_what_has_no_ranking_is_refused() -> None:
    with pytest.raises(UsageError, match="a ranking needs 3 networks at least, got 2"):
        over_networks(spearman, np.ones((5, 2)), np.ones((5, 2)))
    with pytest.raises(UsageError, match=r"a part has 1 \.\. 4, got 5"):
        settle(lambda part: np.ones(3), 4, [1, 5])
