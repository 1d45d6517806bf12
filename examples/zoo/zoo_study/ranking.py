"""Networks with all conditions of zoo-camvid-c.yaml, from one store or several, and what their ranking shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustbench_seg.errors import UsageError
from robustbench_seg.store.cell import CLEAN
from robustbench_seg.studies import ranking
from robustbench_seg.studies.evidence import evidence_of
from robustbench_seg.studies.robustness import Conditions, scores_of
from robustbench_seg.studies.sources import sources_of
from robustbench_seg.studies.statistics import Interval, interval
from robustbench_seg.wording import listed, percent, spaced

from .names import parse, training_sizes
from .words import number, points, verdict

__all__ = ["Study", "read_study", "sentences"]

COLOUR = ("brightness", "contrast", "saturate")


@dataclass(frozen=True)
class Study:
    """Networks with all conditions. values: by quantity of `scores_of`, (1 + resamples, networks)."""

    names: list[str]
    values: dict[str, NDArray[np.float64]]
    blocks: int
    images: int
    of: int
    parameters: NDArray[np.float64]
    conditions: Conditions
    cells: pd.DataFrame

    def interval(self, draws: NDArray[np.float64], networks: int | None = None) -> Interval:
        """Compute the interval of a statistic over networks, by default all, and images."""
        return ranking.two_way_interval(draws, networks or len(self.names), self.blocks)

    def over_images(self, quantity: str) -> dict[str, Interval]:
        """Compute each network's interval of a quantity, over images."""
        columns = zip(self.names, self.values[quantity].T, strict=True)
        return {name: interval(draws, self.blocks) for name, draws in columns}


def read_study(folders: Sequence[Path]) -> tuple[Study, list[str]]:
    """Read stores that hold one suite; return the study, and the networks that lack a condition.

    Raises UsageError for fewer than 3 networks with all conditions.
    """
    sources = sources_of(folders, None, pictures=False)
    source = max(sources, key=lambda source: len(source.conditions))
    cells, conditions = source.quality, source.conditions
    wanted = {(CLEAN, 0), *((name, level) for name, levels in conditions.items() for level in levels)}
    have = cells.groupby("model")[["corruption", "severity"]].apply(
        lambda own: {*own.itertuples(index=False, name=None)}
    )
    names = [name for name in dict.fromkeys(cells["model"]) if wanted <= have[name]]
    if len(names) < ranking.LEAST_NETWORKS or not conditions:
        places = listed(list(map(str, folders)), 3)
        raise UsageError(f"{places}: {len(names)} networks have all conditions of {source.plan.suite}; it takes 3")
    own = cells[cells["model"].isin(names)]
    (evidence,) = evidence_of(own)
    scores = {name: scores_of(evidence.miou(name, evidence.views[0]), conditions) for name in names}
    rows = 1 + evidence.resamples
    values = {key: np.stack([scores[name][key][:rows] for name in names], axis=1) for key in scores[names[0]]}
    first = own.iloc[0]
    parameters = own.drop_duplicates("model").set_index("model")["parameters"].loc[names].to_numpy(float)
    study = Study(names, values, evidence.blocks, int(first["images"]), int(first["of"]), parameters, conditions, own)
    return study, [name for name in dict.fromkeys(cells["model"]) if name not in names]


def sentences(study: Study) -> list[str]:
    """State what the ranking shows, each number with an interval over networks and blocks of images."""
    values, networks = study.values, len(study.names)
    clean, mean, kept = (values[name] for name in (CLEAN, "mean", "retention"))
    order = np.argsort(-kept[0])
    each = study.over_images("retention")

    def share(k: int) -> str:
        name, own = study.names[k], each[study.names[k]]
        return f"{name} ({number(own, percent, '% of its clean mIoU')})"

    def correlated(what: str, statistic: Callable[..., NDArray[np.float64]], *pair: NDArray[np.float64]) -> str:
        value = study.interval(ranking.over_networks(statistic, *pair))
        return "" if np.isnan(value.estimate) else f"{what}: {number(value)}; {verdict(value, networks, None)}."

    size = np.broadcast_to(study.parameters, kept.shape)
    lines = [
        f"Most is kept by {listed([share(k) for k in order[:3]], 3)}; least by {share(int(order[-1]))}.",
        correlated(
            f"Rank correlation of clean mIoU and retention over {networks} networks", ranking.spearman, clean, kept
        ),
        correlated(
            "Kendall's tau of the rankings by clean mIoU and by the mean under corruption", ranking.kendall, clean, mean
        ),
        correlated("Rank correlation of parameters and retention", ranking.spearman, size, kept),
        *training(study),
        *separation(study),
        *augmentation(study),
    ]
    return [line for line in lines if line]


def training(study: Study) -> list[str]:
    """Compare what networks keep that were trained at two sizes, in pairs."""
    pairs = training_sizes(study.names)
    if len(pairs) < ranking.LEAST_NETWORKS:
        return []
    low, high = (study.values["retention"][:, [study.names.index(pair[side]) for pair in pairs]] for side in (0, 1))
    value = study.interval(ranking.paired_difference(high, low), len(pairs))
    return [
        f"Trained at 1024x512 instead of 512x256, {len(pairs)} networks keep {number(value, points, 'points')} more; "
        f"{verdict(value, len(pairs))}."
    ]


def separation(study: Study) -> list[str]:
    """Name the corruption under which networks differ most."""
    clean = study.values[CLEAN]
    spreads = {name: ranking.over_networks(ranking.spread, study.values[name] / clean) for name in study.conditions}
    widest = max(spreads, key=lambda name: float(spreads[name][0]))
    return [
        f"Networks differ most under {spaced(widest)}: the share that they keep has the standard deviation "
        f"{number(study.interval(spreads[widest]), percent, 'points')}."
    ]


def augmentation(study: Study) -> list[str]:
    """Compare what networks with and without colour jitter lose under colour, relative to the other corruptions."""
    jitter = np.array([parse(name).jitter for name in study.names])
    colour = [name for name in COLOUR if name in study.conditions]
    others = [name for name in study.conditions if name not in COLOUR]
    fewest = int(min(jitter.sum(), (~jitter).sum()))
    if fewest < ranking.LEAST_NETWORKS or not colour or not others:
        return []
    more = share_of(study, colour) - share_of(study, others)
    value = study.interval(ranking.group_difference(more[:, jitter], more[:, ~jitter]), fewest)
    return [
        f"Under {listed([spaced(name) for name in colour], 3)}, relative to the other corruptions, the {jitter.sum()} "
        f"networks trained with colour jitter keep {number(value, points, 'points')} more than the {(~jitter).sum()} "
        f"without; {verdict(value, fewest)}. They differ in more than that, so it is no proof."
    ]


def share_of(study: Study, corruptions: Sequence[str]) -> NDArray[np.float64]:
    """Compute what networks keep of their clean mIoU on average over some corruptions."""
    return np.asarray(np.mean([study.values[name] / study.values[CLEAN] for name in corruptions], axis=0))
