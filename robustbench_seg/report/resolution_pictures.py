"""Figures of a shift of the resolution: effects with the SegFormer paper's, and mIoU against scale."""

from functools import partial
from math import nan

from ..charts import Dot, Fill, dumbbells, lines
from ..store.view import View
from ..studies.claims import paper_marks
from ..studies.comparisons import Differences
from ..studies.resolution import ENCODINGS, published_extent
from ..studies.shift import Shift, lost_by_effect, views_by_kind
from ..studies.statistics import Interval
from .content import Picture
from .differences import forest_picture
from .panel import Panel

__all__ = ["resolution_pictures"]

LOST = "points that the first loses more"


def resolution_pictures(panel: Panel, shift: Shift, differences: Differences) -> list[Picture]:
    """Draw mIoU against scale, the way from windows to whole images, and how arms differ in what they lose."""
    effects = lost_by_effect(panel.evidence, shift, panel.evidence.titles[0])
    last = f"x{shift.scales[-1]:g}"  # the table has every scale
    names = {name: name for name in effects if name == "extent" or name.endswith(last)}
    pairs = panel.evidence.pairs() if "extent" in effects else []
    title = "Whether arms lose differently"
    published = paper_marks(pairs)
    return [
        *([scales_picture(panel, shift)] if len(shift.scales) > 1 else []),
        *([extent_picture(panel, shift)] if "extent" in effects else []),
        *forest_picture(panel, differences, names, LOST, "resolution-effects", title, published=published),
    ]


def extent_picture(panel: Panel, shift: Shift) -> Picture:
    """Draw the way of each arm from windows to whole images, next to the paper's."""
    views: dict[View, Fill] = {shift.slide: "ring", View(): "full"}
    ours = {
        arm.arm_label: [panel.dot(arm, view, fill=fill, text=str(view)) for view, fill in views.items()]
        for arm in panel.evidence.arm_entries(partial(panel.by_view, "miou"))
    }
    theirs = {
        ENCODINGS[row.encoding]: [
            Dot(number=Interval(value, *2 * (nan,)), fill=fill, published=True)
            for value, fill in zip((row.slide, row.whole), views.values(), strict=True)
        ]
        for row in published_extent().itertuples()
    }
    caption = (
        f"Clean mIoU in %; ring: windows of {shift.slide.crop} pixels, full: whole images; diamonds: the paper's Table "
        "1c, B2 on Cityscapes with windows of 768 pixels"
    )
    chart = dumbbells({"Ours": ours, "Paper": theirs}, "mIoU (%)")
    return panel.picture("resolution-extent", "From windows to whole images", caption, chart)


def scales_picture(panel: Panel, shift: Shift) -> Picture:
    """Draw each arm's mIoU by scale, by windows and on the whole image."""
    evidence = panel.evidence
    arms = evidence.arm_entries(partial(panel.by_view, "miou"))
    curves = {
        title: [panel.curve(arm, {view.scales[0]: view for view in views}) for arm in arms]
        for title, views in views_by_kind(panel.order, shift).items()
    }
    bands = f"no intervals, since {evidence.few}" if evidence.few else "bands are 95 % intervals"
    caption = f"Clean images; windows of {shift.slide.crop} pixels, and the whole image; {bands}"
    chart = lines(curves, x_label="scale of the input", y_label="mIoU (%)", across=2)
    return panel.picture("resolution-scales", "mIoU against the scale of the input", caption, chart)
