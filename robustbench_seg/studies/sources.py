"""What a section of a report is computed from: the cells of one plan, from all folders that have any.

The views of the last folder come first, and its plan stands for the plans that are one; see `plan_groups`. Of one
folder, the plan of the last run comes first. A plan of one folder leads with what its last run measured, whatever older
runs left there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ..errors import StoreError
from ..store.folder import Store
from ..store.plan import Plan
from ..store.view import View
from .draws import first_draws
from .evidence import SAME_IMAGES
from .frame import expect_agreement
from .plan_groups import FolderContent, Group, groups_of
from .plans import cautions_of, views_of
from .primary import late_naming, primary_of
from .robustness import Conditions
from .titles import Model, name_models, with_titles

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
    contents = [FolderContent.read(folder) for folder in dict.fromkeys(folders)]
    groups = groups_of(contents)
    keys = list(dict.fromkeys(cell.key for group in groups for plan in group.values() for cell in plan.cells))
    planned = [only(frame, keys) for content in contents for frame in (content.quality, content.latency)]
    names = name_models(planned, [run for content in contents for run in reversed(content.runs)])
    sources = [source_of(group, names, reference, pictures=pictures, margin=margin) for group in groups]
    if len(contents) == 1 and (newest := contents[0].runs[-1]).written:
        sources.sort(key=lambda source: source.plan.identity != newest.identity)
    return sources


def source_of(
    group: Group, names: Mapping[Model, str], reference: str | None, *, pictures: bool, margin: float | None
) -> ReportSource:
    """Make one plan of a group, with the cells of its folders. names: of `name_models`. The rest: see `sources_of`."""
    plans = list(group.values())
    newest, last = list(group)[-1], plans[-1]
    latest = [run for run in newest.runs if run.identity == last.identity][-1]
    now = frozenset(cell.key for cell in latest.cells) if len(group) == 1 and last.written else frozenset()
    cells = {cell.key: cell for plan in plans for cell in plan.cells}
    measured, speeds = together([one.quality for one in group]), together([one.latency for one in group])
    views = views_of(plans)
    quality = views_in_order(with_titles(only(measured, list(cells)), names), views)
    expect_one_source(quality)
    return ReportSource(
        stores=[one.store for one in group],
        plan=replace(
            last,
            cells=tuple(cells.values()),
            views=views,
            cautions=cautions_of(plans),
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


def first_of(cells: pd.DataFrame, last: Collection[str]) -> pd.DataFrame:
    """Keep the draws that come first for a model in a setting, see `ReportSource`; the cells stay in their order.

    The others' cells of such a draw stay too: without them a pair of models that share it would not be compared.
    """
    if not len(cells):
        return cells
    own = first_draws(cells.sort_values("key", key=lambda keys: ~keys.isin(last), kind="stable"))
    return cells[pd.MultiIndex.from_frame(cells[SAME_IMAGES]).isin(pd.MultiIndex.from_frame(own[SAME_IMAGES]))]


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
