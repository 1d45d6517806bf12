"""Resolution: clean mIoU by view, what a shift costs each arm, whether corruption adds to it; the claim of Table 1c."""

from dataclasses import replace

import numpy as np

from ...store.cell import CLEAN
from ...studies.claims import TABLE_1C, judge
from ...studies.evidence import Entry
from ...studies.findings import pair_finding
from ...studies.resolution import Shift, shifts_of
from ...wording import MOST_NAMES, conjoin, counted, percent
from ..content import Content
from ..differences import long_table, wide_table
from ..panel import Panel
from ..resolution import growth_table, pictures_of, published_table, share_table, views_table
from ..scores import groups_table
from ..units import signed, state, verdict

__all__ = ["make"]

SCALED = {"scale": "by the same windows", "joint": "whole"}  # of the last scale, how an effect is measured


def make(panel: Panel) -> Content:
    """Make the tables of views, and of effects where views let one measure any, with sentences on these."""
    if len(panel.source.plan.views) < 2 or not (panel.cells["corruption"] == CLEAN).any():
        return Content()
    shifts = shifts_of(panel.evidence, panel.order, panel.conditions)
    differences = panel.evidence.differences(panel.by_view, lambda view: (view,))
    fields = panel.fields("differences-views", "Differences between arms in clean mIoU by view")
    tables = [views_table(panel, next(iter(shifts), None)), *wide_table(panel, differences, **fields)]
    if not panel.conditions:
        tables += [table for view in panel.views if view.detailed for table in groups_table(view)]
    contents = (shift_content(replace(panel, name=shift.name), shift) for shift in shifts)
    return sum(contents, Content(tables=tuple(tables)))


def shift_content(panel: Panel, shift: Shift) -> Content:
    """Make tables, figures and sentences on effects, on clean images and under corruption.

    The shift that leads the report has its sentences, and its effects in the table of views.
    """
    lost = "Points lost by one arm minus those lost by the other; positive: the first loses more"
    fields = panel.fields("resolution-differences", "Whether arms lose differently")
    effects = {name: name for name in shift.effects}
    tables = [views_table(panel, shift)] if shift.name else []
    tables += long_table(panel, shift.differences, ("effect", effects), lost, main=not shift.name, **fields)
    if panel.conditions:
        tables += [growth_table(panel, shift), share_table(panel, shift)]
    share, lost = {"growth": "growth of the share"}, "Points of the windows' mIoU"
    fields = panel.fields("resolution-share-differences", "Whether the share that arms lose grows differently")
    tables += long_table(panel, shift.growth, ("in", share), lost, **fields)
    every = {"extent": shift.differences, "growth": shift.growth}
    pairs = {name: TABLE_1C.pair(own, name) for name, own in every.items()}
    pictures = tuple(pictures_of(panel, shift)) if panel.source.pictures else ()
    if shift.name:
        return Content(tables=tuple(tables), pictures=pictures)
    return Content(
        tables=(*tables, published_table(panel, shift)),
        pictures=pictures,
        findings=tuple(pair_finding(every[name][*pair, name], name) for name, pair in pairs.items() if pair),
        sentences=tuple(results_of_growth(panel, shift) or results(panel, shift)),
    )


def results(panel: Panel, shift: Shift) -> list[str]:
    """State what each arm loses with the extent, whether arms differ, and whether that agrees with Table 1c."""
    if "extent" not in shift.effects:
        return []
    entries, differences = panel.arms(shift.lost), shift.differences
    absent = [entry.name for entry in entries if np.isnan(entry.values["extent"][0])]
    parts = state(
        [entry for entry in entries if entry.name not in absent],
        lambda entry: -float(entry.values["extent"][0]),
        lambda entry: signed(panel.interval(entry.values["extent"])),
    )
    sentences = []
    if parts:
        sentences.append(
            f"From windows of {shift.slide.crop} pixels to {shift.image} ({panel.images}), the loss of clean mIoU "
            f"(negative is a gain) is: {conjoin(parts)}."
        )
    if absent:
        sentences.append(f"Cells of {conjoin(absent, MOST_NAMES)} are missing, so there is no extent effect.")
    pair = TABLE_1C.pair(differences, "extent")
    if pair is None:
        return sentences
    extent = differences[*pair, "extent"]
    paper = f"; the {TABLE_1C.statement}, which this {judge(TABLE_1C, extent)}" if TABLE_1C.fits(pair) else ""
    turn, arms = extent.interval.estimate < 0, f"{extent.positive.first} minus {extent.positive.second}"
    sentences.append(f"{arms}: {verdict(extent.positive, ' of that loss')}{paper}.")
    if scale := next((f"x{each:g}" for each in reversed(shift.scales) if f"joint x{each:g}" in shift.effects), ""):
        measured = {where: differences.get((*pair, f"{kind} {scale}")) for kind, where in SCALED.items()}
        parts = [
            f"{where} {verdict(each.turned if turn else each)}"
            for where, each in measured.items()
            if each and not each.obstacle
        ]
        if parts:
            sentences.append(f"{arms}, the loss with the image scaled by {scale[1:]}: {'; '.join(parts)}.")
    return sentences


def results_of_growth(panel: Panel, shift: Shift) -> list[str]:
    """State whether corruption makes the extent effect larger, on average over corruptions, and whether arms differ."""
    entries = panel.arms(shift.shares)
    if any(not entry.values or np.isnan(entry.values["growth"][0]) for entry in entries):
        return []

    def text(entry: Entry) -> str:
        clean, corrupted = (percent(entry.values[name][0]) for name in ("clean", "corrupted"))
        return f"{clean} and {corrupted}, a growth of {signed(panel.interval(entry.values['growth']))}"

    parts = state(entries, lambda entry: -float(entry.values["growth"][0]), text)
    sentences = [
        f"The loss from windows to {shift.image}, in % of the windows' mIoU (negative is a gain), on clean images and "
        f"on average over {counted(len(panel.conditions), 'corruption')}: {'; '.join(parts)}."
    ]
    if pair := TABLE_1C.pair(shift.growth, "growth"):
        each = shift.growth[*pair, "growth"].positive
        sentences.append(f"{each.first} minus {each.second}: {verdict(each, ' of growth')}.")
    return sentences
