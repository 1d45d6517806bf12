"""Charts as Matplotlib figures, for files: the same numbers, order of arms and colours as in the page."""

from collections.abc import Sequence
from itertools import groupby
from math import isnan
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .looks import style
from .values import Axis, Chart, Curve, Dot, Panel, Plot, Rows, Tile

if TYPE_CHECKING:  # a report without figures starts fast
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure", "save_figure"]

INK, SOFT, BAND = "#1b1f24", "#888888", "#e9edf1"
LINE, NAME = 0.22, 0.16  # inches of a row and of a further line of its name
LETTER, FEW = 0.075, 3  # inches of a letter; panels of curves that are as large as a single one
PAD, SIZE = 0.035, 0.25  # of an axis: free at each end; the longest bar under a label
# Text stays text, and the bytes depend on the content alone.
SETTINGS: dict[Any, Any] = {"svg.hashsalt": "robustbench-seg", "svg.fonttype": "none", "pdf.fonttype": 42}
DATES = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def save_figure(figure: "Figure", path: Path, file_format: str) -> None:
    """Write a figure as "svg" or "pdf" whose bytes depend on its content alone."""
    import matplotlib as mpl
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)  # names come from users, and one may hold two dollar signs
    with mpl.rc_context(SETTINGS):
        {"svg": FigureCanvasSVG, "pdf": FigureCanvasPdf}[file_format](figure)  # measures texts as the file has them
        # `savefig` would draw the figure twice to lay it out.
        if layout := figure.get_layout_engine():
            layout.execute(figure)
            figure.set_layout_engine(None)
        figure.savefig(path, format=file_format, metadata=DATES[file_format])


