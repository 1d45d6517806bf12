"""A primary comparison of a suite, checked."""

from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import model_validator

from ..protocols import categories_of
from ..store.cell import CLEAN
from ..store.plan import Comparison
from ..store.view import View
from ..yaml_files import Strict, ViewSpec

__all__ = ["ComparisonSpec", "expect_measured"]


class ComparisonSpec(Strict):
    """A primary comparison: two arms, the quantity of the report, and the view if it is not the leading one."""

    arms: tuple[str, str]
    quantity: str
    view: ViewSpec | None = None

    @model_validator(mode="after")
    def arms_differ(self) -> Self:
        first, second = self.arms
        if first == second:
            raise ValueError(f"needs two arms that differ, got {first} twice")
        return self

    @property
    def comparison(self) -> Comparison:
        """The comparison as a plan keeps it."""
        return Comparison(arms=self.arms, quantity=self.quantity, view="" if self.view is None else self.view.label)

    def fault(self, conditions: Mapping[str, Sequence[int]], views: Sequence[View]) -> str:
        """State why a suite with these conditions and views has no such comparison; "" if it has."""
        quantities = [CLEAN]
        if conditions:
            quantities += [*conditions, *categories_of(conditions), "mean", "retention", "drop"]
        if len(views) > 1:
            quantities += ["extent", *(["growth"] if conditions else [])]
            quantities += [
                f"{kind} x{scale:g}"
                for kind in ("scale", "joint")
                for scale in sorted({scale for view in views for scale in view.scales if scale != 1})
            ]
        if self.quantity not in quantities:
            return f"unknown quantity {self.quantity!r:.60}; known here: {', '.join(quantities)}"
        if self.view is not None and self.view not in views:
            return f"view {self.view} is not among the views"
        return ""


def expect_measured(
    primary: Sequence[ComparisonSpec], conditions: Mapping[str, Sequence[int]], views: Sequence[View]
) -> None:
    """Raise ValueError for a comparison that a suite with these conditions and views does not have, or has twice."""
    for each in primary:
        if fault := each.fault(conditions, views):
            raise ValueError(f"primary: {each.comparison}: {fault}")
    places = [(frozenset(each.arms), each.quantity, each.view) for each in primary]
    for number, each in enumerate(primary):
        if places[number] in places[:number]:  # its sign alone would be another
            raise ValueError(f"primary: comparisons must differ, whichever arm is first, got {each.comparison} again")
