"""What a report shows: the cells of one setting, and their numbers in one view or in all of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import pandas as pd

from ..metrics import MIOU, Metric
from ..protocols import categories_of
from ..store.cell import CLEAN, view_name
from ..store.view import View
from .arms import Entry, families_of
from .claims import TABLE_5
from .comparisons import Differences, Pair
from .counts import blocks_in
from .evidence import Evidence, Quantities, evidence_of
from .pictures import StoredPicture, other_pictures, stored_pictures
from .ranking import ranks_of
from .resolution import shifts_of
from .robustness import Conditions, Miou, cell_scores, scores_of
from .sources import ReportSource
from .statistics import Draws, Interval
from .titles import told_apart
from .worst import ImageScores, image_scores

__all__ = ["MANY", "Selection"]

MANY = 12  # arms from which a reader wants to search, and families
MOST_VIEWS = 3  # of more views, only so many are shown class by class


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """The cells of a setting: cells of a plan that share images, precision and seed.

    source: the plan with its stores. evidence: the cells. view: the only one that is looked at; None for all, and then
    `views` has a selection for each. name: of the view, for titles and files. main: whether a report's sentences are of
    it. detailed: whether the view is one of those to show class by class.
    """

    source: ReportSource
    evidence: Evidence
    view: View | None = None
    views: tuple[Self, ...] = ()
    name: str = ""
    main: bool = False
    detailed: bool = False

    @classmethod
    def all_of(cls, source: ReportSource) -> list[Self]:
        """Divide the cells of a plan by setting. The first is the main one: of the last run, else of most images.

        Without any quality cell, a single one that has neither cells nor views.
        """
        if not len(source.quality):
            nothing = pd.DataFrame(columns=["title", "view", "corruption", "flag"])
            return [cls(source=source, evidence=Evidence(nothing, {}), main=True)]
        every = evidence_of(source.quality, source.reference, source.plan.primary, source.plan.margin)
        every.sort(key=lambda one: source.precedence(one.cells), reverse=True)
        firsts = [one.of_view(view).iloc[0] for one in every for view in one.views]
        names = iter(told_apart([view_name(first["view"], first["void"]) for first in firsts], firsts))
        return [cls(source=source, evidence=one, main=one is every[0]).with_views(names) for one in every]

    def with_views(self, names: Iterator[str]) -> Self:
        """Add a selection for each view. In detail are the views of the extent effect, if they are there."""
        views = self.evidence.views
        effects = {view for shift in shifts_of(self.evidence, views, {}) for view in (shift.slide, shift.whole)}
        in_detail = [view for view in views if view in effects] or views[:MOST_VIEWS]
        first = self.evidence.leading
        each = [
            replace(self, view=view, name=name, main=self.main and view == first, detailed=view in in_detail)
            for view, name in zip(views, names, strict=False)
        ]
        return replace(self, views=tuple(each))

    def each_view(self) -> tuple[Self, ...]:
        """A selection for each view."""
        return self.views

    def corrupted_views(self) -> tuple[Self, ...]:
        """A selection for each view, of a plan with corruptions; none of clean images alone."""
        return self.views if self.conditions else ()

    def detailed_views(self) -> tuple[Self, ...]:
        """The views to show class by class."""
        return tuple(view for view in self.views if view.detailed)

    def main_views(self) -> tuple[Self, ...]:
        """The view that a report's sentences are of; none of a selection that is not the main one."""
        return tuple(view for view in self.views if view.main)

    @property
    def conditions(self) -> Conditions:
        """The corruptions of the plan with their severities; none for clean images alone."""
        return self.source.conditions

    @property
    def severities(self) -> list[int]:
        """All severities of the conditions."""
        return sorted({severity for some in self.conditions.values() for severity in some})

    @property
    def by_category(self) -> dict[str, tuple[str, ...]]:
        """The corruptions by category; all under "" where categories are not known."""
        return categories_of(self.conditions) or {"": tuple(self.conditions)}

    @cached_property
    def cells(self) -> pd.DataFrame:
        """The cells of the view, or of all views."""
        return self.evidence.cells if self.view is None else self.evidence.of_view(self.view)

    @cached_property
    def models_by_arm(self) -> dict[str, list[str]]:
        """The training runs of each arm that the view has, or of all views; see `Evidence.arms_in`."""
        arms = self.evidence.arms if self.view is None else self.evidence.arms_in(self.view)
        return {arm: self.evidence.runs(members) for arm, members in arms.items()}

    @property
    def images(self) -> str:
        """How many of the split's images were used, in words."""
        return "{images} of {of} images".format(**self.evidence.cells.iloc[0])

    @property
    def void(self) -> str:
        """The rule for pixels without a label, for titles and sentences; "" for the usual one."""
        return "void counted" if "counted" in set(self.evidence.cells.get("void", ())) else ""

    @property
    def order(self) -> list[View]:
        """The views that there are, in the plan's order."""
        return [view for view in map(View.parse, map(str, self.source.plan.views)) if view in self.evidence.views]

    @property
    def families(self) -> dict[str, str]:
        """The family of each of many arms; see `families_of`."""
        arms = self.evidence.arms
        return families_of(arms, dict(self.source.plan.families)) if len(arms) > MANY else {}

    @property
    def other_metrics(self) -> dict[str, Metric]:
        """The metrics that the cells have next to mIoU, by their column of the frame: a suite may switch one off."""
        column, value = ("corruption", CLEAN) if self.view is None else ("view", str(self.view))
        every = {name: own for name, own in self.evidence.scores.items() if name != "miou"}
        return {name: own.metric for name, own in every.items() if (own.cells[column] == value).any()}

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
        return image_scores(self.cells, blocks_in(self.evidence.cells), self.conditions, metric)

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
