"""Figures of a shift of the resolution: effects with the SegFormer paper's, and mIoU against scale."""

from collections import defaultdict
from functools import partial

from ..charts import Curve, Dot, Fill, dumbbells, forest, lines
from ..store.cell import CLEAN
from ..store.view import View
from ..studies.claims import TABLE_1C, paper_marks
from ..studies.comparisons import Differences
from ..studies.resolution import published_extent
from ..studies.shift import Shift, lost_by_effect, views_by_kind
from ..studies.statistics import Interval
from ..wording import spaced
from .content import Picture
from .differences import dot_of, drawing
from .panel import Panel

__all__ = ["resolution_pictures"]

NAN = float("nan")


def resolution_pictures(panel: Panel, shift: Shift, differences: Differences) -> list[Picture]:
    """Draw mIoU against scale, the way from windows to whole images, and effects: of scales, at the largest one."""
    evidence = panel.evidence
    effects: dict[str, dict[str, list[Dot]]] = defaultdict(dict)
    for arm in evidence.arm_entries(partial(lost_by_effect, evidence, shift)):
        for name in arm.values:
            effects[name][arm.arm] = [panel.dot(arm, name)]
    for (first, second, name), each in differences.items():
        effects[name][f"{first} minus\n{second}"] = [dot_of(each)]
    drawn = drawing(f"Points of clean mIoU lost against windows of {shift.slide.crop} pixels,", evidence)
    theirs = (f"{100 * figure:.1f}" for figure in TABLE_1C.figures())
    diamonds = (
        "; diamonds: the paper's Table 1c (B2 on Cityscapes), {} points with Mix-FFN, {} with a positional encoding, "
        f"{100 * TABLE_1C.figure:+.1f} between them"
    ).format(*theirs)
    pictures = []
    if len(shift.scales) > 1:
        bands = f"no intervals, since {evidence.few}" if evidence.few else "bands are 95 % intervals"
        pictures.append(
            panel.picture(
                "resolution-scales",
                "mIoU against the scale of the input",
                f"Clean images; windows of {shift.slide.crop} pixels, and the whole image; {bands}",
                lines(curves_of(panel, shift), x_label="scale of the input", y_label="mIoU (%)", across=2),
            )
        )
    if "extent" in effects:
        pictures.append(extent_picture(panel, shift))
    last = f"x{shift.scales[-1]:g}"
    shown = {name: own for name, own in effects.items() if name == "extent" or name.endswith(last)}
    if not shown:
        return pictures
    marks = paper_marks(list(shown.get("extent", ())))
    for label, figure in marks.items():
        paper = Dot(number=Interval(figure, NAN, NAN), published=True, fill="ring", text="paper")
        shown["extent"][label].append(paper)
    pictures.append(
        panel.picture(
            "resolution-effects",
            "What a shift of the resolution costs each arm, and differences between arms",
            f"{drawn}{diamonds if marks else ''}",
            forest(shown, "points lost", margin=evidence.margin / 100),
        )
    )
    return pictures


def extent_picture(panel: Panel, shift: Shift) -> Picture:
    """Draw the way of each arm from windows to whole images, next to the paper's."""
    evidence, views = panel.evidence, (shift.slide, View())
    arms = evidence.arm_entries(partial(panel.by_view, "miou"))
    fills: tuple[Fill, ...] = ("ring", "full")
    ours = {
        arm.arm_label: [
            panel.dot(arm, view, fill=fill, text=str(view)) for view, fill in zip(views, fills, strict=True)
        ]
        for arm in arms
    }
    theirs = {
        spaced(row.encoding): [
            Dot(number=Interval(value, NAN, NAN), fill=fill, published=True)
            for value, fill in zip((row.slide, row.whole), fills, strict=True)
        ]
        for row in published_extent().itertuples()
    }
    return panel.picture(
        "resolution-extent",
        "From windows to whole images",
        f"Clean mIoU in %; ring: {views[0]}, full: {views[1]}; diamonds: the paper's Table 1c, B2 on Cityscapes with "
        f"windows of 768 pixels and whole images",
        dumbbells({"Ours": ours, "Paper": theirs}, "mIoU (%)"),
    )


def curves_of(panel: Panel, shift: Shift) -> dict[str, list[Curve]]:
    """Collect each arm's mIoU by scale, by windows and on the whole image."""
    evidence = panel.evidence
    arms = evidence.arm_entries(lambda title: {view: evidence.miou(title, view)(CLEAN, 0) for view in evidence.views})
    return {
        title: [
            Curve(
                arm=arm.arm,
                series=panel.series(arm.arm),
                points=tuple((view.scales[0], evidence.interval(arm.values[view])) for view in views),
            )
            for arm in arms
        ]
        for title, views in views_by_kind(evidence.views, shift).items()
    }
