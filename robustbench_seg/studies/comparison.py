"""Models beside each other: degradation and improvement against a reference, and whether protocols rank them alike.

Source: CD and rCD of Kamann and Rother, "Benchmarking the Robustness of Semantic Segmentation Models", CVPR 2020, after
Hendrycks and Dietterich, ICLR 2019; Kendall's tau-b as in scipy.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations

import pandas as pd

from ..errors import UsageError
from ..store.cell import CLEAN
from .robustness import MODEL, SETTING

__all__ = ["corruption_degradation", "rank_agreement", "relative_degradation", "relative_improvement"]


def corruption_degradation(table: pd.DataFrame, corruptions: Iterable[str], reference: str) -> pd.DataFrame:
    """CD of each model: sum_s D(model) / sum_s D(reference) with D = 1 - mIoU; 1 is as the reference, lower is better.

    table: of `by_corruption`; since a score is the mean over severities, the sums' ratio is that of 1 - score. Returns
    SETTING, MODEL, a column per corruption, and mean (mCD), NaN where one is missing. Each row is compared with the
    reference model of its own setting. Raises UsageError where that is not there exactly once.
    """
    return against(table, list(corruptions), reference, lambda scores, clean: 1 - scores)


def relative_degradation(table: pd.DataFrame, corruptions: Iterable[str], reference: str) -> pd.DataFrame:
    """rCD, as CD: sum_s (D - D_clean)(model) / sum_s (D - D_clean)(reference), where D - D_clean is what is lost.

    NaN where the reference loses nothing under a corruption: there is nothing to compare with.
    """
    return against(table, list(corruptions), reference, lambda scores, clean: -scores.sub(clean, axis=0))


def relative_improvement(table: pd.DataFrame, corruptions: Iterable[str], reference: str) -> pd.DataFrame:
    """(score - reference) / reference, as CD but higher is better: 5.88 is the SegFormer paper's "588 %"."""
    names = list(corruptions)
    ratios = against(table, names, reference, lambda scores, clean: scores)
    return ratios.assign(**{name: ratios[name] - 1 for name in [*names, "mean"]})


def against(
    table: pd.DataFrame,
    corruptions: list[str],
    reference: str,
    measure: Callable[[pd.DataFrame, pd.Series], pd.DataFrame],
) -> pd.DataFrame:
    """Divide a measure of each model's scores, given with its clean mIoU, by the reference's of the same setting."""
    parts = []
    for _, part in table.groupby(SETTING, sort=False):
        is_reference = (part["model"] == reference).to_numpy()
        if is_reference.sum() != 1:
            there = ", ".join(part["model"])
            raise UsageError(f"{is_reference.sum()} rows are of the reference model {reference!r}; models are: {there}")
        values = measure(part[corruptions], part[CLEAN])
        base = values[is_reference].iloc[0]
        ratios = values / base.where(base > 0)
        parts.append(part[[*SETTING, *MODEL]].join(ratios.assign(mean=ratios.mean(axis=1, skipna=False))))
    return pd.concat(parts) if parts else table


def rank_agreement(scores: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Kendall's tau-b for each pair of protocols: whether they put models in the same order (1), or the opposite (-1).

    scores: by protocol, the headline of each model, with the models as index. Returns first, second, tau, p and models
    (how many have both scores; with fewer than two, tau and p are NaN).
    """
    from scipy.stats import kendalltau

    rows = []
    for first, second in combinations(scores, 2):
        both = pd.concat([scores[first], scores[second]], axis=1, join="inner").dropna()
        tau, p = kendalltau(both.iloc[:, 0], both.iloc[:, 1]) if len(both) > 1 else (float("nan"), float("nan"))
        rows.append({"first": first, "second": second, "tau": float(tau), "p": float(p), "models": len(both)})
    return pd.DataFrame(rows, columns=["first", "second", "tau", "p", "models"])
