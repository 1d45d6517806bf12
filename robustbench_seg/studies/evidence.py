"""The cells that one report section compares, with every score in the data and in each resample."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from ..errors import StoreError
from ..store.plan import Comparison
from ..store.view import View
from .arms import Entry, arm_difference, arm_mean, arms_of, runs_of
from .bootstrap import Resampled, Scores
from .comparisons import Differences, in_the_papers_order, is_primary, pairs_of, with_primary
from .counts import metrics_in
from .grades import MARGIN
from .robustness import BASIS, Miou
from .runs import Runs
from .statistics import NOTHING, Draws, Interval, interval, too_few
from .titles import blank_models, flagged_models, titles_of

__all__ = ["SAME_IMAGES", "Evidence", "Quantities", "evidence_of"]

PLACE = ["title", "view", "corruption", "severity"]
SAME_IMAGES = [name for name in BASIS if name != "view"]

Quantities = Callable[[str], Mapping[Any, Draws]]  # of a model, by its title


@dataclass(frozen=True, eq=False)
class Evidence:
    """Cells of one setting, whatever the view, and their scores by resample.

    A score's draws have, after the draws of `Scores`, the scores of each block, then of each group. So any statistic of
    scores is one of each block and group too, and two that agree on a block owe it nothing of their difference.

    cells: of `quality_frame`, and `title`: the model's name, numbered where the same name has other weights.
    scores: by metric, a column of `quality_frame`: "miou" of all cells, and others of the cells that have them.
    reference: the model or arm that many arms are compared with. primary, margin: of the plan. lookups: what `metric`
    looked up before. tests: how many comparisons are primary in all, where `primary` has some of them.
    """

    cells: pd.DataFrame
    scores: Mapping[str, Scores]
    reference: str | None = None
    primary: Sequence[Comparison] = ()
    margin: float = MARGIN
    tests: int = 0
    lookups: dict[tuple[str, str, View], Miou] = field(default_factory=dict, repr=False)

    @cached_property
    def titles(self) -> list[str]:
        """The models, as they come."""
        return list(dict.fromkeys(self.cells["title"]))

    @cached_property
    def weights(self) -> dict[str, str]:
        """The hash of each model's weights."""
        return dict(zip(self.cells["title"], self.cells["checkpoint_sha256"], strict=True))

    @cached_property
    def arms(self) -> dict[str, list[str]]:
        """The models of each arm, in the order in which a report lists and compares arms."""
        arms = arms_of(self.titles)
        return {arm: arms[arm] for arm in sorted(arms, key=in_the_papers_order)}

    @cached_property
    def views(self) -> list[View]:
        """The views, as they come."""
        return [View.parse(name) for name in dict.fromkeys(self.cells["view"])]

    @property
    def leading(self) -> View:
        """The view that leads: the first with stored statistics of BatchNorm, or the first if there is none."""
        return next((view for view in self.views if not view.batchnorm), self.views[0])

    @cached_property
    def titles_by_view(self) -> dict[str, set[str]]:
        """The models that have a cell in each view, by its label."""
        return {str(view): set(own) for view, own in self.cells.groupby("view", sort=False)["title"]}

    def arms_in(self, *views: View) -> dict[str, list[str]]:
        """The models of each arm that have a cell in each of the views; an arm without one is left out.

        A run that was measured in other views alone is no missing cell: the arm has fewer runs here.
        """
        here = set.intersection(*(self.titles_by_view.get(view.label, set()) for view in views))
        arms = {arm: [title for title in members if title in here] for arm, members in self.arms.items()}
        return {arm: members for arm, members in arms.items() if members}

    @property
    def blocks(self) -> int:
        """How many blocks of images are drawn from."""
        return self.scores["miou"].blocks

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of images, such as drives; empty where there are not several."""
        return self.scores["miou"].groups

    @property
    def resamples(self) -> int:
        """How often they are drawn: a single block cannot be."""
        return len(self.scores["miou"].draws) - 1

    @property
    def few(self) -> str:
        """In words, why there are neither intervals nor p; nothing where there are."""
        return too_few(self.blocks)

    def runs(self, members: Sequence[str]) -> list[str]:
        """The models of an arm that are training runs; see `runs_of`."""
        return runs_of(members, self.weights)

    def of_view(self, view: View) -> pd.DataFrame:
        """The cells of a view."""
        return self.cells[self.cells["view"] == view.label]

    def miou(self, title: str, view: View) -> Miou:
        """Look up mIoU by corruption and severity, NaN where a cell is missing; for `headline`."""
        return self.metric("miou", title, view)

    def metric(self, name: str, title: str, view: View) -> Miou:
        """Look up any metric as `miou` does."""
        if (name, title, view) not in self.lookups:
            self.lookups[name, title, view] = self.scores[name].with_parts(title=title, view=view.label)
        return self.lookups[name, title, view]

    def interval(self, draws: Draws) -> Interval:
        """Make the interval of a statistic; its ends are NaN where blocks are too few."""
        if np.isnan(draws[0]):
            return NOTHING
        return interval(draws[: 1 + self.resamples], self.blocks)

    def intervals(self, entry: Entry, quantity: Any) -> tuple[Interval, Interval]:
        """Make the intervals of a row's quantity over images, and over images and runs: without ends for one run."""
        number, runs = self.interval(entry.values[quantity]), [values[quantity] for values in entry.runs]
        own = [draws[: 1 + self.resamples] for draws in runs]
        return number, Runs(own, (), self.blocks).interval if len(runs) > 1 else Interval(number.estimate)

    def by_group(self, draws: Draws) -> dict[str, float]:
        """Return a statistic in each group of images."""
        return dict(zip(self.groups, map(float, draws[len(draws) - len(self.groups) :]), strict=True))

    def entries(self, quantities: Quantities, view: View | None = None) -> list[Entry]:
        """List each model, after the mean of its arm where that has several seeds.

        view: the only one that the quantities are of; models without a cell in it are left out, see `arms_in`.
        """
        cells, arms = (self.cells, self.arms) if view is None else (self.of_view(view), self.arms_in(view))
        each = {title: quantities(title) for members in arms.values() for title in members}
        flagged, blank = flagged_models(cells), blank_models(cells)
        entries = []

        def entry(name: str, arm: str, run: str, models: list[str], values: Mapping[Any, Draws]) -> Entry:
            seen, none = (not bad.isdisjoint(models) for bad in (flagged, blank))
            compared = name not in arms[arm] or len(arms[arm]) == 1
            runs = [each[title] for title in models]
            return Entry(name, arm, run, models, values, runs, compared=compared, flagged=seen, blank=none)

        for arm, members in arms.items():
            several = len(members) > 1
            if several:
                runs = self.runs(members)
                names, mean = each[runs[0]], f"mean of {len(runs)}"
                of_arm = {name: np.mean([each[title][name] for title in runs], axis=0) for name in names}
                entries.append(entry(f"{arm} ({mean})", arm, mean, runs, of_arm))
            for title in members:
                entries.append(entry(title, arm, title.rpartition("-")[2] if several else "", [title], each[title]))
        return entries

    def arm_entries(self, quantities: Quantities, view: View | None = None) -> list[Entry]:
        """List the entries that stand for an arm: a mean over seeds, or the only seed."""
        return [entry for entry in self.entries(quantities, view) if entry.compared]

    def pairs(self) -> list[tuple[str, str]]:
        """Which arms are compared, see `pairs_of`; none where nothing can be resampled."""
        return pairs_of(self.arms, self.reference, self.primary) if self.resamples else []

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
        ends = 0, 1 + self.resamples, 1 + self.resamples + self.blocks, None
        differences: Differences = {}
        primary = []

        @cache
        def blank_in(places: frozenset[View]) -> set[str]:
            return blank_models(self.cells[self.cells["view"].isin([view.label for view in places])])

        @cache
        def titles_in(places: frozenset[View]) -> list[str]:
            members = (self.arms | self.arms_in(*places)).values()  # an arm without a run there has scores that are NaN
            return [title for titles in members for title in self.runs(titles)]

        for first, second in self.pairs() if pairs is None else pairs:
            for name in each[self.titles[0]]:
                places = frozenset(views(name) if callable(views) else views)
                draws, alone, grouped = (
                    {title: each[title][name][start:end] for title in titles_in(places)}
                    for start, end in pairwise(ends)
                )
                metric = self.scores["miou" if isinstance(name, str | View) else name[0]].metric
                differences[first, second, name] = arm_difference(
                    draws,
                    first,
                    second,
                    self.blocks,
                    alone=alone,
                    blank=blank_in(places),
                    margin=self.margin / 100 if metric.unit == "%" else None,
                    by_group=self.by_group(arm_mean(grouped, first) - arm_mean(grouped, second)),
                )
                labels = frozenset(view.label for view in places)
                if is_primary(self.primary, (first, second), name, labels, self.leading):
                    primary.append((first, second, name))
        return with_primary(differences, primary, max(self.tests, len(self.primary)))


def evidence_of(
    cells: pd.DataFrame, reference: str | None = None, primary: Sequence[Comparison] = (), margin: float = MARGIN
) -> list[Evidence]:
    """Take the cells of each setting, all views and conditions together. cells: of `quality_frame`, not empty."""
    cells = cells.assign(title=titles_of(cells))
    settings = []
    for _, part in cells.groupby(SAME_IMAGES, sort=False):
        # A cell may be there twice, with other metrics than IoU; its counts are the same, see `expect_agreement`.
        sources = part.drop_duplicates([*PLACE, "corruption_source"])
        twice = sources[sources.duplicated(PLACE, keep=False)].sort_values(PLACE)
        if len(twice):
            one, other = twice["path"].iloc[:2]
            raise StoreError(f"{one}: of another source of its corruption than {other}; remove the one that is past")
        own = {name: part[part[name].notna()].drop_duplicates(PLACE) for name in metrics_in(part)}
        every = part.drop_duplicates(PLACE).reset_index(drop=True)
        scores = Resampled({name: cells for name, cells in own.items() if len(cells)} | {"miou": every})
        settings.append(Evidence(every, scores, reference, primary, margin, len(primary)))
    return settings
