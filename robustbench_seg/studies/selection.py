"""What a report shows: the numbers of the cells of one setting, in one view or in all of them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from ..metrics import MIOU, Metric
from ..store.cell import CLEAN
from ..store.view import View
from .arms import Entry
from .claims import TABLE_5
from .comparisons import Differences, Pair
from .counts import blocks_in, why_without
from .evidence import Quantities
from .frame import PLACE
from .pictures import StoredPicture, other_pictures, stored_pictures
from .ranking import ranks_of
from .robustness import Miou, cell_scores, scores_of
from .scope import Scope
from .statistics import Draws, Interval
from .worst import ImageScores, image_scores

__all__ = ["Selection"]

COUNTED = ["counts", "metric_sources", "metrics"]  # what differs between two files of one cell


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection(Scope):
    """The numbers of the cells."""

    def metric(self, name: str, title: str) -> Miou:
        """Look up a metric of a model in the view, by corruption and severity."""
        assert self.view is not None
        return self.evidence.metric(name, title, self.view)

    def by_view(self, title: str, metric: str = "miou") -> dict[Any, Draws]:
        """Look up a metric of a model on clean images in each view."""
        return {view: self.evidence.metric(metric, title, view)(CLEAN, 0) for view in self.order}

    def scores(self, title: str, metric: str = "miou") -> dict[str, Draws]:
        """Compute a metric of a model in the view: clean, each corruption and category, mean and retention."""
        return scores_of(self.metric(metric, title), self.conditions)

    def cell_scores(self, title: str, metric: str = "miou") -> dict[tuple[str, int], Draws]:
        """Look up a metric of a model in every cell of the view, by corruption and severity."""
        return cell_scores(self.metric(metric, title), self.conditions)

    def scores_and_gain(self, views: tuple[View, View], title: str) -> dict[tuple[str, str], Draws]:
        """Compute the scores of a model in two views, with stored and re-estimated statistics of BatchNorm.

        Keys are pairs of a score, see `scores_of`, and "stored", "reestimated" or "gain".
        """
        before, after = (scores_of(self.evidence.miou(title, view), self.conditions) for view in views)
        gain = {name: after[name] - before[name] for name in before}
        kinds = {"stored": before, "reestimated": after, "gain": gain}
        return {(name, kind): draws for kind, scores in kinds.items() for name, draws in scores.items()}

    def interval(self, draws: Draws) -> Interval:
        """Make the interval of a statistic; its ends are NaN where blocks are too few."""
        return self.evidence.interval(draws)

    def arms(self, quantities: Quantities) -> list[Entry]:
        """List the entries that stand for an arm, with these quantities of the view, or of all views."""
        return self.evidence.arm_entries(quantities, self.view)

    def differences(self, quantities: Quantities) -> Differences:
        """Compare arms in each quantity of the view, those that have a cell in it."""
        assert self.view is not None
        pairs = [pair for pair in self.evidence.pairs() if self.models_by_arm.keys() >= set(pair)]
        return self.evidence.differences(quantities, (self.view,), pairs)

    @cached_property
    def score_differences(self) -> Differences:
        """Compare arms in each of `scores`."""
        return self.differences(self.scores)

    @property
    def headline(self) -> str:
        """The score that ranks arms: the mean under corruption, or the clean one."""
        return "mean" if self.conditions else CLEAN

    def facts_of_cells(self, entry: Entry) -> dict[str, int]:
        """Give the parameters of a row's model, the classes that its cells in the view have, and the missing cells."""
        own = self.cells[self.cells["title"].isin(entry.models)]
        planned = 1 + sum(map(len, self.conditions.values()))
        return {
            "parameters": own["parameters"].max(),
            "fewest_classes": own["classes"].min(),
            "most_classes": own["classes"].max(),
            "missing": planned * len(entry.models) - len(own),
        }

    def ranks(self) -> dict[str, tuple[int, tuple[int, int] | None]]:
        """Rank arms by their headline, with the ranks that 95 % of the resamples give, by name; none for one arm.

        An arm with a missing cell has no rank, as on a leaderboard.
        """
        arms = [arm for arm in self.arms(self.scores) if not self.facts_of_cells(arm)["missing"]]
        return ranks_of(arms, self.headline, self.evidence)

    @property
    def claimed_pair(self) -> Pair | None:
        """The arms that Table 5's claim is of, else the first two; None for one arm."""
        return TABLE_5.choose([key[:2] for key in self.score_differences])

    @property
    def main_pair(self) -> Pair | None:
        """The arms whose differences come first: of a primary comparison, else `claimed_pair`."""
        primary = (key[:2] for key, each in self.score_differences.items() if each.primary)
        return next(primary, None) or self.claimed_pair

    def image_scores(self, metric: Metric = MIOU) -> ImageScores | None:
        """Score each image in the view by itself; see `worst.image_scores`."""
        return image_scores(self.cells_with(metric), blocks_in(self.evidence.cells), self.conditions, metric)

    def cells_with(self, metric: Metric) -> pd.DataFrame:
        """The cells of the view. Where several folders have a cell, its counts are of one that counted the metric."""
        files = self.source.quality
        places, counts = (files[names].itertuples(index=False, name=None) for names in (PLACE, COUNTED))
        counted = {
            place: own for place, own in zip(places, counts, strict=True) if not why_without(metric, own[0], own[1])
        }
        own = self.cells[[*PLACE, *COUNTED]].itertuples(index=False, name=None)
        rows = [counted.get(row[: len(PLACE)], row[len(PLACE) :]) for row in own]
        return self.cells.assign(**{name: [row[k] for row in rows] for k, name in enumerate(COUNTED)})

    def pictures(self) -> list[StoredPicture]:
        """List the stored pictures of the plan's gallery images, and of the worst, the median and the best image."""
        fixed, view = self.source.plan.gallery, next(iter(self.main_views()), self)
        scores = view.image_scores() if other_pictures(view.cells, fixed) else None
        notes = scores.state_extremes() if scores else {}
        return stored_pictures(view.cells, dict.fromkeys([*fixed, *notes]), notes)

    @property
    def contrast(self) -> str:
        """The corruption in which the main pair of arms differs most in the main view; without two, the first."""
        sizes = {
            key[2]: abs(each.interval.estimate)
            for view in self.main_views()
            for key, each in view.score_differences.items()
            if key[:2] == view.main_pair and each.measured
        }
        return max(self.conditions, key=lambda name: sizes.get(name, 0.0), default="")
