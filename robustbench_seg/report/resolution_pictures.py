"""Figures of a shift of the resolution: effects with the SegFormer paper's, and mIoU against scale."""

from ..store.cell import CLEAN
from ..studies.claims import TABLE_1C, paper_marks
from ..studies.evidence import Differences
from ..studies.shift import Shift, is_single, lost_by_effect
from ..studies.statistics import Interval
from . import charts
from .content import Picture
from .differences import drawing
from .panel import Panel

__all__ = ["resolution_pictures"]


def resolution_pictures(panel: Panel, shift: Shift, differences: Differences) -> list[Picture]:
    """Draw extent and joint effects with the paper's, scale effects, and mIoU against scale."""
    evidence = panel.evidence
    arms = evidence.arm_entries(lambda title: lost_by_effect(evidence, shift, title))
    effects: dict[str, dict[str, Interval]] = {
        name: {arm.label: evidence.interval(arm.values[name]) for arm in arms} for name in arms[0].values
    }
    for (first, second, name), each in differences.items():
        effects[name][f"{first} minus\n{second}"] = each.interval
    lost = drawing(f"Points of clean mIoU lost against windows of {shift.slide.crop} pixels,", evidence)
    first, second = (f"{100 * figure:.1f}" for figure in TABLE_1C.figures())
    diamonds = (
        f"Diamonds: the paper's Table 1c (B2 on Cityscapes), {first} points with a positional encoding, {second} with "
        f"Mix-FFN, {100 * TABLE_1C.figure:.1f} between them. "
    )
    pictures = []
    for file, what, scaled in (("", "whole images", False), ("-scale", "the same windows of a scaled image", True)):
        numbers = {name: own for name, own in effects.items() if name.startswith("scale") == scaled}
        if not numbers:
            continue
        marks = paper_marks(list(numbers.get("extent", ())))
        title = f"What a shift of the resolution costs each arm, and differences between arms: {what}"
        pictures.append(
            Picture(
                **panel.fields(f"resolution-effects{file}", title),
                caption=f"{lost}. {diamonds if marks else ''}{panel.brief[0].upper()}{panel.brief[1:]}.",
                figure=charts.forest(numbers, "points lost", {"extent": marks} if marks else None),
                description=charts.described(numbers, "points"),
            )
        )
    if len(shift.scales) > 1:
        bands = f"no intervals, since {evidence.few}" if evidence.few else "bands are 95 % intervals"
        pictures.append(
            Picture(
                **panel.fields("resolution-scales", "mIoU against the scale of the input"),
                caption=f"Clean images; windows of {shift.slide.crop} pixels, and the whole image; {bands}; "
                f"{panel.brief}.",
                figure=charts.scale_curves(curves_of(panel, shift)),
                description="Clean mIoU of each arm by windows and on the whole image, at each scale of the input.",
            )
        )
    return pictures


def curves_of(panel: Panel, shift: Shift) -> dict[str, dict[str, dict[float, Interval]]]:
    """Collect each arm's mIoU by scale, by windows and on the whole image."""
    evidence, slide = panel.evidence, shift.slide
    views = [view for view in evidence.views if is_single(view)]
    windows = [view for view in views if (view.crop, view.stride) == (slide.crop, slide.stride)]
    arms = evidence.arm_entries(lambda title: {view: evidence.miou(title, view)(CLEAN, 0) for view in views})
    panels = {
        f"windows of {slide.crop} pixels": windows,
        "whole image": [view for view in views if view.mode == "whole"],
    }
    return {
        title: {arm.label: {view.scales[0]: evidence.interval(arm.values[view]) for view in some} for arm in arms}
        for title, some in panels.items()
    }
