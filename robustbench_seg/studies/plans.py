"""Merge the plans of a folder, so that a report can list missing cells, and omit outdated ones."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ..errors import StoreError
from ..store.folder import Store
from ..store.plan import Plan, PlannedCell

__all__ = ["OWN", "cautions_of", "last_run_first", "read_plans", "views_of"]

OWN = [
    "corruption_source",
    "metric_sources",
]  # columns of `quality_frame` on a user's own code; empty without such code
Sources = tuple[object, ...]  # the values of OWN


def read_plans(folder: Path, cells: pd.DataFrame) -> list[Plan]:
    """Read the plans of a folder: one per suite and set of conditions, with the cells and views of all its runs.

    cells: the `quality_frame` of the folder. All other fields of a plan are from the last run, whose views come
    first. Two kinds of cells are omitted: an unfinished cell, if a later run plans it again with other weights or
    repaired data; and a cell with a user's own corruption or metric, if its code was edited before a later run: it
    has other pixels or counts.
    Raises StoreError for a folder without results.
    """
    store = Store(folder)
    done: Mapping[str, Sources] = (
        dict(zip(cells["key"], cells[OWN].itertuples(index=False, name=None), strict=True)) if len(cells) else {}
    )
    merged: dict[object, Plan] = {}
    last: dict[object, PlannedCell] = {}  # place ─▶ the cell in the last run with this place

    def sources_of(cell: PlannedCell) -> Sources | None:
        """Look up the sources of the user's own code in a cell; None for an unfinished cell."""
        if cell.kind == "quality":
            return done.get(cell.key)
        return () if store.has(cell.kind, cell.slug, cell.key) else None

    def is_current(cell: PlannedCell, latest: PlannedCell) -> bool:
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
        before = merged.get(plan.identity, replace(plan, cells=(), views=()))
        have = {cell.key for cell in before.cells}
        added = [cell for place, cell in places(plan) if cell.key not in have and is_current(cell, last[place])]
        both = [before, plan]
        cells = (*before.cells, *added)
        merged[plan.identity] = replace(plan, cells=cells, views=views_of(both), cautions=cautions_of(both))
    if not merged:
        raise StoreError(f"{folder}: holds no results (no plans/*.json)")
    return list(merged.values())


def last_run_first(plans: Sequence[Plan], runs: Sequence[Plan]) -> list[Plan]:
    """Put the plan of the last run first, if times state it. plans: of `read_plans`. runs: of `Store.plans`."""
    newest = runs[-1]
    return sorted(plans, key=lambda plan: bool(newest.written) and plan.identity != newest.identity)


def cautions_of(plans: Sequence[Plan]) -> tuple[str, ...]:
    """List the cautions of plans, each once: earlier runs may have had more images."""
    return tuple(dict.fromkeys(caution for plan in plans for caution in plan.cautions))


def views_of(plans: Sequence[Plan]) -> tuple[str, ...]:
    """List the views of plans, the views of the last one first."""
    return tuple(dict.fromkeys(view for plan in reversed(plans) for view in plan.views))
