"""The panels of a section: one for each setting and view of a plan's cells."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from ..store.cell import view_name
from ..store.view import View
from ..studies.evidence import Evidence, evidence_of
from ..studies.shift import shift_of
from ..studies.sources import Source
from ..studies.titles import numbered
from .panel import Panel

__all__ = ["panels_of"]

MOST_VIEWS = 3  # of more views, only so many are shown class by class


def panels_of(source: Source) -> list[Panel]:
    """Resample the cells of a plan: a panel per setting. The main one has the most images.

    Without any quality cell, a single panel that has neither cells nor views.
    """
    if not len(source.quality):
        nothing = pd.DataFrame(columns=["title", "view", "corruption", "flag"])
        return [Panel(source=source, evidence=Evidence(nothing, {}), main=True)]
    every = evidence_of(source.quality, source.reference, source.plan.primary, source.plan.margin)
    main = max(every, key=lambda evidence: (int(evidence.cells["images"].iloc[0]), len(evidence.cells)))
    voids = [evidence.cells["void"].iloc[0] for evidence in every]
    seen = [view_name(view.label, void) for evidence, void in zip(every, voids, strict=True) for view in evidence.views]
    names = iter(numbered(seen))
    panels = []
    for evidence in every:
        panel = Panel(source=source, evidence=evidence, main=evidence is main)
        detailed = views_in_detail(evidence.views)
        first = next((view for view in evidence.views if not view.batchnorm), evidence.views[0])
        views = [
            replace(panel, view=view, name=next(names), main=panel.main and view == first, detailed=view in detailed)
            for view in evidence.views
        ]
        panels.append(replace(panel, views=tuple(views)))
    return panels


def views_in_detail(views: Sequence[View]) -> Sequence[View]:
    """Choose the views to show class by class: the two of the extent effect, if there."""
    shift = shift_of(views)
    return [view for view in views if shift and view in (shift.slide, View())] or views[:MOST_VIEWS]
