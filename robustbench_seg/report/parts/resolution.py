"""Resolution: clean mIoU by view, what a shift costs each arm, whether corruption adds to it; the claim of Table 1c."""

from dataclasses import replace
from typing import Any

from ...charts import Dot, dumbbells, lines
from ...store.cell import CLEAN
from ...studies.arms import Entry, is_of_table_1c
from ...studies.claims import TABLE_1C, paper_marks
from ...studies.findings import pair_finding
from ...studies.resolution import ENCODINGS, Shift, extent_differs, published_extent, shifts_of
from ...studies.shift_results import results_of_shift
from ...studies.statistics import Draws, Interval
from ...wording import percent, points, spaced, span
from ..content import ANSWER, Content, Picture
from ..differences import NONE, forest_picture, long_table, wide_table
from ..panel import FILLS, Panel
from ..scores import cell_columns, flag_notes, groups_table, view_columns
from ..table import Column, Table, frame_rows, numbers
from ..units import PERCENT, POINTS

__all__ = ["make"]

LOSES = "Points lost by one arm minus those lost by the other; positive: the first loses more"
VIEWS = "mIoU in %; a column per view (slide-256-192-x2: windows of 256 pixels every 192, of the image scaled by 2)."
SHARES = ("clean", "corrupted", "growth")


def make(panel: Panel) -> Content:
    """Make the tables of views, and of effects where views let one measure any, with sentences on these."""
    if len(panel.source.plan.views) < 2 or not (panel.cells["corruption"] == CLEAN).any():
        return Content()
    shifts = shifts_of(panel.evidence, panel.order, panel.conditions)
    differences = panel.evidence.differences(panel.by_view, lambda view: (view,))
    of_views = Content.of(
        views_table(panel, next(iter(shifts), None)),
        wide_table(panel, differences, "differences-views", "Differences between arms in clean mIoU by view"),
        *([] if panel.conditions else map(groups_table, panel.detailed_views())),
    )
    return sum((shift_content(replace(panel, name=shift.name), shift) for shift in shifts), of_views)


def shift_content(panel: Panel, shift: Shift) -> Content:
    """Make tables, figures and sentences on effects, on clean images and under corruption.

    The shift that leads the report has its sentences, and its effects in the table of views.
    """
    effects, growth = {name: name for name in shift.effects}, {"growth": "growth of the share"}
    losses = "resolution-differences", "Whether arms lose differently"
    shares = "resolution-share-differences", "Whether the share that arms lose grows differently"
    content = Content.of(
        views_table(panel, shift) if shift.name else None,
        long_table(panel, shift.differences, effects, LOSES, *losses, "effect", main=not shift.name),
        *((growth_table(panel, shift), share_table(panel, shift)) if panel.conditions else ()),
        long_table(panel, shift.growth, growth, "Points of the windows' mIoU", *shares),
        *pictures_of(panel, shift),
    )
    if shift.name:
        return content
    every = {"extent": shift.differences, "growth": shift.growth}
    pairs = {name: TABLE_1C.pair(own, name) for name, own in every.items()}
    findings = [pair_finding(every[name][*pair, name], name) for name, pair in pairs.items() if pair]
    published = published_table(panel, shift) if has_table_1c(panel) else None
    return content + Content.of(published, *findings, *results_of_shift(panel, shift))


def has_table_1c(panel: Panel) -> bool:
    """Whether some arm is of a network that Table 1c is about."""
    return any(map(is_of_table_1c, panel.evidence.arms))


def views_table(panel: Panel, shift: Shift | None) -> Table:
    """Make the table of clean mIoU by view, and of the effects of a shift; the CSV has changes and shares too.

    Of a shift that does not lead the report, it has the effects alone.
    """
    views, cells = [] if panel.name else panel.order, panel.cells[panel.cells["corruption"] == CLEAN]
    names = list(shift.effects) if shift else []
    effects = [Column(name=name, label=f"{name} (points)", unit=POINTS) for name in names]

    def quantities(title: str) -> dict[Any, Draws]:
        miou = panel.by_view(title) if views else {}
        changes = {("change", view): draws - miou[views[0]] for view, draws in miou.items()}
        return {**(shift.costs(title) if shift else {}), **miou, **changes}

    def facts(entry: Entry) -> dict[str, Any]:
        shares = {name: f"{percent(entry.values[f'{name} share'][0])} % of the mIoU" for name in names}
        return {own.name: own.cell(panel.interval(entry.values[own.name]), shares[own.name]) for own in effects}

    cost, title = "what a shift of the resolution costs", "Clean mIoU by view"
    captions = [VIEWS] if views else []
    if shift:
        title = f"{title}, and {cost}" if views else cost.capitalize()
        captions.append(
            f"Points lost against windows of {shift.slide.crop} pixels at scale 1; extent: on {shift.image}; scale: by "
            "the same windows of a scaled image; joint: both; positive is a loss."
        )
    return panel.table(
        quantities,
        [
            *view_columns(views),
            *effects,
            *(Column(name="change", key=("change", view), where={"view": str(view)}) for view in views),
            *(Column(name=f"{name} share") for name in names),
        ],
        "views",
        title,
        facts=facts,
        caption=f"{' '.join(captions)}{flag_notes(cells.assign(corruption=cells['view']))}",
        main=bool(views),
    )


