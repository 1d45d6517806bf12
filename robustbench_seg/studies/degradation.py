"""Models next to each other: degradation and improvement against a reference, and whether protocols rank them alike.

The three measures are arithmetic on whatever a score is: a number for a table, an array of resamples for an interval.
Each takes a model's score under a corruption (the mean over its severities) and its clean score, then the reference's.

Source: CD and rCD of Kamann and Rother, "Benchmarking the Robustness of Semantic Segmentation Models", CVPR 2020, after
Hendrycks and Dietterich, ICLR 2019; Kendall's tau-b as in scipy.
"""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ..protocols import PROTOCOLS
from ..store.cell import CLEAN
from .robustness import BASIS, MODEL, Conditions, Miou, by_corruption, corruption_scores

__all__ = [
    "Measure", "against", "corruption_degradation", "rank_agreement", "ranks_by_protocol", "relative_degradation",
    "relative_improvement",
]  # fmt: skip

Value = Any  # a float, or an array of Draws
Measure = Callable[[Value, Value, Value, Value], Value]


def corruption_degradation(score: Value, clean: Value, reference: Value, reference_clean: Value) -> Value:
    """CD: sum_s D(model) / sum_s D(reference) with D = 1 - mIoU; 1 is as the reference, lower is better.

    Since a score is the mean over severities, the ratio of the sums is the ratio of 1 - score. NaN where the reference
    makes no error: there is nothing to compare with.
    """
    return ratio(1 - score, 1 - reference)


def relative_degradation(score: Value, clean: Value, reference: Value, reference_clean: Value) -> Value:
    """rCD, as CD: sum_s (D - D_clean)(model) / sum_s (D - D_clean)(reference), where D - D_clean is what is lost.

    NaN where the reference loses nothing under a corruption.
    """
    return ratio(clean - score, reference_clean - reference)


def relative_improvement(score: Value, clean: Value, reference: Value, reference_clean: Value) -> Value:
    """(score - reference) / reference, higher is better: 5.88 is the SegFormer paper's "588 %"."""
    return ratio(score, reference) - 1


def ratio(value: Value, base: Value) -> Value:
    """Divide by what is above 0; NaN elsewhere."""
    return value / np.where(np.asarray(base) > 0, base, np.nan)


def against(measure: Measure, miou: Miou, reference: Miou, conditions: Conditions) -> dict[str, Value]:
    """Compute a measure for each corruption, and its mean over them. miou, reference: of a model and the reference."""
    scores, others = (corruption_scores(each, conditions) for each in (miou, reference))
    values = {name: measure(scores[name], miou(CLEAN, 0), others[name], reference(CLEAN, 0)) for name in scores}
    return values | {"mean": np.mean(list(values.values()), axis=0)}


def ranks_by_protocol(measured: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Compare how each pair of the PROTOCOLS whose cells are all there ranks two models or more, see `rank_agreement`.

    measured: of `quality_frame`. cells: of one setting, with `title`, the models' names. A cell may be there
    twice, with other metrics than IoU.
    """
    same = measured[(measured[BASIS] == cells.iloc[0][BASIS]).all(axis=1)]
    same = same.drop_duplicates([*MODEL, "corruption", "severity", "corruption_source"])
    same = same.merge(cells[[*MODEL, "title"]].drop_duplicates(), on=MODEL)
    have = set(zip(same["corruption"], same["severity"], strict=True))
    headlines = {
        protocol: headlines_of(same, conditions)
        for protocol, conditions in PROTOCOLS.items()
        if conditions and all((name, s) in have for name, severities in conditions.items() for s in severities)
    }
    ranks = rank_agreement(headlines)
    return ranks[ranks["models"] > 1].assign(protocols=ranks["first"] + " and " + ranks["second"])


def headlines_of(cells: pd.DataFrame, conditions: Conditions) -> pd.Series:
    """Compute the headline of each model, by `title`, from its cells of these conditions."""
    own = cells[cells["corruption"].isin([CLEAN, *conditions])]
    return by_corruption(own.assign(model=own["title"]), conditions).set_index("model")["mean"].dropna()


def rank_agreement(scores: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Kendall's tau-b for each pair of protocols: whether they put models in the same order (1), or the opposite (-1).

    scores: by protocol, the headline of each model, with the models as index. Returns first, second, tau, p and models
    (how many have both scores; with fewer than two, tau and p are NaN).
    """
    rows = []
    for first, second in combinations(scores, 2):
        from scipy.stats import kendalltau  # takes seconds to import, and few reports have two protocols

        both = pd.concat([scores[first], scores[second]], axis=1, join="inner").dropna()
        tau, p = kendalltau(both.iloc[:, 0], both.iloc[:, 1]) if len(both) > 1 else (float("nan"), float("nan"))
        rows.append({"first": first, "second": second, "tau": float(tau), "p": float(p), "models": len(both)})
    return pd.DataFrame(rows, columns=["first", "second", "tau", "p", "models"])
