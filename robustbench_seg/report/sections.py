"""What a report says, computed from the store: a section per plan, with its tables, figures and provenance."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pandas as pd

from ..errors import UsageError
from ..store.cell import CLEAN, View
from ..studies.robustness import SETTING
from ..wording import counted
from .claims import MOST, found_in_robustness, found_on_clean, incomplete
from .classes import classes_table
from .content import Picture, Section, Table
from .differences import compare_arms, difference_pictures, difference_tables, differences_by_view
from .evidence import Evidence, evidence_of
from .provenance import describe_protocol, describe_setting, file_name, limits_of, provenance, weights_of
from .references import published_table, ranking_table, reference_tables
from .reliability import reliability_by_view, reliability_tables
from .resolution import resolution_tables
from .resolution_claims import found_in_growth, found_in_resolution
from .resolution_pictures import resolution_pictures
from .robustness import robustness_pictures, robustness_tables, score_rows, severities_table
from .shift import shift_of
from .sources import Source, sources_of
from .speed import speed_tables, titled, tradeoff_picture
from .strips import gallery_pictures, strips
from .tables import unique
from .views import views_table

__all__ = ["sections_of"]

Item = TypeVar("Item", Table, Picture)
MOST_VIEWS = 3  # of more views, only so many are shown class by class


def sections_of(folders: Sequence[Path], *, reference: str | None = None, pictures: bool = True) -> list[Section]:
    """Compute the report of result folders: a section per suite, its cells from all folders that have any.

    reference: the model that CD and rCD are against. pictures: with figures.
    Raises StoreError for a folder in which nothing is finished or failed, UsageError for an unknown reference.
    """
    sections = [section_of(source) for source in sources_of(folders, reference, pictures=pictures)]
    models = list(dict.fromkeys(model for section in sections for model in section.models))
    if reference is not None and reference not in models:
        raise UsageError(f"--reference {reference}: no such model; there are {', '.join(models)}")
    return sections


def section_of(source: Source) -> Section:
    """Compute everything that a report says of one plan; writes nothing."""
    slugs = {cell.key: cell.slug for cell in source.plan.cells}
    section = Section(suite=source.plan.suite, description=source.plan.description, planned=len(slugs))
    done = {*source.quality.get("key", ()), *source.latency.get("key", ())}
    section.missing = [slug for key, slug in slugs.items() if key not in done]
    for name, failure in (each for store in source.stores for each in store.failures().items()):
        if failure.record.key in slugs.keys() - done:
            section.failures.append((name, failure.message))
    every = evidence_of(source.quality, source.reference) if len(source.quality) else []
    if every:
        add_quality(section, source, every)
    if len(source.latency):
        latency = titled(source.latency, source.quality)
        section.tables += speed_tables(latency)
        if every and source.pictures:
            picture = tradeoff_picture(every[0], every[0].views[0], latency)
            section.pictures += [picture] if picture else []
    finished = [frame for frame in (source.quality, source.latency) if len(frame)]
    if finished:
        section.provenance += provenance(pd.concat(finished))
    section.tables = with_own_files(section.tables)
    section.pictures = with_own_files(section.pictures)
    return section


def with_own_files(items: Sequence[Item]) -> list[Item]:
    """Number the files of those that would share one, as of a suite that was run at two precisions."""
    names = unique([item.file for item in items])
    return [replace(item, file=file_name(name)) for item, name in zip(items, names, strict=True)]


def add_quality(section: Section, source: Source, every: Sequence[Evidence]) -> None:
    """Add what quality cells tell: a table per setting; sentences of the setting with the most images."""
    section.models = list(dict.fromkeys(title for evidence in every for title in evidence.titles))
    section.synthetic = bool(source.quality["synthetic"].any())
    main = max(every, key=lambda evidence: (int(evidence.cells["images"].iloc[0]), len(evidence.cells)))
    places = [(evidence, view) for evidence in every for view in evidence.views]
    names = unique([view for _, view in places])
    for evidence in every:
        own = [(view, name) for (other, view), name in zip(places, names, strict=True) if other is evidence]
        if source.conditions or len(own) == 1:
            for view, name in own:
                add_view(section, source, evidence, view, name, main=evidence is main and view == main.views[0])
        if len(source.plan.views) > 1:
            add_views(section, source, evidence, main=evidence is main)
        for view, name in in_detail(own):
            add_details(section, source, evidence, view, name)
    if source.pictures:
        section.pictures += strips(source.plan.gallery, main.cells, source.conditions)
    section.gallery += gallery_pictures(source.plan.gallery, main.cells)
    section.limits = limits_of(source.plan, main)
    section.findings += [
        f"⚠ {title}, view {view}: {' and '.join(f'{flag} in {n}' for flag, n in flags.items())} of "
        f"{counted(len(part), 'cell')}; such numbers deserve no trust."
        for (title, view), part in main.cells.groupby(["title", "view"], sort=False)
        if (flags := part.loc[part["flag"] != "", "flag"].value_counts().to_dict())
    ]


def add_view(section: Section, source: Source, evidence: Evidence, view: str, name: str, *, main: bool) -> None:
    """Add the tables and figures of one view under corruption. main: the section's sentences are of it."""
    conditions = source.conditions
    cells = evidence.of_view(view)
    protocol = describe_protocol(source.plan.protocol, conditions)
    about = f"{protocol}; {describe_setting(cells.iloc[0])}; weights (sha256) {weights_of(cells)}"
    brief = f"{protocol}; settings and weights as in the tables"
    rows = score_rows(evidence, view, conditions)
    differences = compare_arms(evidence, view, conditions)
    section.tables += robustness_tables(evidence, view, source.plan, rows, about, name)
    if differences:
        section.tables += difference_tables(evidence, differences, conditions, brief, name)
    if source.pictures and differences:
        section.pictures += difference_pictures(evidence, differences, conditions, brief, name)
    if main:
        section.found += (
            found_in_robustness(evidence, view, rows, differences, conditions)
            if conditions
            else found_on_clean(rows, evidence, view)
        )
    if not conditions:
        return
    section.findings += incomplete(rows, view)
    section.tables.append(severities_table(evidence, view, conditions, about, name))
    if source.reference in evidence.titles:
        section.tables += reference_tables(cells, conditions, source.reference, brief, name)
    same = source.measured[(source.measured[SETTING] == cells.iloc[0][SETTING]).all(axis=1)]
    titles = cells[["model", "checkpoint_sha256", "title"]].drop_duplicates()
    others = (
        published_table(cells, source.plan, view, name),
        ranking_table(same.merge(titles, on=["model", "checkpoint_sha256"]), name),
    )
    section.tables += [table for table in others if table is not None]
    if source.pictures:
        section.pictures += robustness_pictures(evidence, view, conditions, brief, name)