def growth_table(panel: Panel, shift: Shift) -> Table:
    """Make the table of effects under each condition, with a dagger where one is larger than on clean images."""
    few, cells = panel.evidence.few, cell_columns(panel.conditions)
    texts = [spaced("{corruption} {severity}".format(**own.where)) for own in cells]
    lost = [replace(own, name="lost", label=text, unit=POINTS) for own, text in zip(cells, texts, strict=True)]
    growth = [replace(own, name="growth", key=("growth", own.key), label="") for own in lost]
    clean = Column(name="lost", key=(CLEAN, 0), label=CLEAN, unit=POINTS, where={"corruption": CLEAN, "severity": 0})

    def facts(entry: Entry) -> dict[Any, Any]:
        cells: dict[Any, Any] = {}
        for effect in shift.effects:
            for own, more in zip(lost, growth, strict=True):
                draws = entry.values[effect, own.key]
                grown = panel.interval(draws - entry.values[effect, clean.key])
                words = f"more than on clean images by {points(grown.estimate)}, {span(grown.low, grown.high)}"
                dagger = "†" if grown.excludes_zero and not entry.blank else ""
                cells[effect, own.key] = own.cell(panel.interval(draws), "" if few else words, dagger)
                cells[effect, more.key] = grown
        return cells

    dagger = "† for these weights: the interval over images of the difference to clean excludes zero"
    return panel.table(
        shift.costs_by_condition,
        [clean, *lost, *growth],
        "resolution-under-corruption",
        "Whether the loss grows under corruption",
        facts=facts,
        parts=("effect", shift.effects),
        caption="Points of mIoU lost to the shift of the resolution, on clean and on corrupted images; "
        f"{f'{NONE}, since {few}' if few else dagger}; positive is a loss.",
        main=True,
    )


def share_table(panel: Panel, shift: Shift) -> Table:
    """Make the table of the extent effect as a share of the windows' mIoU, clean and corrupted."""
    return panel.table(
        shift.shares,
        [Column(name=name, label=name, unit=POINTS if name == "growth" else PERCENT) for name in SHARES],
        "resolution-share",
        "Loss from windows to whole images as a share of the mIoU",
        caption=f"% of the mIoU by windows of {shift.slide.crop} pixels, on clean images and on average over "
        f"corruptions, and their difference in points; positive is a loss.",
    )


def published_table(panel: Panel, shift: Shift) -> Table:
    """Show the paper's extent effects, with what sets them apart from ours."""
    differs = extent_differs(shift, **panel.cells.iloc[0][["dataset", "split", "images", "of", "void"]])
    theirs = published_extent()
    extent = Column(name="extent", label="extent (points)", unit=POINTS)
    columns = (
        Column(name="paper", label="paper", align="left"),
        *numbers(PERCENT, slide="768x768 windows (mIoU)", whole="whole 1024x2048 (mIoU)"),
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


def pictures_of(panel: Panel, shift: Shift) -> list[Picture]:
    """Draw mIoU against scale, the way from windows to whole images, and how arms differ in what they lose.

    Of clean images alone, the first is on the first screen.
    """
    last = f"x{shift.scales[-1]:g}"  # the table has every scale
    names = {name: name for name in shift.effects if name == "extent" or name.endswith(last)}
    published = paper_marks(panel.evidence.pairs() if "extent" in names else [])
    effects = "points that the first loses more", "resolution-effects", "Whether arms lose differently"
    pictures = [
        *([scales_picture(panel, shift)] if len(shift.scales) > 1 else []),
        *([extent_picture(panel, shift)] if "extent" in names else []),
        forest_picture(panel, shift.differences, names, *effects, published),
    ]
    return [replace(one, group="" if panel.conditions or shift.name or k else ANSWER) for k, one in enumerate(pictures)]


def extent_picture(panel: Panel, shift: Shift) -> Picture:
    """Draw the way of each arm from windows to whole images, next to the paper's."""
    views = {str(view): view for view in (shift.slide, shift.whole)}
    ours = {arm.arm_label: panel.way(arm, views) for arm in panel.arms(panel.by_view)}
    theirs = {
        ENCODINGS[row.encoding]: [
            Dot(number=Interval(value), fill=fill, published=True)
            for value, fill in zip((row.slide, row.whole), FILLS, strict=True)
        ]
        for row in (published_extent().itertuples() if has_table_1c(panel) else ())
    }
    paper = "; diamonds: the paper's Table 1c, B2 on Cityscapes with windows of 768 pixels" if theirs else ""
    caption = f"Clean mIoU in %; ring: windows of {shift.slide.crop} pixels, full: {shift.image}{paper}"
    chart = dumbbells({"Ours": ours, "Paper": theirs} if theirs else {"": ours}, "mIoU (%)")
    return panel.picture("resolution-extent", "From windows to whole images", caption, chart)


def scales_picture(panel: Panel, shift: Shift) -> Picture:
    """Draw each arm's mIoU by scale, by windows and on the whole image."""
    arms, few = panel.arms(panel.by_view), panel.evidence.few
    curves = {
        title: [panel.curve(arm, {view.scales[0]: view for view in views}) for arm in arms]
        for title, views in shift.curves.items()
    }
    bands = f"no intervals, since {few}" if few else "bands are 95 % intervals"
    caption = f"Clean images; windows of {shift.slide.crop} pixels, and {shift.image}; {bands}"
    chart = lines(curves, x_label="scale of the input", y_label="mIoU (%)", across=2)
    return panel.picture("resolution-scales", "mIoU against the scale of the input", caption, chart)
