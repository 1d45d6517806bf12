"""What a shift of the resolution costs, per arm and between arms, beside the SegFormer paper's Table 1c."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..record import CLEAN, View
from ..studies.arms import ArmDifference
from ..studies.resolution import effects, published_extent
from ..studies.robustness import Conditions
from ..studies.statistics import Draws, Interval
from . import charts
from .content import Picture, Table
from .differences import FOUND, long_table
from .evidence import Evidence
from .tables import Cell, make_table, percent, points, score

__all__ = ["Shift", "effect_differences", "resolution_pictures", "resolution_tables", "shift_of"]

GROUP = "Resolution"
VIEW = re.compile(r"(?P<mode>whole|slide-(?P<crop>\d+)-(?P<stride>\d+))(-x(?P<scale>[\d.]+))?")


@dataclass(frozen=True, kw_only=True)
class Shift:
    """What a suite's views let one compare. slide: windows of the training crop at scale 1: the first such view.
    scales: those at which there is a view of these windows or of the whole image.
    """

    slide: View
    scales: tuple[float, ...]


def shift_of(views: Sequence[str]) -> Shift | None:
    """Find windows at scale 1 and a whole image among views; None where either is missing."""
    parsed = [view for view in map(view_of, views) if view is not None]
    slides = [view for view in parsed if view.mode == "slide" and view.scale == 1]
    if not slides or not any(view.mode == "whole" for view in parsed):
        return None
    first = slides[0]
    same = [view for view in parsed if view.mode == "whole" or (view.crop, view.stride) == (first.crop, first.stride)]
    return Shift(slide=first, scales=tuple(sorted({scale for view in same for scale in view.scales})))


def view_of(text: str) -> View | None:
    """Read what str(View) wrote; None for several scales or a flip, which are no shift of the resolution."""
    match = VIEW.fullmatch(text)
    if match is None:
        return None
    scale = float(match["scale"] or 1)
    if match["crop"] is None:
        return View(scale=scale)
    return View(mode="slide", crop=int(match["crop"]), stride=int(match["stride"]), scale=scale)


def effect_draws(evidence: Evidence, shift: Shift, title: str, condition: tuple[str, int]) -> dict[str, Draws]:
    """Compute a model's effects, by name ("extent", "scale x2", "joint x2"); only those whose views were asked for."""
    have = set(evidence.views)
    found = {}
    for effect in effects(lambda view: evidence.miou(title, view)(*condition), shift.slide, shift.scales):
        if effect.view in have:
            found[effect.kind if effect.kind == "extent" else f"{effect.kind} x{effect.scale:g}"] = effect.lost
    return found


def effect_differences(
    evidence: Evidence, shift: Shift, condition: tuple[str, int] = (CLEAN, 0)
) -> dict[tuple[str, str], ArmDifference]:
    """Compare arms in their effects, the later minus the earlier: by (arms, effect). Positive: the later loses more."""
    each = {title: effect_draws(evidence, shift, title, condition) for title in evidence.titles}
    if not evidence.resampled:
        return {}
    found = {}
    for first, second in evidence.pairs():
        for name in each[evidence.titles[0]]:
            values = {title: draws[name] for title, draws in each.items()}
            found[f"{second} minus {first}", name] = evidence.difference(values, second, first)
    return found


