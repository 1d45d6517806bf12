"""What a section of a report is computed from: the cells of one plan, from all folders that have any.

Plans of one suite and its conditions are one, whatever views each has; the views of the last folder come first. Plans
of suites of different names are one too, if they are in different folders and have the same conditions and views of
the same data and no cell in common, such as networks in float32 and in int8. The last folder's plan then stands for
both. Of one folder, the plan of the last run comes first. A plan of one folder leads with what its last run measured,
whatever older runs left there.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ..errors import StoreError
from ..store.folder import Store
from ..store.plan import Plan
from ..store.view import View
from .draws import first_draws
from .evidence import SAME_IMAGES
from .frame import expect_agreement, latency_frame, quality_frame
from .plans import cautions_of, read_plans, views_of
from .primary import late_naming, primary_of
from .robustness import Conditions
from .titles import name_models, with_titles

__all__ = ["ReportSource", "sources_of"]


@dataclass(frozen=True, eq=False)
class ReportSource:
    """One plan, and the stores that have cells of it.

    measured: all quality cells of these stores; drawn, latency: the plan's own, with `title`, the name of their model
    in all sections; quality: the first draw of `drawn` that the last run has, else the first one. last: the keys of the
    last run's cells; none where several folders have it.
    """

    stores: Sequence[Store]
    plan: Plan
    measured: pd.DataFrame
    drawn: pd.DataFrame
    quality: pd.DataFrame
    latency: pd.DataFrame
    last: frozenset[str]
    reference: str | None
    pictures: bool

    @property
    def conditions(self) -> Conditions:
        return dict(self.plan.conditions)

    def precedence(self, cells: pd.DataFrame) -> tuple[bool, int, int]:
        """By which the cells of a setting lead: whether some are of the last run, how many images and cells."""
        return not self.last.isdisjoint(cells["key"]), int(cells["images"].iloc[0]), len(cells)

    @property
    def missing(self) -> dict[str, str]:
        """The slugs of planned cells that are not in the stores, by key."""
        done = {*self.drawn.get("key", ()), *self.latency.get("key", ())}
        return {cell.key: cell.slug for cell in self.plan.cells if cell.key not in done}

    @property
    def failures(self) -> list[tuple[str, str]]:
        """The file names and messages of the failures of missing cells."""
        every, missing = [each for store in self.stores for each in store.failures().items()], self.missing
        return [(name, failure.message) for name, failure in every if failure.record.key in missing]


def sources_of(
    folders: Sequence[Path], reference: str | None, *, pictures: bool, margin: float | None = None
) -> list[ReportSource]:
    """Read folders and bring together what belongs to one plan, such as the seeds of an arm that ran apart.

    margin: in points, in the place of the plans'; UsageError unless it is above 0 and at most 100.
    Raises StoreError for a folder without a finished or failed cell, and where a corruption of a user's own was edited
    between the runs.
    """
    frames = {}
    plans: dict[object, dict[Path, Plan]] = {}
    places: dict[object, object] = {}  # subject ─▶ key of `plans`
    runs: dict[Path, list[Plan]] = {}  # of each folder, the last one at the end
    for folder in folders:
        frames[folder] = quality_frame(folder), latency_frame(folder)
        for plan in read_plans(folder, frames[folder][0]):
            place: object = plan.identity
            if place not in plans:
                place = places.setdefault(subject(plan, frames[folder][0]), place)
            others = plans.get(place, {})
            repeated = place != plan.identity and any(shares_a_cell(plan, other) for other in others.values())
            if folder in others or repeated:  # two suites of one folder, or of the same cells, stay apart
                place = plan.identity
            plans.setdefault(place, {})[folder] = plan
        runs[folder] = Store(folder).plans()
        if not any(map(len, frames[folder])) and not Store(folder).failures():
            raise StoreError(f"{folder}: no cell is finished yet; run the suite again to resume")
    keys = list(dict.fromkeys(cell.key for own in plans.values() for plan in own.values() for cell in plan.cells))
    planned = [only(frame, keys) for both in frames.values() for frame in both]
    names = name_models(planned, [run for own in runs.values() for run in reversed(own)])
    sources = []
    for own in plans.values():
        folder, last = list(own.items())[-1]
        alone = len(own) == 1 and last.written
        latest = [run for run in runs[folder] if run.identity == last.identity][-1]
        now = frozenset(cell.key for cell in latest.cells) if alone else frozenset()
        cells = {cell.key: cell for plan in own.values() for cell in plan.cells}
        measured, speeds = (together([frames[folder][kind] for folder in own]) for kind in (0, 1))
        views = views_of(list(own.values()))
        quality = views_in_order(with_titles(only(measured, list(cells)), names), views)
        expect_one_source(quality)
        sources.append(
            ReportSource(
                stores=[Store(folder) for folder in own],
                plan=replace(
                    last,
                    cells=tuple(cells.values()),
                    views=views,
                    cautions=cautions_of(list(own.values())),
                    primary=primary_of(last),
                    limits=(*last.limits, *late_naming(last)),
                    margin=last.margin if margin is None else margin,
                ),
                measured=measured,
                drawn=quality,
                quality=first_of(quality, now),
                latency=with_titles(only(speeds, list(cells)), names),
                last=now,
                reference=reference,
                pictures=pictures,
            )
        )
    if len(runs) == 1 and (newest := runs[folder][-1]).written:
        sources.sort(key=lambda source: source.plan.identity != newest.identity)
    return sources


def first_of(cells: pd.DataFrame, last: Collection[str]) -> pd.DataFrame:
    """Keep the draws that come first for a model in a setting, see `ReportSource`; the cells stay in their order.

    The others' cells of such a draw stay too: without them a pair of models that share it would not be compared.
    """
    if not len(cells):
        return cells
    own = first_draws(cells.sort_values("key", key=lambda keys: ~keys.isin(last), kind="stable"))
    return cells[pd.MultiIndex.from_frame(cells[SAME_IMAGES]).isin(pd.MultiIndex.from_frame(own[SAME_IMAGES]))]


def shares_a_cell(one: Plan, other: Plan) -> bool:
    return not {cell.key for cell in one.cells}.isdisjoint(cell.key for cell in other.cells)


def subject(plan: Plan, cells: pd.DataFrame) -> object:
    """What a plan measures, whatever its suite is called. Before its first cell is finished, its identity."""
    own = cells[cells["key"].isin([cell.key for cell in plan.cells])] if len(cells) else cells
    data = frozenset(zip(own["dataset"], own["split"], strict=True)) if len(own) else frozenset()
    return (plan.protocol, plan.conditions, plan.views, data) if data else plan.identity


def together(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the cells of several stores together, each once. Raises StoreError where two contradict each other."""
    parts = [frame for frame in frames if len(frame)]
    if not parts:
        return pd.DataFrame()
    cells = pd.concat(parts, ignore_index=True)
    expect_agreement(cells)
    return cells.drop_duplicates("key")


def expect_one_source(cells: pd.DataFrame) -> None:
    """Raise StoreError where cells that are compared have a corruption of a user's own in two versions."""
    if not len(cells):
        return
    place = [*SAME_IMAGES, "corruption"]
    kinds = cells.drop_duplicates([*place, "corruption_source"])
    second = kinds[kinds.duplicated(place)]
    if len(second):
        row = second.iloc[0]
        first = kinds[(kinds[place] == row[place]).all(axis=1)].iloc[0]
        raise StoreError(
            f"{row['path']}: its {row['corruption']} has another source than in {first['path']}, and so other "
            "pixels; run the older of the two again, or report the folders apart"
        )


def views_in_order(cells: pd.DataFrame, views: Sequence[str]) -> pd.DataFrame:
    """Sort cells by view; the cells of a view stay in their order."""
    if not len(cells):
        return cells
    order = {View.parse(name).label: place for place, name in enumerate(views)}
    return cells.sort_values("view", key=lambda column: column.astype(str).map(order), kind="stable")


def only(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The rows of a plan's cells, in the plan's order."""
    if not len(frame):
        return frame
    order = {key: place for place, key in enumerate(keys)}
    return frame[frame["key"].isin(order)].sort_values("key", key=lambda column: column.map(order))
