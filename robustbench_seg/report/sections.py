"""The sections of a report, computed from the store: a section per plan, made by one loop over its parts."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pandas as pd

from ..errors import UsageError
from ..store.plan import expect_margin
from ..studies.alarms import identical_models
from ..studies.facts import facts_of, provenance
from ..studies.limits import limits_of, mixed_data, untrusted
from ..studies.pictures import colours_of
from ..studies.sources import ReportSource, sources_of
from ..studies.titles import name_suites, numbered
from ..wording import BRIEF
from .content import Content, Picture, Section
from .panel import Panel
from .parts import PARTS
from .parts.references import REFERENCES
from .table import Table
from .units import file_name

__all__ = ["sections_of"]

Item = TypeVar("Item", Table, Picture)
MOST = 3  # sentences that a section begins with


def sections_of(
    folders: Sequence[Path], *, reference: str | None = None, pictures: bool = True, margin: float | None = None
) -> list[Section]:
    """Compute the report of result folders: a section per suite, its cells from all folders that have any.

    reference: the model that CD and rCD are against, or one of REFERENCES. pictures: with figures. margin: in
    points, in the place of the suites'.
    Raises StoreError for a folder in which nothing is finished or failed, UsageError for an unknown
    reference or margin.
    """
    if margin is not None:
        expect_margin(margin)
    sources = sources_of(folders, reference, pictures=pictures, margin=margin)
    names = name_suites([source.plan for source in sources])
    sections = [section_of(source, name) for source, name in zip(sources, names, strict=True)]
    models = list(dict.fromkeys(model for section in sections for model in section.models))
    if reference is not None and reference not in (*models, *REFERENCES):
        raise UsageError(f"--reference {reference}: no such model; there are {', '.join([*models, *REFERENCES])}")
    return sections


def section_of(source: ReportSource, name: str) -> Section:
    """Compute the section of one plan; writes nothing. name: of its suite in the report."""
    panels = Panel.all_of(source)
    main = next(panel for panel in panels if panel.main)
    of_main_panel = sorted(panels, key=lambda panel: not panel.main)
    views = sorted((view for panel in of_main_panel for view in panel.views), key=lambda view: not view.main)
    content, sentences = Content(), []
    for part in PARTS.values():
        for panel in panels:
            content += (made := part.content(panel))
            if panel.main and made.sentences:
                void = f"{panel.void.capitalize()}: " if panel.void else ""
                sentences.append([f"{void}{line}" for line in made.sentences])
    # The first sentence of every part, then the second; of the later part first, which has more to add.
    ranks = sorted((k, -number) for number, some in enumerate(sentences) for k in range(len(some)))
    order = sorted((-number, k) for k, number in ranks[:MOST])
    # Sentences that name no view are of the main one, which is transductive where all are.
    flag = "Transductive: " if main.order and all(view.batchnorm for view in main.order) else ""
    # A primary comparison before others, then the earlier part.
    finding = max(content.findings, key=lambda each: each.primary, default=None)
    alarms = tuple(f"⚠ {line}." for line in (*identical_models(source.drawn), *mixed_data(source.drawn, main.cells)))
    finished = [frame.assign(model=frame["title"]) for frame in (source.drawn, source.latency) if len(frame)]
    facts = facts_of(pd.concat(finished)) if finished else {}
    return Section(
        suite=source.plan.suite,
        name=name,
        description=source.plan.description,
        planned=len(source.plan.cells),
        about={view.name: about(view) for view in views},
        views=tuple(view.name for view in views),
        finding=finding,
        models=tuple(dict.fromkeys(title for panel in panels for title in panel.evidence.titles)),
        synthetic=bool(len(source.quality) and source.quality["synthetic"].any()),
        sentences=tuple(f"{flag}{sentences[number][k]}" for number, k in order),
        warnings=(*alarms, *content.warnings, *untrusted(main.cells)),
        alarms=alarms,
        tables=with_own_files(content.tables),
        pictures=with_own_files(content.pictures) if source.pictures else (),
        gallery=tuple(gallery := main.pictures()),
        colours=colours_of(main.cells) if gallery else {},
        contrast=main.contrast,
        missing=tuple(source.missing.values()),
        failures=tuple(source.failures),
        provenance=tuple(provenance(facts)) if finished else (),
        facts=facts,
        limits=tuple(limits_of(source.plan, main.evidence)) if len(main.cells) else (),
    )


def about(view: Panel) -> tuple[str, ...]:
    """State in a few words what the cells of a view are of: the data, the protocol, and how they were measured."""
    protocol = f"protocol {view.source.plan.protocol}"
    texts = "{dataset} {split}", view.images, protocol, "{precision}", "seed {seed}", "engine version {engine_version}"
    return tuple(text.format(**view.cells.iloc[0]) for text in (*texts, f"fingerprint {{fingerprint:.{BRIEF}}}"))


def with_own_files(items: Sequence[Item]) -> tuple[Item, ...]:
    """Number the files of those that would share one, as of a suite that was run at two precisions."""
    names = numbered([item.file for item in items])
    return tuple(replace(item, file=file_name(name)) for item, name in zip(items, names, strict=True))
