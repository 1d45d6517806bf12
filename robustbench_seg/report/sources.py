"""What a section of a report is computed from: the cells of one plan, from all folders that have any."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ..errors import StoreError
from ..notes import Plan
from ..store import Store
from ..studies.frame import expect_agreement, latency_frame, quality_frame, read_plans
from ..studies.robustness import Conditions

__all__ = ["Source", "sources_of"]


@dataclass(frozen=True, eq=False)
class Source:
    """One plan, and the stores that have cells of it.

    measured: all quality cells of these stores; quality, latency: the plan's own.
    """

    stores: Sequence[Store]
    plan: Plan
    measured: pd.DataFrame
    quality: pd.DataFrame
    latency: pd.DataFrame
    reference: str | None
    pictures: bool

    @property
    def conditions(self) -> Conditions:
        return dict(self.plan.conditions)


def sources_of(folders: Sequence[Path], reference: str | None, *, pictures: bool) -> list[Source]:
    """Read folders and bring together what belongs to one plan, such as the seeds of an arm that ran apart."""
    frames = {}
    plans: dict[object, dict[Path, Plan]] = {}
    for folder in folders:
        for plan in read_plans(folder):
            plans.setdefault(plan.identity, {})[folder] = plan
        frames[folder] = quality_frame(folder), latency_frame(folder)
        if not any(map(len, frames[folder])) and not Store(folder).failures():
            raise StoreError(f"{folder}: no cell is finished yet; run the suite again to go on")
    sources = []
    for own in plans.values():
        cells = {cell.key: cell for plan in own.values() for cell in plan.cells}
        measured, speeds = (joined([frames[folder][kind] for folder in own]) for kind in (0, 1))
        sources.append(
            Source(
                stores=[Store(folder) for folder in own],
                plan=replace(list(own.values())[-1], cells=tuple(cells.values())),
                measured=measured,
                quality=only(measured, list(cells)),
                latency=only(speeds, list(cells)),
                reference=reference,
                pictures=pictures,
            )
        )
    return sources


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the cells of several stores together, each once. Raises StoreError where two contradict each other."""
    parts = [frame for frame in frames if len(frame)]
    if not parts:
        return pd.DataFrame()
    cells = pd.concat(parts, ignore_index=True)
    expect_agreement(cells)
    return cells.drop_duplicates("key")


def only(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The rows of a plan's cells, in the plan's order."""
    if not len(frame):
        return frame
    order = {key: place for place, key in enumerate(keys)}
    return frame[frame["key"].isin(order)].sort_values("key", key=lambda column: column.map(order))
