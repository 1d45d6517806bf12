"""What was meant to be measured in a folder, so that a report can tell what is missing, and what is past."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ..errors import StoreError
from ..store.folder import Store
from ..store.plan import Plan, PlannedCell

__all__ = ["OWN", "read_plans"]

OWN = ["corruption_source", "metric_sources"]  # columns of `quality_frame`: code of a user's own, empty without any
Sources = tuple[object, ...]  # of OWN


def read_plans(folder: Path, cells: pd.DataFrame) -> list[Plan]:
    """What was meant to be measured here: one plan per suite and set of conditions, its runs' cells together.

    cells: of `quality_frame` of the folder. What else a plan says is the last run's. A cell that a later run has anew,
    from other weights or repaired data, and that was not finished is not meant any more; nor is one of a corruption or
    a metric of a user's own that was edited before that run, since the two are of other pixels or counts. Raises
    StoreError for a folder without results.
    """
    store = Store(folder)
    done: Mapping[str, Sources] = (
        dict(zip(cells["key"], cells[OWN].itertuples(index=False, name=None), strict=True)) if len(cells) else {}
    )
    merged: dict[object, Plan] = {}
    last: dict[object, PlannedCell] = {}  # what the last run has for a cell of so many images

    def sources_of(cell: PlannedCell) -> Sources | None:
        """The sources of a cell's own code; None where it is not done."""
        if cell.kind == "quality":
            return done.get(cell.key)
        return () if store.has(cell.kind, cell.slug, cell.key) else None

    def is_meant(cell: PlannedCell, latest: PlannedCell) -> bool:
        if cell.key == latest.key:
            return True
        sources = sources_of(cell)
        return sources is not None and (not any(sources) or sources == sources_of(latest))

    def place(plan: Plan, cell: PlannedCell) -> object:
        return plan.suite, plan.precision, plan.images, cell.kind, cell.slug

    plans = store.plans()
    for plan in plans:
        last |= {place(plan, cell): cell for cell in plan.cells}
    for plan in plans:
        before = merged[plan.identity].cells if plan.identity in merged else ()
        have = {cell.key for cell in before}
        meant = [cell for cell in plan.cells if cell.key not in have and is_meant(cell, last[place(plan, cell)])]
        merged[plan.identity] = replace(plan, cells=(*before, *meant))
    if not merged:
        raise StoreError(f"{folder}: holds no results (no plans/*.json)")
    return list(merged.values())