def add_views(section: Section, source: Source, evidence: Evidence, *, main: bool) -> None:
    """Add what a change of view costs. main: the section's sentences are of it, where it tests the paper's claim."""
    if not (evidence.cells["corruption"] == CLEAN).any():
        return
    views = [view for view in source.plan.views if view in evidence.views]
    about = f"{describe_setting(evidence.cells.iloc[0], view=False)}; weights (sha256) {weights_of(evidence.cells)}"
    section.tables += [views_table(evidence, views, about), *differences_by_view(evidence, views, about)]
    if by_view(source):
        section.tables += reliability_by_view(evidence, views, about)
    shift = shift_of(views)
    if shift is None:
        return
    section.tables += resolution_tables(evidence, shift, source.conditions, about)
    if source.pictures:
        section.pictures += resolution_pictures(evidence, shift, "settings and weights as in the tables")
    if main:
        found = found_in_resolution(evidence, shift)
        # Of a suite of both, the first sentence is on corruption, the others on the loss under it.
        growth = found_in_growth(evidence, shift, source.conditions)
        section.found = [*section.found[:1], *growth] if growth else [*section.found, *found][:MOST]


def add_details(section: Section, source: Source, evidence: Evidence, view: str, name: str) -> None:
    """Add what lies below the headline: classes, boundaries, calibration."""
    cells = evidence.of_view(view)
    protocol = describe_protocol(source.plan.protocol, source.conditions)
    about = f"{protocol}; {describe_setting(cells.iloc[0])}; weights (sha256) {weights_of(cells)}"
    section.tables.append(classes_table(evidence, view, source.conditions, about, name))
    if not by_view(source):
        section.tables += reliability_tables(evidence, view, source.conditions, about, name)


def by_view(source: Source) -> bool:
    """Whether a table has a column per view, not per corruption: of several views of clean images."""
    return not source.conditions and len(source.plan.views) > 1


def in_detail(views: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Choose the views, with their names in files, to show class by class: those of the extent effect, if there."""
    shift = shift_of([view for view, _ in views])
    extent = {str(shift.slide), str(View())} if shift else set()
    return [each for each in views if each[0] in extent] or list(views[:MOST_VIEWS])
