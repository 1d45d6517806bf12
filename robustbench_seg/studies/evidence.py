"""The cells that one report section compares, with every score in the data and in each resample."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ..errors import StoreError
from ..store.cell import CLEAN, View
from .arms import ArmDifference, arm_difference, arm_mean, arms_of
from .bootstrap import Scores, resample
from .counts import metrics_in, read_counts
from .resolution import arm_of_table_1c
from .robustness import BASIS, Miou
from .statistics import Draws, Interval, holm, interval, too_few

__all__ = [
    "SAME_IMAGES", "Differences", "Entry", "Evidence", "Quantities", "adjusted", "evidence_of", "numbered", "titles_of",
]  # fmt: skip

PLACE = ["title", "view", "corruption", "severity"]
SAME_IMAGES = [name for name in BASIS if name != "view"]
FEW_ARMS = 4  # with the two arms of a claim and others, a control can be compared with each

Quantities = Callable[[str], Mapping[Any, Draws]]  # of a model, by its title
Differences = dict[tuple[str, str, Any], ArmDifference]  # by first arm, second arm, quantity


@dataclass(frozen=True, eq=False)
class Entry:
    """What a table has in a row: a model, or the mean over an arm's seeds.

    values: by quantity. compared: whether it stands for an arm; a seed next to its mean does not. flagged: whether a
    cell of it deserves no trust. blank: whether that is so of clean images: who has nothing keeps all of it.
    """

    name: str
    models: list[str]
    values: Mapping[Any, Draws]
    compared: bool
    flagged: bool
    blank: bool

    @property
    def label(self) -> str:
        """The name for readers, with a warning where a number of it deserves no trust."""
        return f"{self.name} ⚠" if self.flagged else self.name

    @property
    def competes(self) -> bool:
        """Whether it takes part in the search for the best of a column."""
        return self.compared and not self.blank


@dataclass(frozen=True, eq=False)
class Evidence:
    """Cells of one setting, whatever the view, and their scores by resample.

    A score's draws have, after the draws of `Scores`, what each block has alone, so any statistic of scores is
    one of each block too, and two that agree on a block owe it nothing of their difference.

    cells: of `quality_frame`, and `title`: the model's name, numbered where the same name has other weights.
    scores: by metric, a column of `quality_frame`: "miou" of all cells, and others of the cells that have them.
    reference: the model or arm that many arms are compared with. lookups: what `metric` looked up before.
    """

    cells: pd.DataFrame
    scores: Mapping[str, Scores]
    reference: str | None = None
    lookups: dict[tuple[str, str, View], tuple[Miou, Miou]] = field(default_factory=dict, repr=False)

    @property
    def titles(self) -> list[str]:
        """The models, as they come."""
        return list(dict.fromkeys(self.cells["title"]))

    @property
    def arms(self) -> dict[str, list[str]]:
        """The models of each arm."""
        return arms_of(self.titles)

    @property
    def views(self) -> list[View]:
        """The views, as they come."""
        return [View.parse(name) for name in dict.fromkeys(self.cells["view"])]

    @property
    def blocks(self) -> int:
        """How many blocks of images are drawn from."""
        return self.scores["miou"].blocks

    @property
    def resamples(self) -> int:
        """How often they are drawn: a single block cannot be."""
        return len(self.scores["miou"].draws) - 1

    @property
    def few(self) -> str:
        """In words, why there are neither intervals nor p; nothing where there are."""
        return too_few(self.blocks)

    def of_view(self, view: View) -> pd.DataFrame:
        """The cells of a view."""
        return self.cells[self.cells["view"] == str(view)]

    def miou(self, title: str, view: View) -> Miou:
        """Look up mIoU by corruption and severity, NaN where a cell is missing; for `headline`."""
        return self.metric("miou", title, view)

    def metric(self, name: str, title: str, view: View) -> Miou:
        """Look up any metric as `miou` does."""
        scores, place = self.scores[name], {"title": title, "view": str(view)}
        if (name, title, view) not in self.lookups:
            self.lookups[name, title, view] = scores.under(**place), scores.by_block(**place)
        drawn, alone = self.lookups[name, title, view]
        return lambda corruption, severity: np.concatenate([drawn(corruption, severity), alone(corruption, severity)])

    def interval(self, draws: Draws) -> Interval:
        """Make the interval of a statistic; its ends are NaN where blocks are too few."""
        if np.isnan(draws[0]):
            return Interval(float("nan"), float("nan"), float("nan"))
        return interval(draws[: 1 + self.resamples], self.blocks)

    def entries(self, quantities: Quantities, view: View | None = None) -> list[Entry]:
        """List each model, after the mean of its arm where that has several seeds.

        view: the only one that the quantities are of.
        """
        each = {title: quantities(title) for title in self.titles}
        cells = self.cells if view is None else self.of_view(view)
        flagged, blank = flagged_models(cells), blank_models(cells)
        entries = []

        def entry(name: str, models: list[str], values: Mapping[Any, Draws], *, compared: bool) -> Entry:
            seen, none = (not bad.isdisjoint(models) for bad in (flagged, blank))
            return Entry(name, models, values, compared=compared, flagged=seen, blank=none)

        for arm, members in self.arms.items():
            if len(members) > 1:
                names = each[members[0]]
                of_arm = {name: arm_mean({title: each[title][name] for title in members}, arm) for name in names}
                entries.append(entry(f"{arm} (mean of {len(members)})", members, of_arm, compared=True))
            entries += [entry(title, [title], each[title], compared=len(members) == 1) for title in members]
        return entries

    def arm_entries(self, quantities: Quantities, view: View | None = None) -> list[Entry]:
        """List the entries that stand for an arm: a mean over seeds, or the only seed."""
        return [entry for entry in self.entries(quantities, view) if entry.compared]

    def pairs(self) -> list[tuple[str, str]]:
        """Which arms are compared: all pairs of a few; of many, each with the reference's or the first.

        The order follows the paper's claims, not the suite: SegFormer before others, Mix-FFN before learned,
        and both before controls. None where nothing can be resampled.
        """
        arms = sorted(self.arms, key=in_the_papers_order) if self.resamples else []
        every = list(combinations(arms, 2))
        if len(arms) <= FEW_ARMS:
            return every
        base = next((arm for arm, members in self.arms.items() if self.reference in (arm, *members)), arms[0])
        return [pair for pair in every if base in pair]

    def differences(
        self,
        quantities: Quantities,
        views: Collection[View] | Callable[[Any], Collection[View]],
        pairs: Sequence[tuple[str, str]] | None = None,
    ) -> Differences:
        """Compare arms in each quantity. views: those that the quantities are of, or a function of their keys.

        pairs: by default `pairs`. Empty for one arm, or where nothing can be resampled.
        """
        each = {title: quantities(title) for title in self.titles}
        differences = {}
        for first, second in self.pairs() if pairs is None else pairs:
            for name in each[self.titles[0]]:
                places = {str(view) for view in (views(name) if callable(views) else views)}
                draws, alone = (
                    {title: values[name][part] for title, values in each.items()}
                    for part in (slice(1 + self.resamples), slice(1 + self.resamples, None))
                )
                blank = blank_models(self.cells[self.cells["view"].isin(places)])
                differences[first, second, name] = arm_difference(
                    draws, first, second, self.blocks, alone=alone, blank=blank
                )
        return differences


def adjusted(differences: Differences) -> dict[tuple[str, str, Any], float]:
    """Adjust the p-values of the differences of one table by Holm's steps."""
    return dict(zip(differences, holm(np.array([each.p for each in differences.values()])), strict=True))