def figure(chart: Chart) -> "Figure":
    """Draw a chart for paper; writes nothing."""
    from matplotlib.figure import Figure

    columns = min(chart.across, len(chart.panels))
    legend = chart.legend or names_at_ends(chart.panels[0])
    lines = [chart.panels[k : k + columns] for k in range(0, len(chart.panels), columns)]
    widths, heights = zip(*(size_of(panel, few=len(chart.panels) <= FEW) for panel in chart.panels), strict=True)
    tall = [max(heights[k * columns : (k + 1) * columns]) for k in range(len(lines))]
    width = max(max(widths) * columns, 4.0)
    next_to = max(1, int(width // (0.5 + LETTER * max((len(arm) for arm, _ in legend), default=0))))
    listed = NAME * -(-len(legend) // next_to)
    drawn = Figure(figsize=(width, sum(tall) + listed + 0.2), layout="constrained")
    across, down = parts_of(chart.panels[0])
    grid = drawn.subplots(
        len(lines) * down,
        columns * len(across),
        squeeze=False,
        width_ratios=across * columns,
        height_ratios=[height / down for height in tall for _ in range(down)],
    )
    for axis in grid.flat:
        axis.set_axis_off()
    for k, panel in enumerate(chart.panels):
        row, column = divmod(k, columns)
        own = grid[row * down : (row + 1) * down, column * len(across) : (column + 1) * len(across)].flat
        draw_panel(list(own), panel, with_names=column == 0 or names_of(panel) != names_of(chart.panels[k - 1]))
    if legend:
        list_arms(drawn, legend, next_to)
    return drawn


def parts_of(panel: Panel) -> tuple[tuple[float, ...], int]:
    """Give the relative widths of the axes of a panel next to each other, and how many are below each other."""
    return (
        (panel.shares, 1) if isinstance(panel, Rows) else ((1.0,), len(panel.files) if isinstance(panel, Tile) else 1)
    )


def names_of(panel: Panel) -> list[str]:
    """List the names of a panel's rows."""
    return [row.label for row in panel.rows] if isinstance(panel, Rows) else []


def size_of(panel: Panel, *, few: bool) -> tuple[float, float]:
    """Give the width and height of a panel in inches. few: whether it is one of few."""
    if isinstance(panel, Rows):
        lines = sum(LINE + NAME * row.label.count("\n") for row in panel.rows)
        longest = max((len(line) for label in names_of(panel) for line in label.split("\n")), default=0)
        return 2.2 + 1.2 * (len(panel.axes) - 1) + LETTER * longest, lines + 0.9
    return (2.7, 2.6) if isinstance(panel, Tile) else (3.6, 3.0) if few else (2.4, 1.9)


def draw_panel(axes: Sequence["Axes"], panel: Panel, *, with_names: bool) -> None:
    """Draw a panel on its axes. with_names: whether the names of rows are not there already."""
    if isinstance(panel, Tile):
        from matplotlib.image import imread

        for axis, file in zip(axes, panel.files, strict=False):
            axis.imshow(imread(file), interpolation="nearest")
        axes[0].set_title(panel.title, fontsize=9)
        return
    for axis in axes:
        axis.set_axis_on()
        axis.tick_params(labelsize=8, length=2, color=SOFT)
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.spines["bottom"].set_color(SOFT)
    if isinstance(panel, Plot):
        draw_plot(axes[0], panel)
    else:
        draw_rows(axes, panel, with_names=with_names)


def set_axis(axis: "Axes", scale: Axis, which: Literal["x", "y"]) -> None:
    """Give one of the two axes its ends, ticks, grid and label. which: "x" or "y"."""
    own = getattr(axis, f"{which}axis")
    margin = PAD * (scale.high - scale.low)
    if scale.log:
        getattr(axis, f"set_{which}scale")("log")
        getattr(axis, f"set_{which}lim")(scale.low / 1.05, scale.high * 1.05)
    else:
        getattr(axis, f"set_{which}lim")(scale.low - margin, scale.high + margin)
    own.set_ticks([tick for tick, _ in scale.ticks], [text for _, text in scale.ticks])
    axis.minorticks_off()
    own.set_label_text(scale.label, fontsize=8)
    axis.grid(axis=which, color=BAND, linewidth=0.8)
    axis.set_axisbelow(True)
    if scale.band:
        axis.axvspan(*scale.band, color=BAND, linewidth=0)
    if scale.zero:
        axis.axvline(0, color=SOFT, linewidth=0.8)


def look_of(dot_series: int | None, fill: str, *, published: bool = False) -> dict[str, Any]:
    """Choose colour, marker and fill."""
    look = style(dot_series) if dot_series is not None else {"color": INK, "marker": "D" if published else "o"}
    fills = {
        "full": {},
        "half": {"fillstyle": "left", "markerfacecoloralt": "white"},
        "ring": {"markerfacecolor": "white"},
    }
    return {**look, **fills[fill], "linestyle": "none", "markersize": 5}


def draw_rows(axes: Sequence["Axes"], panel: Rows, *, with_names: bool) -> None:
    """Draw rows, each on all axes of its panel."""
    for k, (axis, scale) in enumerate(zip(axes, panel.axes, strict=True)):
        set_axis(axis, scale, "x")
        axis.set_ylim(len(panel.rows) - 0.4, -0.6)
        axis.tick_params(axis="y", length=0)
        axis.set_yticks(range(len(panel.rows)), names_of(panel) if with_names and k == 0 else [""] * len(panel.rows))
        titles = [panel.title if k == 0 else "", panel.titles[k] if panel.titles else ""]
        axis.set_title("\n".join(filter(None, titles)), fontsize=8, loc="left" if k == 0 else "right")
        for y, row in enumerate(panel.rows):
            draw_dots(axis, [dot for dot in row.dots[k] if dot.drawn], y, link=row.link)
            if with_names and k == 0 and row.size:  # under the label, which ends at the axis
                place = axis.get_yaxis_transform()  # in shares of the axis's width, which begins where labels end
                axis.plot(
                    [-SIZE * row.size, 0], [y + 0.4] * 2, color=SOFT, linewidth=1.5, transform=place, clip_on=False
                )
    for label, row in zip(axes[0].get_yticklabels(), panel.rows, strict=True):
        label.set_fontweight("bold" if row.head else "normal")


def draw_dots(axis: "Axes", dots: Sequence[Dot], y: float, *, link: bool) -> None:
    """Draw the numbers of one row on one axis."""
    if link and len(dots) > 1:
        ends = [dot.number.estimate for dot in (dots[0], dots[-1])]
        axis.plot(ends, [y, y], color=look_of(dots[0].series, "full")["color"], linewidth=1, alpha=0.5)
    for dot in dots:
        look = look_of(dot.series, dot.fill, published=dot.published)
        for number, width, alpha in ((dot.wide, 1, 1), (dot.number, 3.5, 0.45)):
            if not isnan(number.low):
                axis.plot(
                    [number.low, number.high],
                    [y, y],
                    color=look["color"],
                    linewidth=width,
                    alpha=alpha,
                    solid_capstyle="butt",
                )
        axis.plot([value for _, value in dot.runs], [y + 0.3] * len(dot.runs), "|", color=look["color"], markersize=4)
        axis.plot(dot.number.estimate, y, **look)


def draw_plot(axis: "Axes", panel: Plot) -> None:
    """Draw curves."""
    set_axis(axis, panel.x, "x")
    set_axis(axis, panel.y, "y")
    axis.set_title(panel.title, fontsize=9)
    if panel.diagonal:
        axis.plot([panel.x.low, panel.x.high], [panel.x.low, panel.x.high], color=SOFT, linestyle=":", linewidth=1)
    for curve in panel.curves:
        draw_curve(axis, curve)


def draw_curve(axis: "Axes", curve: Curve) -> None:
    """Draw a level, a band, a line and markers."""
    colour = look_of(curve.series, "full")["color"]
    if curve.level is not None and not isnan(curve.level):
        axis.axhline(curve.level, color=colour, linestyle=":", linewidth=0.9)
    x, y = [place for place, _, _ in curve.drawn], [number.estimate for _, number, _ in curve.drawn]
    ends = [(place, number.low, number.high) for place, number, _ in curve.drawn if not isnan(number.low)]
    if curve.link == "line" and len(ends) > 1:
        places, low, high = zip(*ends, strict=True)
        axis.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
    if curve.link != "line":
        for place, bottom, top in ends:
            axis.plot([place, place], [bottom, top], color=colour, linewidth=0.9)
    if curve.link != "none":
        axis.plot(x, y, color=colour, linewidth=1.2, alpha=1 if curve.link == "line" else 0.5)
    for fill, some in groupby(curve.drawn, key=itemgetter(2)):  # a call for several keeps files small
        own = list(some)
        look = {**look_of(curve.series, fill), "markersize": 4}
        axis.plot([place for place, _, _ in own], [number.estimate for _, number, _ in own], **look)


def names_at_ends(panel: Panel) -> tuple[tuple[str, int], ...]:
    """List the arms whose names stand at the ends of their curves in the page; on paper they stand above."""
    curves = panel.curves if isinstance(panel, Plot) and panel.labelled else ()
    return tuple((curve.arm, curve.series) for curve in curves if curve.series is not None)


def list_arms(drawn: "Figure", legend: Sequence[tuple[str, int]], next_to: int) -> None:
    """List the arms above the panels. next_to: how many in a line."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], **look_of(series, "full"), label=arm) for arm, series in legend]
    drawn.legend(handles=handles, loc="outside upper center", ncols=next_to, fontsize=8, frameon=False)
