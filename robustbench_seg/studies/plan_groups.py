"""What folders hold, and which of their plans a report shows as one.

Plans of one suite and its conditions are one, whatever views each has. Plans of suites of different names are one too,
if they are in different folders and have the same conditions and views of the same data and no cell in common, such as
networks in float32 and in int8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from ..errors import StoreError
from ..store.folder import Store
from ..store.plan import Plan
from .frame import latency_frame, quality_frame
from .plans import read_plans

__all__ = ["FolderContent", "Group", "groups_of"]


@dataclass(frozen=True, eq=False)
class FolderContent:
    """What a folder holds. plans: of `read_plans`. runs: the plans as they were written, the last one at the end."""

    store: Store
    quality: pd.DataFrame
    latency: pd.DataFrame
    plans: Sequence[Plan]
    runs: Sequence[Plan]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a folder. Raises StoreError for one without a finished or failed cell."""
        store, quality, latency = Store(folder), quality_frame(folder), latency_frame(folder)
        plans, runs = read_plans(folder, quality), store.plans()
        if not len(quality) and not len(latency) and not store.failures():
            raise StoreError(f"{folder}: no cell is finished yet; run the suite again to resume")
        return cls(store, quality, latency, plans, runs)


Group = dict[FolderContent, Plan]  # plans that a report shows as one, by the folder of each


def groups_of(contents: Sequence[FolderContent]) -> list[Group]:
    """Put the plans of folders into groups, by suite and conditions, or by subject; see this module."""
    groups: dict[object, Group] = {}
    places: dict[object, object] = {}  # subject ─▶ key of `groups`
    for content in contents:
        for plan in content.plans:
            place: object = plan.identity
            if place not in groups:
                place = places.setdefault(subject(plan, content.quality), place)
            others = groups.get(place, {})
            repeated = place != plan.identity and any(shares_a_cell(plan, other) for other in others.values())
            if content in others or repeated:  # two suites of one folder, or of the same cells, stay apart
                place = plan.identity
            groups.setdefault(place, {})[content] = plan
    return list(groups.values())


def shares_a_cell(one: Plan, other: Plan) -> bool:
    return not {cell.key for cell in one.cells}.isdisjoint(cell.key for cell in other.cells)


def subject(plan: Plan, cells: pd.DataFrame) -> object:
    """What a plan measures, whatever its suite is called. Before its first cell is finished, its identity."""
    own = cells[cells["key"].isin([cell.key for cell in plan.cells])] if len(cells) else cells
    data = frozenset(zip(own["dataset"], own["split"], strict=True)) if len(own) else frozenset()
    return (plan.protocol, plan.conditions, plan.views, data) if data else plan.identity