def in_the_papers_order(arm: str) -> tuple[bool, bool, bool, bool]:
    altered, encoding = "learned" in arm or "plain" in arm, arm_of_table_1c(arm)
    return not arm.startswith("segformer"), altered, encoding != "mix_ffn", encoding != "learned_pe"


def evidence_of(cells: pd.DataFrame, reference: str | None = None) -> list[Evidence]:
    """Resample the cells of each setting, all views and conditions together. cells: of `quality_frame`, not empty."""
    cells = cells.assign(title=titles_of(cells))
    settings = []
    for _, part in cells.groupby(SAME_IMAGES, sort=False):
        # A cell may be there twice, with other metrics than IoU; its counts are the same, see `expect_agreement`.
        sources = part.drop_duplicates([*PLACE, "corruption_source"])
        twice = sources[sources.duplicated(PLACE, keep=False)].sort_values(PLACE)
        if len(twice):
            one, other = twice["path"].iloc[:2]
            raise StoreError(f"{one}: of another source of its corruption than {other}; remove the one that is past")
        own = {
            name: part[part[name].notna()].drop_duplicates(PLACE)
            for name in metrics_in(part)
            if part[name].notna().any()
        }
        every = part.drop_duplicates(PLACE).reset_index(drop=True)
        scores = {
            name: resample(read_counts(cells_of_it, name)) for name, cells_of_it in (own | {"miou": every}).items()
        }
        settings.append(Evidence(every, scores, reference))
    return settings


def numbered(names: list[str]) -> list[str]:
    """Number the later ones of equal names."""
    return [f"{name} ({seen + 1})" if (seen := names[:k].count(name)) else name for k, name in enumerate(names)]


def titles_of(cells: pd.DataFrame) -> list[str]:
    """Name the model of each row, numbered where the same name has other weights."""
    models = cells[["model", "checkpoint_sha256"]].drop_duplicates()
    names = dict(zip(map(tuple, models.to_numpy()), numbered(list(models["model"])), strict=True))
    return [names[pair] for pair in zip(cells["model"], cells["checkpoint_sha256"], strict=True)]


def flagged_models(cells: pd.DataFrame) -> set[str]:
    """List the models with a cell that deserves no trust, by title."""
    return set(cells.loc[cells["flag"] != "", "title"])


def blank_models(cells: pd.DataFrame) -> set[str]:
    """List the models that deserve no trust on clean images already, by title: they are the best of nothing."""
    return flagged_models(cells[cells["corruption"] == CLEAN])
