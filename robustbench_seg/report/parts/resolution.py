"""Resolution: clean mIoU by view, what a shift costs each arm, whether corruption adds to it; the claim of Table 1c."""

from functools import partial

import numpy as np

from ...store.cell import CLEAN
from ...studies.claims import TABLE_1C, judge
from ...studies.evidence import Differences
from ...studies.shift import Shift, effect_differences, growth_differences, growth_of_share, lost_by_effect, shift_of
from ...studies.statistics import Draws
from ...wording import conjoin, counted, percent
from ..content import Content
from ..differences import long_table, wide_table
from ..panel import Panel
from ..resolution_pictures import resolution_pictures
from ..resolution_tables import cost_table, growth_table, published_table, share_table
from ..scores import flag_notes, view_columns
from ..table import Column, Table
from ..units import signed

__all__ = ["make"]


def make(panel: Panel) -> Content:
    """Make the tables of views, and of effects where views let one measure any, with sentences on these."""
    if len(panel.source.plan.views) < 2 or not (panel.cells["corruption"] == CLEAN).any():
        return Content()
    miou, shift = partial(panel.by_view, "miou"), shift_of(panel.order)
    differences = panel.evidence.differences(miou, lambda view: (view,))
    title = "Differences between arms in clean mIoU by view"
    views = Content(tables=(views_table(panel), *wide_table(panel, differences, "differences-views", title)))
    return views + shift_content(panel, shift) if shift else views


def shift_content(panel: Panel, shift: Shift) -> Content:
    """Make tables, figures and sentences on effects, on clean images and under corruption."""
    differences = effect_differences(panel.evidence, shift)
    growth = growth_differences(panel.evidence, shift, panel.conditions)
    effects = ("effect", {name: name for _, _, name in differences})
    lost = "Points lost by one arm minus those lost by the other; positive: the first loses more"
    share = ("in", {"growth": "growth of the share"})
    title = "Whether the share that arms lose grows differently"
    tables = [
        cost_table(panel, shift),
        *long_table(
            panel, differences, effects, "resolution-differences", "Whether arms lose differently", lost, main=True
        ),
        *((growth_table(panel, shift), share_table(panel, shift)) if panel.conditions else ()),
        *long_table(panel, growth, share, "resolution-share-differences", title, "Points of the windows' mIoU"),
        published_table(panel, shift),
    ]
    return Content(
        tables=tuple(tables),
        pictures=tuple(resolution_pictures(panel, shift, differences)) if panel.source.pictures else (),
        sentences=tuple(results_of_growth(panel, shift, growth) or results(panel, shift, differences)),
    )


def views_table(panel: Panel) -> Table:
    """Make the table of clean mIoU by view; the CSV has the difference to the first view too."""
    views, clean = panel.order, panel.cells[panel.cells["corruption"] == CLEAN]

    def quantities(title: str) -> dict[object, Draws]:
        miou = panel.by_view("miou", title)
        return miou | {("change", view): draws - miou[views[0]] for view, draws in miou.items()}

    changes = [Column(name="change", key=("change", view), where={"view": str(view)}) for view in views]
    return panel.table(
        quantities,
        [*view_columns(views, best="high"), *changes],
        **panel.fields("views", "Clean mIoU by view"),
        caption="mIoU in %; a column per view (slide-256-192-x2: windows of 256 pixels every 192, of the image scaled "
        f"by 2); {panel.about}.{flag_notes(clean.assign(corruption=clean['view']))}",
        main=True,
    )


def results(panel: Panel, shift: Shift, differences: Differences) -> list[str]:
    """State what each arm loses with the extent, whether arms differ, and whether that agrees with Table 1c."""
    evidence = panel.evidence
    entries = evidence.arm_entries(lambda title: lost_by_effect(evidence, shift, title))
    if "extent" not in entries[0].values:
        return []
    absent = [entry.name for entry in entries if np.isnan(entry.values["extent"][0])]
    parts = [f"{e.label} {signed(evidence.interval(e.values['extent']))}" for e in entries if e.name not in absent]
    sentences = []
    if parts:
        sentences.append(
            f"From windows of {shift.slide.crop} pixels to whole images ({panel.images}), the loss of clean mIoU "
            f"(negative is a gain) is: {conjoin(parts)}."
        )
    if absent:
        sentences.append(f"Cells of {conjoin(absent)} are missing, so there is no extent effect.")
    differences = {key: each for key, each in differences.items() if each.measured}
    pair = TABLE_1C.choose([(first, second) for first, second, name in differences if name == "extent"])
    if pair is None:
        return sentences
    extent, arms = differences[*pair, "extent"], " minus ".join(pair)
    paper = ""
    if TABLE_1C.fits(pair):
        first, second = TABLE_1C.figures()
        paper = (
            f"; the paper's Table 1c has {100 * TABLE_1C.figure:.1f} points ({100 * first:.1f} with a positional "
            f"encoding, {100 * second:.1f} with Mix-FFN), which this {judge(TABLE_1C, extent)}"
        )
    sentences.append(f"{arms}: {signed(extent.interval)} of that loss, a difference that is {extent.verdict}{paper}.")
    joint = [name.removeprefix("joint ") for name in entries[0].values if name.startswith("joint")]
    last = joint[-1] if joint else ""
    of_last = {f"scale {last}": "by the same windows", f"joint {last}": "whole"}
    parts = [
        f"{where} {signed(each.interval)}, a difference that is {each.verdict}"
        for name, where in of_last.items()
        if (each := differences.get((*pair, name))) and not each.obstacle
    ]
    if parts:
        sentences.append(f"{arms}, of the image scaled by {last.removeprefix('x')}: {'; '.join(parts)}.")
    return sentences


def results_of_growth(panel: Panel, shift: Shift, growth: Differences) -> list[str]:
    """State whether corruption makes the extent effect larger, on average over corruptions, and whether arms differ."""
    evidence, conditions = panel.evidence, panel.conditions
    entries = evidence.arm_entries(lambda title: growth_of_share(evidence, shift, title, conditions))
    if any(not entry.values or np.isnan(entry.values["growth"][0]) for entry in entries):
        return []
    parts = [
        f"{entry.label} {percent(entry.values['clean'][0])} and {percent(entry.values['corrupted'][0])}, "
        f"a growth of {signed(evidence.interval(entry.values['growth']))}"
        for entry in entries
    ]
    sentences = [
        f"The loss from windows to whole images, in % of the windows' mIoU (negative is a gain), on clean images and "
        f"on average over {counted(len(conditions), 'corruption')}: {'; '.join(parts)}."
    ]
    pair = TABLE_1C.choose([(first, second) for first, second, _ in growth])
    if pair:
        each = growth[*pair, "growth"]
        sentences.append(
            f"{' minus '.join(pair)}: {signed(each.interval)} of growth, a difference that is {each.verdict}."
        )
    return sentences
