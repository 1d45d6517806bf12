"""Tables of a shift of the resolution: its cost on clean and on corrupted images, and the paper's Table 1c."""

from dataclasses import replace
from itertools import product
from typing import Any

from ..store.cell import CLEAN
from ..studies.evidence import Entry
from ..studies.published import OwnRun, published_rows
from ..studies.resolution import published_extent
from ..studies.shift import Shift, growth_of_share, lost_by_effect, positive
from ..studies.statistics import Draws
from ..wording import percent, points, spaced, span
from .differences import NONE
from .panel import Panel
from .scores import view_columns
from .table import Column, Table, frame_rows
from .units import POINTS

__all__ = ["cost_table", "growth_table", "published_table", "share_table"]


def cost_table(panel: Panel, shift: Shift) -> Table:
    """Make the table of effects on clean images; the CSV has them as shares of the windows' mIoU too."""
    evidence = panel.evidence
    names = list(lost_by_effect(evidence, shift, evidence.titles[0]))
    effects = {name: Column(name=name, label=name, unit=POINTS) for name in names}

    def quantities(title: str) -> dict[Any, Draws]:
        clean = evidence.miou(title, shift.slide)(CLEAN, 0)
        lost = lost_by_effect(evidence, shift, title)
        shares = {f"{name} share": draws / positive(clean) for name, draws in lost.items()}
        return {shift.slide: clean, **lost, **shares}

    def facts(entry: Entry) -> dict[str, Any]:
        shares = {name: f"{percent(entry.values[f'{name} share'][0])} % of the mIoU" for name in names}
        return {
            name: effects[name].cell(evidence.interval(entry.values[name]), share) for name, share in shares.items()
        }

    extent = "extent: windows minus the whole image; scale: the same windows on a scaled image; joint: both"
    (base,) = view_columns([shift.slide])
    return panel.table(
        quantities,
        [
            replace(base, label=f"{shift.slide} (mIoU)"),
            *effects.values(),
            *(Column(name=f"{name} share") for name in names),
        ],
        facts=facts,
        **panel.fields("resolution", "What a shift of the resolution costs"),
        caption=f"Clean images: mIoU in % of windows of {shift.slide.crop} pixels at scale 1, and points lost against "
        f"that ({extent}); positive is a loss; {panel.about}.",
        main=True,
    )


def growth_table(panel: Panel, shift: Shift) -> Table:
    """Make the table of effects under each condition, with a star where one is larger than on clean images."""
    evidence = panel.evidence
    corrupted = [(name, severity) for name, severities in panel.conditions.items() for severity in severities]
    names = list(lost_by_effect(evidence, shift, evidence.titles[0]))

    def column(condition: tuple[str, int], name: str = "lost", **fields: Any) -> Column:
        where = dict(zip(("corruption", "severity"), condition, strict=True))
        return Column(name=name, key=(name, *condition), where=where, unit=POINTS, **fields)

    columns = {condition: column(condition, label=spaced("{} {}".format(*condition))) for condition in corrupted}

    def quantities(title: str) -> dict[Any, Draws]:
        return {
            (effect, ("lost", *condition)): lost
            for condition in [(CLEAN, 0), *corrupted]
            for effect, lost in lost_by_effect(evidence, shift, title, condition).items()
        }

    def facts(entry: Entry) -> dict[Any, Any]:
        values: dict[Any, Any] = {}
        for effect, condition in product(names, corrupted):
            own, lost = columns[condition], entry.values[effect, ("lost", *condition)]
            grown = evidence.interval(lost - entry.values[effect, ("lost", CLEAN, 0)])
            more = f"more than on clean images by {points(grown.estimate)}, {span(grown.low, grown.high)}"
            star = "*" if grown.excludes_zero and not entry.blank else ""
            values[effect, own.key] = own.cell(evidence.interval(lost), "" if evidence.few else more, star)
            values[effect, ("growth", *condition)] = grown
        return values

    star = "* where the interval of the difference to clean excludes zero"
    return panel.table(
        quantities,
        [column((CLEAN, 0), label=CLEAN), *columns.values(), *(column(each, "growth") for each in corrupted)],
        facts=facts,
        parts={"effect": names},
        **panel.fields("resolution-under-corruption", "Whether the loss grows under corruption"),
        caption="Points of mIoU lost to the shift of the resolution, on clean and on corrupted images; "
        f"{f'{NONE}, since {evidence.few}' if evidence.few else star}; positive is a loss; {panel.about}.",
        main=True,
    )


def share_table(panel: Panel, shift: Shift) -> Table:
    """Make the table of the extent effect as a share of the windows' mIoU, clean and corrupted."""
    return panel.table(
        lambda title: growth_of_share(panel.evidence, shift, title, panel.conditions),
        [
            *(Column(name=name, label=name) for name in ("clean", "corrupted")),
            Column(name="growth", label="growth", unit=POINTS),
        ],
        **panel.fields("resolution-share", "Loss from windows to whole images as a share of the mIoU"),
        caption=f"% of the mIoU by windows of {shift.slide.crop} pixels, on clean images and on average over "
        f"corruptions, and their difference in points; positive is a loss; {panel.about}.",
    )


def published_table(panel: Panel, shift: Shift) -> Table:
    """Show the paper's extent effects, with what sets them apart from ours."""
    given = {name: panel.cells.iloc[0][name] for name in ("dataset", "split", "images", "of", "void")}
    texts = []
    for mode, view in (("slide", str(shift.slide)), ("whole", "whole")):
        table = published_rows("table1c_positional", OwnRun(protocol="clean", view=view, **given))
        texts += table.set_index("inference_mode").loc[mode, "differs"].iloc[0].split("; ")
    differs = "; ".join(dict.fromkeys(filter(None, texts)))
    theirs = published_extent()
    extent = Column(name="extent", label="extent (points)", unit=POINTS)
    columns = (
        Column(name="paper", label="paper", align="left"),
        Column(name="slide", label="768x768 windows (mIoU)"),
        Column(name="whole", label="whole 1024x2048 (mIoU)"),
        extent,
        Column(name="extent share", key="share"),
    )
    lost = zip(theirs["points"] / 100, theirs["share"], strict=True)
    frame = theirs.assign(
        paper=theirs["encoding"].map(spaced),
        extent=[extent.cell(value, f"{percent(share)} % of the mIoU") for value, share in lost],
        setup=differs,
    )
    return Table(
        columns=columns,
        rows=frame_rows(frame, columns, ["setup"]),
        where={"metric": "miou", "dataset": "cityscapes", "split": "val"},
        **panel.fields("resolution-published", "Published: Table 1c"),
        caption="Xie et al., SegFormer, NeurIPS 2021: B2 on cityscapes val, from ImageNet weights, without intervals. "
        + (f"Differs from ours in {differs}. " if differs else "")
        + "How the paper's arm with a positional encoding was built is not released.",
    )
