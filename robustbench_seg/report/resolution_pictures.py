"""Figures of a shift of the resolution: effects with the SegFormer paper's, and mIoU against scale."""

from collections import defaultdict
from functools import partial

from ..store.cell import CLEAN
from ..studies.claims import TABLE_1C, paper_marks
from ..studies.comparisons import Differences
from ..studies.shift import Shift, lost_by_effect, views_by_kind
from . import charts
from .content import Picture
from .differences import drawing
from .panel import Panel

__all__ = ["resolution_pictures"]


def resolution_pictures(panel: Panel, shift: Shift, differences: Differences) -> list[Picture]:
    """Draw extent and joint effects with the paper's, scale effects, and mIoU against scale."""
    evidence = panel.evidence
    effects: charts.Bars = defaultdict(dict)
    for arm in evidence.arm_entries(partial(lost_by_effect, evidence, shift)):
        for name, lost in arm.values.items():
            effects[name][arm.label] = (evidence.interval(lost),) * 2
    for (first, second, name), each in differences.items():
        effects[name][f"{first} minus\n{second}"] = each.interval, each.widest
    drawn = drawing(f"Points of clean mIoU lost against windows of {shift.slide.crop} pixels,", evidence)
    first, second = (f"{100 * figure:.1f}" for figure in TABLE_1C.figures())
    diamonds = (
        f"Diamonds: the paper's Table 1c (B2 on Cityscapes), {first} points with a positional encoding, {second} with "
        f"Mix-FFN, {100 * TABLE_1C.figure:.1f} between them. "
    )
    pictures = []
    for file, what, scaled in (("", "whole images", False), ("-scale", "the same windows of a scaled image", True)):
        numbers = {name: own for name, own in effects.items() if name.startswith("scale") == scaled}
        marks = paper_marks(list(numbers.get("extent", ())))
        if numbers:
            pictures.append(
                panel.picture(
                    f"resolution-effects{file}",
                    f"What a shift of the resolution costs each arm, and differences between arms: {what}",
                    f"{drawn}. {diamonds if marks else ''}{panel.brief[0].upper()}{panel.brief[1:]}.",
                    charts.forest(numbers, "points lost", {"extent": marks} if marks else None),
                    charts.described(numbers, "points"),
                )
            )
    if len(shift.scales) > 1:
        bands = f"no intervals, since {evidence.few}" if evidence.few else "bands are 95 % intervals"
        pictures.append(
            panel.picture(
                "resolution-scales",
                "mIoU against the scale of the input",
                f"Clean images; windows of {shift.slide.crop} pixels, and the whole image; {bands}; {panel.brief}.",
                charts.scale_curves(curves_of(panel, shift)),
                "Clean mIoU of each arm by windows and on the whole image, at each scale of the input.",
            )
        )
    return pictures


def curves_of(panel: Panel, shift: Shift) -> charts.Curves:
    """Collect each arm's mIoU by scale, by windows and on the whole image."""
    evidence = panel.evidence
    arms = evidence.arm_entries(lambda title: {view: evidence.miou(title, view)(CLEAN, 0) for view in evidence.views})
    return {
        title: {arm.label: {view.scales[0]: evidence.interval(arm.values[view]) for view in views} for arm in arms}
        for title, views in views_by_kind(evidence.views, shift).items()
    }