def resolution_tables(evidence: Evidence, shift: Shift, conditions: Conditions, about: str) -> list[Table]:
    """Make the tables of effects on clean images, of differences between arms, of Table 1c, and under corruption."""
    base = str(shift.slide)

    def quantities(title: str) -> dict[str, Draws]:
        clean = evidence.miou(title, base)(CLEAN, 0)
        lost = effect_draws(evidence, shift, title, (CLEAN, 0))
        positive = np.where(clean > 0, clean, np.nan)
        return {base: clean, **lost, **{f"{name} share": draws / positive for name, draws in lost.items()}}

    rows = evidence.rows(quantities)
    names = [name for name in rows[0].values if name != base and not name.endswith(" share")]
    shown, full = [], []
    for row in rows:
        shown.append(
            {"model": Cell(row.name), f"{base} (mIoU)": score(evidence.interval(row.values[base]))}
            | {name: effect_cell(evidence, row.values, name) for name in names}
        )
        for name, draws in row.values.items():
            full.append({"row": row.name, "quantity": name, **vars(evidence.interval(draws))})
    extent = "extent: windows minus the whole image; scale: the same windows on a scaled image; joint: both"
    tables = [
        make_table(
            shown,
            file="resolution",
            title="What a shift of the resolution costs",
            caption=f"Clean images: mIoU in % of windows of the training crop at scale 1, and points lost against that "
            f"({extent}); positive is a loss; {about}.",
            full=pd.DataFrame(full),
            main=True,
            group=GROUP,
        )
    ]
    if found := effect_differences(evidence, shift):
        tables.append(
            long_table(
                found,
                ("arms", "effect"),
                file="resolution-differences",
                title="Whether arms lose differently",
                caption="Points lost by one arm minus those lost by the other; positive: the first loses more. "
                f"{FOUND}; "
                f"p by Holm for the rows of this table; {about}.",
                group=GROUP,
                main=True,
            )
        )
    if conditions:
        tables.append(growth_table(evidence, shift, conditions, about))
    return [*tables, published_table(evidence)]


def effect_cell(evidence: Evidence, values: dict[str, Draws], name: str) -> Cell:
    number, share = evidence.interval(values[name]), evidence.interval(values[f"{name} share"])
    ends = "" if np.isnan(number.low) else f"95 % interval {points(number.low)} to {points(number.high)}; "
    return Cell(points(number.estimate), f"{ends}{percent(share.estimate)} % of the mIoU", number.estimate)


def growth_table(evidence: Evidence, shift: Shift, conditions: Conditions, about: str) -> Table:
    """Say whether arms lose more to a shift of the resolution under corruption than on clean images."""
    wanted = [(name, severity) for name, severities in conditions.items() for severity in severities]

    def quantities(title: str) -> dict[str, Draws]:
        return {
            f"{effect}|{corruption}|{severity}": draws
            for corruption, severity in [(CLEAN, 0), *wanted]
            for effect, draws in effect_draws(evidence, shift, title, (corruption, severity)).items()
        }

    shown, full = [], []
    for row in evidence.rows(quantities):
        for effect in dict.fromkeys(name.split("|")[0] for name in row.values):
            clean = row.values[f"{effect}|{CLEAN}|0"]
            line = {"model": Cell(row.name), "effect": Cell(effect), CLEAN: growth_cell(evidence.interval(clean), None)}
            for corruption, severity in wanted:
                lost = row.values[f"{effect}|{corruption}|{severity}"]
                number, grown = evidence.interval(lost), evidence.interval(lost - clean)
                line[f"{corruption.replace('_', ' ')} {severity}"] = growth_cell(number, grown)
                condition = {"effect": effect, "corruption": corruption, "severity": severity}
                full.append(
                    {"row": row.name, **condition, "lost": number.estimate}
                    | {f"growth_{name}": value for name, value in vars(grown).items()}
                )
            shown.append(line)
    return make_table(
        shown,
        file="resolution-under-corruption",
        title="Whether the loss grows under corruption",
        caption=f"Points of mIoU lost to the shift of the resolution, on clean and on corrupted images; * where the "
        f"interval of the difference to clean excludes zero; positive is a loss; {about}.",
        full=pd.DataFrame(full),
        main=True,
        group=GROUP,
    )


def growth_cell(number: Interval, grown: Interval | None) -> Cell:
    ends = "" if np.isnan(number.low) else f"95 % interval {points(number.low)} to {points(number.high)}"
    if grown is None:
        return Cell(points(number.estimate), ends, number.estimate)
    hover = (
        f"{ends}; more than on clean images by {points(grown.estimate)}, {points(grown.low)} to {points(grown.high)}"
    )
    star = "*" if grown.excludes_zero else ""
    return Cell(points(number.estimate) + star, hover if ends else "", number.estimate)


