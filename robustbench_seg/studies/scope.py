"""Which cells a report or a part of it is of: the cells of one setting, in one view or in all of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import pandas as pd

from ..metrics import Metric
from ..protocols import categories_of
from ..store.cell import CLEAN, view_name
from ..store.view import View
from .arms import families_of
from .evidence import Evidence, evidence_of
from .resolution import shifts_of
from .robustness import Conditions
from .sources import ReportSource
from .titles import told_apart

__all__ = ["MANY", "Scope"]

MANY = 12  # arms from which a reader wants to search, and families
MOST_VIEWS = 3  # of more views, only so many are shown class by class


@dataclass(frozen=True, kw_only=True, eq=False)
class Scope:
    """The cells of a setting: cells of a plan that share images, precision and seed.

    source: the plan with its stores. evidence: the cells. view: the only one that is looked at; None for all, and then
    `views` has one for each. name: of the view, for titles and files. main: whether a report's sentences are of it.
    detailed: whether the view is one of those to show class by class.
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
        """Add one for each view. In detail are the views of the extent effect, if they are there."""
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
        """One for each view."""
        return self.views

    def corrupted_views(self) -> tuple[Self, ...]:
        """One for each view, of a plan with corruptions; none of clean images alone."""
        return self.views if self.conditions else ()

    def detailed_views(self) -> tuple[Self, ...]:
        """The views to show class by class."""
        return tuple(view for view in self.views if view.detailed)

    def main_views(self) -> tuple[Self, ...]:
        """The view that a report's sentences are of; none of one that is not the main one."""
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
