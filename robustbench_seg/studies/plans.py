"""What was meant to be measured in a folder, so that a report can list what is missing, and leave out what is past."""

from collections import Counter
from collections.abc import Iterator, Mapping
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

    cells: the `quality_frame` of the folder. Everything else in a plan is the last run's. An unfinished cell
    does not count if a later run plans it again, from other weights or repaired data; nor does a cell with a corruption
    or a metric of a user's own that was edited before that run: its pixels or counts are others.
    Raises StoreError for a folder without results.
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

    def places(plan: Plan) -> Iterator[tuple[object, PlannedCell]]:
        """Pair each cell with what it has in common with the same cell of other runs; draws differ in their order."""
        seen: Counter[tuple[str, str]] = Counter()
        for cell in plan.cells:
            seen[cell.kind, cell.slug] += 1
            yield (plan.suite, plan.precision, plan.images, cell.kind, cell.slug, seen[cell.kind, cell.slug]), cell

    plans = store.plans()
    for plan in plans:
        last |= dict(places(plan))
    for plan in plans:
        before = merged[plan.identity].cells if plan.identity in merged else ()
        have = {cell.key for cell in before}
        meant = [cell for place, cell in places(plan) if cell.key not in have and is_meant(cell, last[place])]
        merged[plan.identity] = replace(plan, cells=(*before, *meant))
    if not merged:
        raise StoreError(f"{folder}: holds no results (no plans/*.json)")
    return list(merged.values())
