"""Figures of a report; each function returns a Figure and writes nothing.

Colours are safe for colour-blind eyes: cividis for values, Okabe and Ito's palette for lines, which differ in their
markers too. Scores are fractions in what is given, and % or points in the figure.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..store.cell import CLEAN
from ..studies.statistics import Interval
from ..wording import points, spaced

if TYPE_CHECKING:  # a report without figures starts fast
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["described", "dumbbells", "forest", "heat_maps", "scale_curves", "severity_curves", "style", "tradeoff"]

LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BLUE, ORANGE = LINES[:2]
MARKERS = "osD^vPX"
LEGEND = 2.6  # inches of a name in a legend
NOTHING = Interval(np.nan, np.nan, np.nan)
Panels = dict[str, dict[str, Interval]]  # by title and row
Bars = dict[str, dict[str, tuple[Interval, Interval]]]  # by title and row: over images, and the widest that there is
Curves = Mapping[str, Mapping[str, Mapping[float, Interval]]]  # by title, label and place on the axis
Marks = Mapping[str, Mapping[str, float]]  # likewise
Scores = Mapping[str, Mapping[tuple[str, int], Interval]]  # by title; corruption and severity


def style(k: int) -> dict[str, Any]:
    """Colour and marker of the k-th line: 49 pairs that differ, then the first again."""
    return {"color": LINES[k % len(LINES)], "marker": MARKERS[(k + k // len(LINES)) % len(MARKERS)]}


def panels(
    titles: Sequence[str], across: int, size: Any, *, grid: str = "both", x: str = "", hidden: Sequence[str] = ()
) -> tuple["Figure", list["Axes"]]:
    """Make a figure with a panel per title, at most `across` next to each other, all on the same axes.

    size: of the figure in inches, of the numbers of columns and rows. grid: "x", "both" or "" for none. x: the axis's
    label. hidden: the sides without a line.
    """
    from matplotlib.figure import Figure

    columns = min(across, len(titles))
    rows = -(-len(titles) // columns)
    figure = Figure(figsize=size(columns, rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False, sharex=bool(grid), sharey=True).flat)
    for axis in axes[len(titles) :]:
        axis.set_visible(False)
    for axis, title in zip(axes, titles, strict=False):
        axis.set_title(title, fontsize=9)
        if x:
            axis.set_xlabel(x, fontsize=9)
        for side in hidden:
            axis.spines[side].set_visible(False)
        if grid:
            axis.grid(axis=grid, alpha=0.3)
    return figure, axes[: len(titles)]


def heat_maps(scores: Scores) -> "Figure":
    """Draw mIoU, corruption by severity; a panel per title, one colour scale."""
    names, severities = axes_of(scores)
    width, height = 1.2 + 0.62 * len(severities), 1.2 + 0.3 * len(names)
    figure, axes = panels(list(scores), 4, lambda columns, rows: (1.9 + columns * width, rows * height), grid="")
    tables = [
        np.array([[100 * own.get((name, s), NOTHING).estimate for s in severities] for name in names])
        for own in scores.values()
    ]
    highest = float(np.nanmax(tables, initial=1.0))
    for axis, values in zip(axes, tables, strict=True):
        image = axis.imshow(values, cmap="cividis", vmin=0, vmax=highest, aspect="auto")
        for (y, x), value in np.ndenumerate(values):
            colour = "black" if value > 0.55 * highest else "white"
            text = "" if np.isnan(value) else f"{value:.0f}"
            axis.text(x, y, text, ha="center", va="center", fontsize=8, color=colour)
        axis.set_xticks(range(len(severities)), map(str, severities))
        axis.set_yticks(range(len(names)), map(spaced, names), fontsize=8)
        axis.set_xlabel("severity")
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label="mIoU (%)", pad=0.01)
    return figure


def axes_of(scores: Scores) -> tuple[list[str], list[int]]:
    """List the corruptions, as they come, and the severities of scores."""
    corrupted = [(name, severity) for own in scores.values() for name, severity in own if severity]
    return list(dict.fromkeys(name for name, _ in corrupted)), sorted({severity for _, severity in corrupted})


def severity_curves(scores: Scores) -> "Figure":
    """Draw mIoU, with its intervals, against severity, a small panel per corruption and a line per title."""
    names, severities = axes_of(scores)

    def size(columns: int, rows: int) -> tuple[float, float]:
        width = max(5.5, 2.3 * columns + 0.4)
        lines = -(-len(scores) // int(width // LEGEND))
        return width, 1.9 * rows + 0.7 + 0.17 * max(0, lines - 2)

    figure, axes = panels(list(map(spaced, names)), 4, size)
    for axis, name in zip(axes, names, strict=True):
        for k, (label, own) in enumerate(scores.items()):
            curve = {severity: own.get((name, severity) if severity else (CLEAN, 0)) for severity in (0, *severities)}
            draw_curve(axis, {s: number for s, number in curve.items() if number}, label, k, size=3.5, band=0.15)
        axis.set_ylim(bottom=0)
        axis.set_xticks(range(max(severities) + 1))
    figure.supxlabel("severity (0 is clean)", fontsize=9)
    figure.supylabel("mIoU (%)", fontsize=9)
    legend_above(figure, axes[0], int(figure.get_figwidth() // LEGEND))
    return figure


def draw_curve(axis: "Axes", curve: Mapping[float, Interval], label: str, k: int, size: float, band: float) -> None:
    """Draw numbers that are there, in %, over their keys, with a band of their intervals."""
    x = sorted(place for place, number in curve.items() if not np.isnan(number.estimate))
    y, low, high = (np.array([100 * getattr(curve[place], end) for place in x]) for end in ("estimate", "low", "high"))
    axis.plot(x, y, markersize=size, linewidth=1.3, label=label, **style(k))
    if not np.isnan(low).all():
        axis.fill_between(x, low, high, color=style(k)["color"], alpha=band, linewidth=0)


def legend_above(figure: "Figure", axis: "Axes", columns: int) -> None:
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, fontsize=8, frameon=False)


def forest(numbers: Bars, unit: str, published: Marks | None = None) -> "Figure":
    """Draw intervals around zero, in points: a panel per title, the same rows and scale in each.

    Thick over images, thin the widest interval; filled where that excludes zero. published: values of the paper, by
    panel and row, as orange diamonds.
    """
    rows = list(dict.fromkeys(label for panel in numbers.values() for label in panel))
    lines = sum(1 + label.count("\n") for label in rows)

    def size(columns: int, down: int) -> tuple[float, float]:
        return 2.0 + 2.4 * columns, down * (1.1 + 0.24 * lines)

    figure, axes = panels(list(numbers), 3, size, grid="x", x=unit, hidden=("top", "right", "left"))
    for axis, (title, panel) in zip(axes, numbers.items(), strict=True):
        axis.axvline(0, color="#888888", linewidth=1)
        for y, label in enumerate(rows):
            images, widest = panel.get(label, (NOTHING, NOTHING))
            if not np.isnan(images.estimate):
                for number, width in ((widest, 1), (images, 3.5)):
                    ends = [100 * number.low, 100 * number.high]
                    axis.plot(ends, [y, y], color=BLUE, linewidth=width, solid_capstyle="butt")
                fill = BLUE if widest.excludes_zero else "white"
                axis.plot(100 * images.estimate, y, "o", color=BLUE, markersize=4.5, markerfacecolor=fill)
            theirs = (published or {}).get(title, {}).get(label)
            if theirs is not None:
                axis.plot(100 * theirs, y - 0.28, "D", color=ORANGE, markersize=6, fillstyle="none")
        axis.tick_params(axis="y", length=0)
        axis.tick_params(labelsize=8, labelbottom=True)
        axis.margins(x=0.1)
    axes[0].set_yticks(range(len(rows)), rows, fontsize=8)
    axes[0].set_ylim(len(rows) - 0.4, -0.6)
    return figure


def described(numbers: Bars, unit: str) -> str:
    """Describe in words what `forest` draws."""
    return "; ".join(
        f"{title}, {' '.join(label.split())}: {points(number.estimate)} {unit}"
        for title, panel in numbers.items()
        for label, (number, _) in panel.items()
    )


def dumbbells(numbers: Mapping[str, Panels]) -> "Figure":
    """Draw scores, with their intervals, and the way from one to the other: a panel per title, a mark per label."""
    rows = list(dict.fromkeys(row for panel in numbers.values() for own in panel.values() for row in own))
    figure, axes = panels(list(numbers), 2, lambda columns, _: (1.0 + 3.3 * columns, 1.6 + 0.4 * len(rows)), grid="x")
    for axis, panel in zip(axes, numbers.values(), strict=True):
        for y, row in enumerate(rows):
            axis.plot([100 * own[row].estimate for own in panel.values()], [y] * len(panel), color="#888888", zorder=1)
        for k, (label, own) in enumerate(panel.items()):
            ends = [(own[row].low, own[row].estimate, own[row].high) for row in rows]
            low, x, high = 100 * np.array(ends).T
            look = {"linestyle": "none", "markerfacecolor": "none", "markersize": 7, **style(k)}  # marks may coincide
            axis.errorbar(x, range(len(rows)), xerr=[x - low, high - x], label=label, **look)
        axis.set_xlabel("mIoU (%)", fontsize=9)
        axis.tick_params(labelsize=8)
        axis.legend(fontsize=8, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.08))
    axes[0].set_yticks(range(len(rows)), rows)
    axes[0].set_ylim(len(rows) - 0.5, -0.5)
    axes[0].set_xlim(left=0)
    return figure


def scale_curves(curves: Curves) -> "Figure":
    """Draw mIoU, with its intervals, against the scale of the input: a panel per title, a line per label.

    Scales are spaced by their logarithm.
    """
    scales = sorted({scale for panel in curves.values() for curve in panel.values() for scale in curve})
    size, hidden = lambda columns, _: (3.9 * columns, 3.6), ("top", "right")
    figure, axes = panels(list(curves), len(curves), size, x="scale of the input", hidden=hidden)
    for axis, panel in zip(axes, curves.values(), strict=True):
        for k, (label, curve) in enumerate(panel.items()):
            draw_curve(axis, curve, label, k, size=4.5, band=0.12)
        axis.set_xscale("log")
        axis.set_xticks(scales, tick_labels(scales))
        axis.minorticks_off()
        axis.tick_params(labelsize=8)
    axes[0].set_ylabel("mIoU (%)", fontsize=9)
    legend_above(figure, axes[0], 3)
    return figure


def tick_labels(scales: Sequence[float]) -> list[str]:
    """Write scales below an axis of logarithms, the shortest first, and leave out what would be too near to another.

    >>> tick_labels([0.5, 1, 1.06667, 1.25, 1.33333, 2])
    ['0.5', '1', '', '1.25', '', '2']
    """
    texts = [f"{scale:.3g}" for scale in scales]
    least = 0.08 * np.log(max(scales) / min(scales))
    labelled: list[float] = []
    for scale, _ in sorted(zip(scales, texts, strict=True), key=lambda each: len(each[1])):
        if all(abs(np.log(scale / other)) > least for other in labelled):
            labelled.append(scale)
    return [text if scale in labelled else "" for scale, text in zip(scales, texts, strict=True)]


def tradeoff(numbers: Mapping[str, tuple[float, Interval]]) -> "Figure":
    """Draw mIoU, with its interval, against latency (ms), a mark per model."""
    figure, (axis,) = panels([""], 1, lambda *_: (6.0, 3.6))
    for k, (label, (latency_ms, number)) in enumerate(numbers.items()):
        y = 100 * number.estimate
        ends = [[y - 100 * number.low], [100 * number.high - y]] if not np.isnan(number.low) else None
        axis.errorbar([latency_ms], [y], yerr=ends, markersize=6, linestyle="none", capsize=2, label=label, **style(k))
    axis.set_xlabel("latency of one batch (ms), median")
    axis.set_ylabel("clean mIoU (%)")
    axis.set_xlim(left=0)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    return figure
