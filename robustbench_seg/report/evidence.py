"""The cells that one report section compares, with every score in the data and in each resample."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from ..errors import StoreError
from ..store.cell import CLEAN
from ..studies.arms import ArmDifference, arm_difference, arm_mean, arms_of
from ..studies.bootstrap import Scores, resample
from ..studies.counts import metrics_in, read_counts
from ..studies.resolution import arm_of_table_1c
from ..studies.robustness import SETTING, Conditions, Miou, category_means, corruption_scores, headline, retention
from ..studies.statistics import Draws, Interval, interval, too_few
from .tables import marked, unique

__all__ = ["SAME_IMAGES", "Evidence", "Row", "blank_models", "evidence_of", "flagged_models", "scores_of", "titles_of"]

PLACE = ["title", "view", "corruption", "severity"]
SAME_IMAGES = [name for name in SETTING if name != "view"]
FEW_ARMS = 4  # with the two arms of a claim and others, a control can be compared with each


@dataclass(frozen=True, eq=False)
class Row:
    """A row of a table: a model, or the mean over an arm's seeds.

    values: by quantity. compared: whether it stands for an arm; a seed beside its mean does not. flagged: whether a
    cell of it deserves no trust. blank: whether that is so of clean images: who has nothing keeps all of it.
    """

    name: str
    models: list[str]
    values: dict[str, Draws]
    compared: bool
    flagged: bool
    blank: bool

    @property
    def label(self) -> str:
        """The name for readers."""
        return marked(self.name, self.flagged)

    @property
    def competes(self) -> bool:
        """Whether it takes part in the search for the best of a column."""
        return self.compared and not self.blank


@dataclass(frozen=True, eq=False)
class Evidence:
    """Cells of one setting, whatever the view, and their scores by resample.

    A score's draws have, after those of `Scores`, what each block has alone: any statistic of scores is one of each
    block too, and two that agree on a block owe it nothing of their difference.

    cells: of `quality_frame`, and `title`: the model's name, numbered where the same name has other weights.
    scores: by metric, a column of `quality_frame`: "miou" of all cells, and others of the cells that have them.
    reference: the model or arm that many arms are compared with.
    """

    cells: pd.DataFrame
    scores: Mapping[str, Scores]
    reference: str | None = None

    @property
    def titles(self) -> list[str]:
        """The models, as they come."""
        return list(dict.fromkeys(self.cells["title"]))

    @property
    def arms(self) -> dict[str, list[str]]:
        """The models of each arm."""
        return arms_of(self.titles)

    @property
    def views(self) -> list[str]:
        """The views, as they come."""
        return list(dict.fromkeys(self.cells["view"]))

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

    def of_view(self, view: str) -> pd.DataFrame:
        """The cells of a view."""
        return self.cells[self.cells["view"] == view]

    def miou(self, title: str, view: str) -> Miou:
        """Look up mIoU by corruption and severity, NaN where a cell is missing; for `headline`."""
        return self.metric("miou", title, view)

    def metric(self, name: str, title: str, view: str) -> Miou:
        """Look up any metric as `miou` does."""
        scores = self.scores[name]
        drawn, alone = scores.under(title=title, view=view), scores.by_block(title=title, view=view)
        return lambda corruption, severity: np.concatenate([drawn(corruption, severity), alone(corruption, severity)])

    def rows(self, quantities: Callable[[str], dict[str, Draws]], view: str | None = None) -> list[Row]:
        """Make the rows of a table: each model, after the mean of its arm where that has several seeds.

        quantities: of a model, by its title. view: the only one that the table is of.
        """
        each = {title: quantities(title) for title in self.titles}
        cells = self.cells if view is None else self.of_view(view)
        flagged, blank = flagged_models(cells), blank_models(cells)
        found = []

        def row(name: str, models: list[str], values: dict[str, Draws], *, compared: bool) -> Row:
            seen, none = (not bad.isdisjoint(models) for bad in (flagged, blank))
            return Row(name, models, values, compared=compared, flagged=seen, blank=none)

        for arm, members in self.arms.items():
            if len(members) > 1:
                of_arm = {
                    name: arm_mean({title: each[title][name] for title in members}, arm) for name in each[members[0]]
                }
                name = f"{arm} (mean of {len(members)})"
                found.append(row(name, members, of_arm, compared=True))
            found += [row(title, [title], each[title], compared=len(members) == 1) for title in members]
        return found

    def pairs(self) -> list[tuple[str, str]]:
        """Which arms are compared: all pairs of a few; of many, each with the reference's or the first.

        The order is that of the paper's claims, whatever the suite's: SegFormer before others, Mix-FFN before learned,
        and both before controls.
        """
        arms = sorted(self.arms, key=in_the_papers_order)
        every = list(combinations(arms, 2))
        if len(arms) <= FEW_ARMS:
            return every
        base = next((arm for arm, members in self.arms.items() if self.reference in (arm, *members)), arms[0])
        return [pair for pair in every if base in pair]

    def difference(self, values: Mapping[str, Draws], first: str, second: str, views: Collection[str]) -> ArmDifference:
        """Compare two arms in a quantity of all models, by title. views: those that it is of."""
        drawn, alone = (
            {title: draws[part] for title, draws in values.items()}
            for part in (slice(1 + self.resamples), slice(1 + self.resamples, None))
        )
        blank = blank_models(self.cells[self.cells["view"].isin(views)])
        return arm_difference(drawn, first, second, self.blocks, alone=alone, blank=blank)

    def interval(self, draws: Draws) -> Interval:
        """Make the interval of a statistic; its ends are NaN where blocks are too few."""
        if np.isnan(draws[0]):
            return Interval(float("nan"), float("nan"), float("nan"))
        return interval(draws[: 1 + self.resamples], self.blocks)


def in_the_papers_order(arm: str) -> tuple[bool, bool, bool, bool]:
    altered, encoding = "learned" in arm or "plain" in arm, arm_of_table_1c(arm)
    return not arm.startswith("segformer"), altered, encoding != "mix_ffn", encoding != "learned_pe"


def evidence_of(cells: pd.DataFrame, reference: str | None = None) -> list[Evidence]:
    """Resample the cells of each setting, all views and conditions together. cells: of `quality_frame`, not empty."""
    cells = cells.assign(title=titles_of(cells))
    found = []
    for _, part in cells.groupby(SAME_IMAGES, sort=False):
        # A cell may be there twice, with other metrics beside IoU; its counts are the same, see `expect_agreement`.
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
        kept = part.drop_duplicates(PLACE).reset_index(drop=True)
        scores = {name: resample(read_counts(having, name)) for name, having in (own | {"miou": kept}).items()}
        found.append(Evidence(kept, scores, reference))
    return found


def titles_of(cells: pd.DataFrame) -> list[str]:
    """Name the model of each row, numbered where the same name has other weights."""
    models = cells[["model", "checkpoint_sha256"]].drop_duplicates()
    names = dict(zip(map(tuple, models.to_numpy()), unique(list(models["model"])), strict=True))
    return [names[pair] for pair in zip(cells["model"], cells["checkpoint_sha256"], strict=True)]


def scores_of(miou: Miou, conditions: Conditions) -> dict[str, Draws]:
    """Compute all that a table says of a model: clean, each corruption, categories, mean, retention."""
    found = {CLEAN: miou(CLEAN, 0), **corruption_scores(miou, conditions), **category_means(miou, conditions)}
    if conditions:
        found |= {"mean": headline(miou, conditions), "retention": retention(miou, conditions)}
    return found


def flagged_models(cells: pd.DataFrame) -> set[str]:
    """List the models of which a cell deserves no trust, by title."""
    return set(cells.loc[cells["flag"] != "", "title"])


def blank_models(cells: pd.DataFrame) -> set[str]:
    """List the models that deserve no trust on clean images already, by title: they are the best of nothing."""
    return flagged_models(cells[cells["corruption"] == CLEAN])