def published_table(evidence: Evidence) -> Table:
    """Show the paper's extent effects, with what sets them apart from ours."""
    table = published_extent()
    first = evidence.cells.iloc[0]
    rows = [
        {
            "paper": Cell(str(row["encoding"]).replace("_", " ")),
            "768x768 windows (mIoU)": Cell(percent(row["slide"]), "", row["slide"]),
            "whole 1024x2048 (mIoU)": Cell(percent(row["whole"]), "", row["whole"]),
            "extent (points)": Cell(f"{row['points']:+.1f}", f"{percent(row['share'])} % of the mIoU", row["points"]),
        }
        for _, row in table.iterrows()
    ]
    return make_table(
        rows,
        file="resolution-published",
        title="Published: Table 1c",
        caption="Xie et al., SegFormer, NeurIPS 2021: B2 on cityscapes val, pretrained on ImageNet, without intervals. "
        f"Ours differ in dataset ({first['dataset']} {first['split']}), size and training; how the paper's arm with a "
        "positional encoding was built is not released.",
        full=table,
        group=GROUP,
    )


def resolution_pictures(evidence: Evidence, shift: Shift, about: str) -> list[Picture]:
    """Draw mIoU against scale, and extent and joint effects with the paper's."""
    pictures = []
    if len(shift.scales) > 1:
        pictures.append(
            Picture(
                file="resolution-scales",
                title="mIoU against the scale of the input",
                caption="Clean images; windows of the training crop, and the whole image; bands are 95 % intervals; "
                f"{about}.",
                figure=charts.scale_curves(curves_of(evidence, shift)),
                description="Clean mIoU of each arm by windows and on the whole image, at each scale of the input.",
                group=GROUP,
            )
        )
    arms = {
        row.name: row.values
        for row in evidence.rows(lambda t: effect_draws(evidence, shift, t, (CLEAN, 0)))
        if row.compared
    }
    names = [name for name in next(iter(arms.values())) if not name.startswith("scale")]
    panels = {name: {arm: evidence.interval(values[name]) for arm, values in arms.items()} for name in names}
    for (pair, name), each in effect_differences(evidence, shift).items():
        if name in panels:
            panels[name][pair.replace(" minus ", " minus\n")] = each.interval
    pictures.insert(
        0,
        Picture(
            file="resolution-effects",
            title="Extent and joint effects, and their differences between arms",
            caption="Points of clean mIoU lost against windows of the training crop, with 95 % intervals; filled "
            f"where the interval excludes zero. Diamonds: the paper's Table 1c, 3.3 points with a positional encoding, "
            f"0.7 with Mix-FFN, 2.6 between them, of another size and data set; {about}.",
            figure=charts.forest(
                panels, "points lost", {"extent": paper_marks(list(panels["extent"]))} if "extent" in panels else None
            ),
            description="; ".join(
                f"{name}, {label.replace(chr(10), ' ')}: {points(number.estimate)} points"
                for name, panel in panels.items()
                for label, number in panel.items()
            ),
            group=GROUP,
        ),
    )
    return pictures


def paper_marks(labels: Sequence[str]) -> dict[str, float]:
    """Give the paper's extent effect (0-1) to the rows of the arms that it had: with an encoding, and Mix-FFN."""
    lost = published_extent().set_index("encoding")["points"] / 100
    theirs = {"learned": lost["learned_pe"], "mix": lost["mix_ffn"]}
    marks = {}
    for label in labels:
        values = [value for part in label.split(" minus\n") for kind, value in theirs.items() if kind in part]
        if len(values) == 1 + label.count(" minus\n"):
            marks[label] = float(values[0] - sum(values[1:]))
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
            label=row.name,
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
