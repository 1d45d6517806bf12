"""Networks with all conditions of zoo-camvid-c.yaml, from one store or several."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustbench_seg.errors import UsageError
from robustbench_seg.store.cell import CLEAN
from robustbench_seg.studies.evidence import evidence_of
from robustbench_seg.studies.robustness import Conditions, scores_of
from robustbench_seg.studies.sources import sources_of
from robustbench_seg.studies.statistics import Interval, interval
from robustbench_seg.wording import listed

from .names import parse
from .rank_statistics import LEAST_NETWORKS, two_way_interval

__all__ = ["Study", "read_study"]


@dataclass(frozen=True)
class Study:
    """Networks with all conditions. values: by quantity of `scores_of`, (1 + resamples, networks). cells: theirs."""

    names: list[str]
    values: dict[str, NDArray[np.float64]]
    blocks: int
    conditions: Conditions
    cells: pd.DataFrame

    @property
    def parameters(self) -> NDArray[np.float64]:
        """Of each network, (networks,)."""
        return self.cells.drop_duplicates("title").set_index("title")["parameters"].loc[self.names].to_numpy(float)

    @property
    def repositories(self) -> Counter[str]:
        """How many networks are from each repository, the most first."""
        return Counter(dict(Counter(parse(name).repository for name in self.names).most_common()))

    def of(self, repository: str) -> NDArray[np.intp]:
        """The places of the networks of a repository."""
        return np.flatnonzero([parse(name).repository == repository for name in self.names])

    def interval(self, draws: NDArray[np.float64], networks: int | None = None) -> Interval:
        """Compute the interval of a statistic over networks, by default all, and images."""
        return two_way_interval(draws, networks or len(self.names), self.blocks)

    def over_images(self, quantity: str) -> dict[str, Interval]:
        """Compute each network's interval of a quantity, over images."""
        columns = zip(self.names, self.values[quantity].T, strict=True)
        return {name: interval(draws, self.blocks) for name, draws in columns}

    def share(self, corruptions: Sequence[str]) -> NDArray[np.float64]:
        """Compute what networks keep of their clean mIoU on average over some corruptions."""
        return np.asarray(np.mean([self.values[name] / self.values[CLEAN] for name in corruptions], axis=0))


def read_study(folders: Sequence[Path]) -> tuple[Study, list[str]]:
    """Read stores that hold one suite; return the study, and the networks that are left out.

    Left out are those that lack a condition, and those whose clean mIoU deserves no trust. Raises UsageError for stores
    of several suites or settings, such as other images, and for fewer than 3 networks.
    """
    places = listed(list(map(str, folders)), 3)
    sources = [source for source in sources_of(folders, None, pictures=False) if source.conditions]
    settings = evidence_of(sources[0].quality) if len(sources) == 1 else []
    if len(settings) != 1:
        raise UsageError(f"{places}: {len(sources)} suites with corruptions, or several settings; it takes one of each")
    (source,), (evidence,) = sources, settings
    if len(evidence.views) != 1:
        raise UsageError(f"{places}: have the views {listed(list(map(str, evidence.views)), 3)}; it takes one")
    conditions, cells = source.conditions, evidence.cells
    wanted = {(CLEAN, 0), *((name, level) for name, levels in conditions.items() for level in levels)}
    have = cells.groupby("title")[["corruption", "severity"]].apply(
        lambda own: {*own.itertuples(index=False, name=None)}
    )
    blank = {*cells.loc[(cells["corruption"] == CLEAN) & (cells["flag"] != ""), "title"]}
    names = sorted(name for name in evidence.titles if wanted <= have[name] and name not in blank)  # in any stores
    if len(names) < LEAST_NETWORKS:
        raise UsageError(f"{places}: {len(names)} networks have all conditions of {source.plan.suite}; it takes 3")
    scores = {name: scores_of(evidence.miou(name, evidence.views[0]), conditions) for name in names}
    rows = 1 + evidence.resamples
    values = {key: np.stack([scores[name][key][:rows] for name in names], axis=1) for key in scores[names[0]]}
    study = Study(names, values, evidence.blocks, conditions, cells[cells["title"].isin(names)])
    return study, [name for name in evidence.titles if name not in names]
