"""Figures of a shift of the resolution: mIoU against scale, and effects with the SegFormer paper's."""

from collections.abc import Mapping, Sequence

from ..store.cell import CLEAN
from ..studies.resolution import arm_of_table_1c, published_extent
from ..studies.statistics import Interval
from . import charts
from .content import Picture
from .differences import drawn
from .evidence import Evidence
from .shift import Shift, effect_differences, effect_draws, view_of
from .tables import points

__all__ = ["resolution_pictures"]

GROUP = "Resolution"


def resolution_pictures(evidence: Evidence, shift: Shift, about: str) -> list[Picture]:
    """Draw extent and joint effects with the paper's, those of scale, and mIoU against scale."""
    pictures = []
    bands = f"no intervals, since {evidence.few}" if evidence.few else "bands are 95 % intervals"
    if len(shift.scales) > 1:
        pictures.append(
            Picture(
                file="resolution-scales",
                title="mIoU against the scale of the input",
                caption=f"Clean images; windows of {shift.slide.crop} pixels, and the whole image; {bands}; {about}.",
                figure=charts.scale_curves(curves_of(evidence, shift)),
                description="Clean mIoU of each arm by windows and on the whole image, at each scale of the input.",
                group=GROUP,
            )
        )
    arms = {
        row.label: row.values
        for row in evidence.rows(lambda t: effect_draws(evidence, shift, t, (CLEAN, 0)))
        if row.compared
    }
    panels = {
        name: {arm: evidence.interval(values[name]) for arm, values in arms.items()}
        for name in next(iter(arms.values()))
    }
    for (pair, name), each in effect_differences(evidence, shift).items():
        panels[name][" minus\n".join(pair)] = each.interval
    scaled = {name: panel for name, panel in panels.items() if name.startswith("scale")}
    whole = {name: panel for name, panel in panels.items() if name not in scaled}
    lost = f"Points of clean mIoU lost against windows of {shift.slide.crop} pixels,"
    said = f"{drawn(lost, evidence)}.", f"{about[0].upper()}{about[1:]}."
    title = "What a shift of the resolution costs each arm, and differences between arms"
    windows = f"{title}: the same windows of a scaled image"
    first = [effects_picture("resolution-effects", f"{title}: whole images", whole, *said)] if whole else []
    second = [effects_picture("resolution-effects-scale", windows, scaled, *said)] if scaled else []
    return [*first, *second, *pictures]


def effects_picture(
    file: str, title: str, panels: Mapping[str, Mapping[str, Interval]], shown: str, settings: str
) -> Picture:
    """Draw effects, a panel each, beside the paper's where there are such. shown, settings: what the caption says."""
    marks = paper_marks(list(panels.get("extent", ())))
    diamonds = (
        "Diamonds: the paper's Table 1c (B2 on Cityscapes), 3.3 points with a positional encoding, 0.7 with Mix-FFN, "
        "2.6 between them. "
    )
    return Picture(
        file=file,
        title=title,
        caption=f"{shown} {diamonds if marks else ''}{settings}",
        figure=charts.forest(panels, "points lost", {"extent": marks} if marks else None),
        description="; ".join(
            f"{name}, {label.replace(chr(10), ' ')}: {points(number.estimate)} points"
            for name, panel in panels.items()
            for label, number in panel.items()
        ),
        group=GROUP,
    )


def paper_marks(labels: Sequence[str]) -> dict[str, float]:
    """Give the paper's extent effect (0-1) to the rows of the arms that it had: with an encoding, and Mix-FFN."""
    lost = published_extent().set_index("encoding")["points"] / 100
    marks = {}
    for label in labels:
        arms = [arm_of_table_1c(part) for part in label.split(" minus\n")]
        if None not in arms:
            first, *others = (lost[arm] for arm in arms)
            marks[label] = float(first - sum(others))
    return marks


def curves_of(evidence: Evidence, shift: Shift) -> list[charts.Curve]:
    """Collect each arm's mIoU by scale, by windows and on the whole image."""
    views = {view: parsed for view in evidence.views if (parsed := view_of(view)) is not None}
    rows = [
        row
        for row in evidence.rows(lambda title: {view: evidence.miou(title, view)(CLEAN, 0) for view in views})
        if row.compared
    ]
    window = (shift.slide.crop, shift.slide.stride)
    panels = {"slide": f"windows of {shift.slide.crop} pixels", "whole": "whole image"}
    return [
        charts.Curve(
            label=row.label,
            panel=title,
            points={
                view.scales[0]: evidence.interval(row.values[text])
                for text, view in views.items()
                if view.mode == mode and (mode == "whole" or (view.crop, view.stride) == window)
            },
            colour=k,
        )
        for mode, title in panels.items()
        for k, row in enumerate(rows)
    ]
