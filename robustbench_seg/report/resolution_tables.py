"""Tables of a shift of the resolution: its cost on clean and on corrupted images, and the paper's Table 1c."""

from typing import Any

from ..store.cell import CLEAN
from ..studies.evidence import Entry
from ..studies.resolution import ENCODINGS, extent_differs, published_extent
from ..studies.shift import Shift, costs, costs_by_condition, growth_of_share, lost_by_effect
from ..studies.statistics import Draws
from ..wording import percent, points, spaced, span
from .differences import NONE
from .panel import Panel
from .scores import flag_notes, view_columns
from .table import Column, Table, frame_rows
from .units import POINTS

__all__ = ["growth_table", "published_table", "share_table", "views_table"]


def views_table(panel: Panel, shift: Shift | None) -> Table:
    """Make the table of clean mIoU by view, and of the effects of a shift; the CSV has changes and shares too."""
    evidence, views, cells = panel.evidence, panel.order, panel.cells[panel.cells["corruption"] == CLEAN]
    names = list(lost_by_effect(evidence, shift, evidence.titles[0])) if shift else []
    effects = [Column(name=name, label=f"{name} (points)", unit=POINTS) for name in names]

    def quantities(title: str) -> dict[Any, Draws]:
        miou = panel.by_view("miou", title)
        changes = {("change", view): draws - miou[views[0]] for view, draws in miou.items()}
        return {**(costs(evidence, shift, title) if shift else {}), **miou, **changes}

    def facts(entry: Entry) -> dict[str, Any]:
        shares = {name: f"{percent(entry.values[f'{name} share'][0])} % of the mIoU" for name in names}
        return {own.name: own.cell(evidence.interval(entry.values[own.name]), shares[own.name]) for own in effects}

    lost = (
        f" Points lost against windows of {shift.slide.crop} pixels at scale 1; extent: on the whole image; scale: by "
        "the same windows of a scaled image; joint: both; positive is a loss."
        if shift
        else ""
    )
    return panel.table(
        quantities,
        [
            *view_columns(views, best="high"),
            *effects,
            *(Column(name="change", key=("change", view), where={"view": str(view)}) for view in views),
            *(Column(name=f"{name} share") for name in names),
        ],
        facts=facts,
        **panel.fields("views", f"Clean mIoU by view{', and what a shift of the resolution costs' if shift else ''}"),
        caption="mIoU in %; a column per view (slide-256-192-x2: windows of 256 pixels every 192, of the image scaled "
        f"by 2).{lost}{flag_notes(cells.assign(corruption=cells['view']))}",
        main=True,
    )


def growth_table(panel: Panel, shift: Shift) -> Table:
    """Make the table of effects under each condition, with a dagger where one is larger than on clean images."""
    evidence, conditions = panel.evidence, panel.conditions
    corrupted = [(name, severity) for name, severities in conditions.items() for severity in severities]

    def column(name: str, corruption: str, severity: int, label: str = "") -> Column:
        where = {"corruption": corruption, "severity": severity}
        return Column(name=name, key=(name, corruption, severity), where=where, unit=POINTS, label=label)

    lost = [column("lost", *condition, label=spaced("{} {}".format(*condition))) for condition in corrupted]
    growth = [column("growth", *condition) for condition in corrupted]

    def facts(entry: Entry) -> dict[Any, Any]:
        cells: dict[Any, Any] = {}
        for effect in lost_by_effect(evidence, shift, evidence.titles[0]):
            clean = entry.values[effect, ("lost", CLEAN, 0)]
            for own, more in zip(lost, growth, strict=True):
                draws = entry.values[effect, own.key]
                number, grown = evidence.interval(draws), evidence.interval(draws - clean)
                words = f"more than on clean images by {points(grown.estimate)}, {span(grown.low, grown.high)}"
                dagger = "†" if grown.excludes_zero and not entry.blank else ""
                cells[effect, own.key] = own.cell(number, "" if evidence.few else words, dagger)
                cells[effect, more.key] = grown
        return cells

    dagger = "† for these weights: the interval over images of the difference to clean excludes zero"
    return panel.table(
        lambda title: costs_by_condition(evidence, shift, title, conditions),
        [column("lost", CLEAN, 0, label=CLEAN), *lost, *growth],
        facts=facts,
        parts={"effect": lost_by_effect(evidence, shift, evidence.titles[0])},
        **panel.fields("resolution-under-corruption", "Whether the loss grows under corruption"),
        caption="Points of mIoU lost to the shift of the resolution, on clean and on corrupted images; "
        f"{f'{NONE}, since {evidence.few}' if evidence.few else dagger}; positive is a loss.",
        main=True,
    )


def share_table(panel: Panel, shift: Shift) -> Table:
    """Make the table of the extent effect as a share of the windows' mIoU, clean and corrupted."""
    growth = Column(name="growth", label="growth", unit=POINTS)
    return panel.table(
        lambda title: growth_of_share(panel.evidence, shift, title, panel.conditions),
        [*(Column(name=name, label=name) for name in ("clean", "corrupted")), growth],
        **panel.fields("resolution-share", "Loss from windows to whole images as a share of the mIoU"),
        caption=f"% of the mIoU by windows of {shift.slide.crop} pixels, on clean images and on average over "
        f"corruptions, and their difference in points; positive is a loss.",
    )


def published_table(panel: Panel, shift: Shift) -> Table:
    """Show the paper's extent effects, with what sets them apart from ours."""
    differs = extent_differs(shift.slide, **panel.cells.iloc[0][["dataset", "split", "images", "of", "void"]])
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
        paper=theirs["encoding"].map(ENCODINGS),
        row=theirs["encoding"].map(spaced),
        extent=[extent.cell(value, f"{percent(share)} % of the mIoU") for value, share in lost],
        setup=differs,
    )
    return Table(
        columns=columns,
        rows=frame_rows(frame, columns, ["row", "setup"]),
        where={"metric": "miou", "dataset": "cityscapes", "split": "val"},
        **panel.fields("resolution-published", "Published: Table 1c"),
        caption="Xie et al., SegFormer, NeurIPS 2021: B2 on cityscapes val, from ImageNet weights, without intervals. "
        + (f"Differs from ours in {differs}. " if differs else "")
        + "How the paper's arm with a positional encoding was built is not released.",
    )
