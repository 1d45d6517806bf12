"""Resolution: clean mIoU by view, what a shift costs each arm, whether corruption adds to it; the claim of Table 1c."""

from dataclasses import replace
from functools import partial

import numpy as np

from ...store.cell import CLEAN
from ...studies.claims import TABLE_1C, judge
from ...studies.comparisons import Differences
from ...studies.evidence import Entry
from ...studies.findings import Finding, pair_finding
from ...studies.shift import Shift, effect_differences, growth_differences, growth_of_share, lost_by_effect, shift_of
from ...wording import MOST_NAMES, conjoin, counted, percent
from ..content import ANSWER, Content, Picture
from ..differences import long_table, wide_table
from ..panel import Panel
from ..resolution_pictures import resolution_pictures
from ..resolution_tables import growth_table, published_table, share_table, views_table
from ..scores import groups_table
from ..units import signed, state, verdict

__all__ = ["make"]


def make(panel: Panel) -> Content:
    """Make the tables of views, and of effects where views let one measure any, with sentences on these."""
    if len(panel.source.plan.views) < 2 or not (panel.cells["corruption"] == CLEAN).any():
        return Content()
    miou, shift = partial(panel.by_view, "miou"), shift_of(panel.order)
    differences = panel.evidence.differences(miou, lambda view: (view,))
    fields = panel.fields("differences-views", "Differences between arms in clean mIoU by view")
    tables = [views_table(panel, shift), *wide_table(panel, differences, **fields)]
    if not panel.conditions:
        tables += [table for view in panel.views if view.detailed for table in groups_table(view)]
    views = Content(tables=tuple(tables))
    return views + shift_content(panel, shift) if shift else views


def shift_content(panel: Panel, shift: Shift) -> Content:
    """Make tables, figures and sentences on effects, on clean images and under corruption."""
    differences = effect_differences(panel.evidence, shift)
    growth = growth_differences(panel.evidence, shift, panel.conditions)
    effects = {name: name for _, _, name in differences}
    lost = "Points lost by one arm minus those lost by the other; positive: the first loses more"
    fields = panel.fields("resolution-differences", "Whether arms lose differently")
    tables = long_table(panel, differences, ("effect", effects), lost, main=True, **fields)
    if panel.conditions:
        tables += [growth_table(panel, shift), share_table(panel, shift)]
    share, lost = {"growth": "growth of the share"}, "Points of the windows' mIoU"
    fields = panel.fields("resolution-share-differences", "Whether the share that arms lose grows differently")
    tables += [*long_table(panel, growth, ("in", share), lost, **fields), published_table(panel, shift)]
    return Content(
        tables=tuple(tables),
        pictures=pictures_of(panel, shift, differences) if panel.source.pictures else (),
        findings=findings(differences, growth),
        sentences=tuple(results_of_growth(panel, shift, growth) or results(panel, shift, differences)),
    )


def pictures_of(panel: Panel, shift: Shift, differences: Differences) -> tuple[Picture, ...]:
    """Draw all; of clean images alone, the first is on the first screen."""
    pictures = resolution_pictures(panel, shift, differences)
    first = 0 if panel.conditions else 1
    return (*(replace(picture, group=ANSWER) for picture in pictures[:first]), *pictures[first:])


def findings(differences: Differences, growth: Differences) -> tuple[Finding, ...]:
    """State how the arms of the paper's claim differ in what they lose to the extent, and in how corruption adds."""
    every = {"extent": differences, "growth": growth}
    made: list[Finding] = []
    for name, own in every.items():
        pair = TABLE_1C.choose([key[:2] for key, each in own.items() if key[2] == name and each.measured])
        made += [pair_finding(own[*pair, name], name)] if pair else []
    return tuple(made)


def results(panel: Panel, shift: Shift, differences: Differences) -> list[str]:
    """State what each arm loses with the extent, whether arms differ, and whether that agrees with Table 1c."""
    evidence = panel.evidence
    entries = evidence.arm_entries(lambda title: lost_by_effect(evidence, shift, title))
    if "extent" not in entries[0].values:
        return []
    absent = [entry.name for entry in entries if np.isnan(entry.values["extent"][0])]
    parts = state(
        [entry for entry in entries if entry.name not in absent],
        lambda entry: -float(entry.values["extent"][0]),
        lambda entry: signed(evidence.interval(entry.values["extent"])),
    )
    sentences = []
    if parts:
        sentences.append(
            f"From windows of {shift.slide.crop} pixels to whole images ({panel.images}), the loss of clean mIoU "
            f"(negative is a gain) is: {conjoin(parts)}."
        )
    if absent:
        sentences.append(f"Cells of {conjoin(absent, MOST_NAMES)} are missing, so there is no extent effect.")
    differences = {key: each for key, each in differences.items() if each.measured}
    pair = TABLE_1C.choose([(first, second) for first, second, name in differences if name == "extent"])
    if pair is None:
        return sentences
    extent = differences[*pair, "extent"]
    paper = f"; the {TABLE_1C.statement}, which this {judge(TABLE_1C, extent)}" if TABLE_1C.fits(pair) else ""
    turn, arms = extent.interval.estimate < 0, f"{extent.positive.first} minus {extent.positive.second}"
    sentences.append(f"{arms}: {verdict(extent.positive, ' of that loss')}{paper}.")
    if scale := next((f"{each:g}" for each in reversed(shift.scales) if f"joint x{each:g}" in entries[0].values), ""):
        of_last = {f"scale x{scale}": "by the same windows", f"joint x{scale}": "whole"}
        measured = {where: differences.get((*pair, name)) for name, where in of_last.items()}
        parts = [
            f"{where} {verdict(each.turned if turn else each)}"
            for where, each in measured.items()
            if each and not each.obstacle
        ]
        if parts:
            sentences.append(f"{arms}, the loss with the image scaled by {scale}: {'; '.join(parts)}.")
    return sentences


def results_of_growth(panel: Panel, shift: Shift, growth: Differences) -> list[str]:
    """State whether corruption makes the extent effect larger, on average over corruptions, and whether arms differ."""
    evidence, conditions = panel.evidence, panel.conditions
    entries = evidence.arm_entries(lambda title: growth_of_share(evidence, shift, title, conditions))
    if any(not entry.values or np.isnan(entry.values["growth"][0]) for entry in entries):
        return []

    def text(entry: Entry) -> str:
        clean, corrupted = (percent(entry.values[name][0]) for name in ("clean", "corrupted"))
        return f"{clean} and {corrupted}, a growth of {signed(evidence.interval(entry.values['growth']))}"

    parts = state(entries, lambda entry: -float(entry.values["growth"][0]), text)
    sentences = [
        f"The loss from windows to whole images, in % of the windows' mIoU (negative is a gain), on clean images and "
        f"on average over {counted(len(conditions), 'corruption')}: {'; '.join(parts)}."
    ]
    if pair := TABLE_1C.choose([(first, second) for first, second, _ in growth]):
        each = growth[*pair, "growth"].positive
        sentences.append(f"{each.first} minus {each.second}: {verdict(each, ' of growth')}.")
    return sentences
