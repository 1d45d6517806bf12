"""Figures of effects and trade-offs: intervals side by side, mIoU against scale, mIoU against latency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..studies.statistics import Interval
from .figures import LINES, style

__all__ = ["Curve", "forest", "scale_curves", "tradeoff"]

BLUE, ORANGE = LINES[:2]
ACROSS = 3  # panels beside each other


@dataclass(frozen=True, kw_only=True)
class Curve:
    """mIoU (0-1) of one arm against scale. panel: the title of the panel it is drawn in.

    colour: the number of its `style`.
    """

    label: str
    panel: str
    points: Mapping[float, Interval]
    colour: int


def forest(
    panels: Mapping[str, Mapping[str, Interval]],
    unit: str,
    published: Mapping[str, Mapping[str, float]] | None = None,
) -> Figure:
    """Draw intervals (fractions; shown as points) around zero: a panel per title, the same rows and scale in each.

    Filled where the interval excludes zero. published: values of the paper, by panel and row, as orange diamonds.
    """
    rows = list(dict.fromkeys(label for panel in panels.values() for label in panel))
    lines = sum(1 + label.count("\n") for label in rows)
    columns = min(ACROSS, len(panels))
    down = -(-len(panels) // columns)
    figure = Figure(figsize=(2.0 + 2.4 * columns, down * (1.1 + 0.24 * lines)), layout="constrained")
    axes = figure.subplots(down, columns, squeeze=False, sharex=True, sharey=True)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (title, panel) in zip(axes.flat, panels.items(), strict=False):
        axis.axvline(0, color="#888888", linewidth=1)
        for y, label in enumerate(rows):
            if label in panel:
                draw_interval(axis, panel[label], y)
            theirs = (published or {}).get(title, {}).get(label)
            if theirs is not None:
                axis.plot(
                    100 * theirs, y - 0.28, marker="D", color=ORANGE, markersize=6, fillstyle="none", linestyle="none"
                )
        axis.set_title(title, fontsize=9)
        axis.set_xlabel(unit, fontsize=9)
        axis.grid(axis="x", alpha=0.3)
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.tick_params(axis="y", length=0)
        axis.tick_params(labelsize=8, labelbottom=True)
        axis.margins(x=0.1)
    axes.flat[0].set_yticks(range(len(rows)), rows, fontsize=8)
    axes.flat[0].set_ylim(len(rows) - 0.4, -0.6)
    return figure


def draw_interval(axis: Axes, number: Interval, y: float) -> None:
    if np.isnan(number.estimate):
        return
    axis.plot([100 * number.low, 100 * number.high], [y, y], color=BLUE, linewidth=1.6, solid_capstyle="butt")
    axis.plot(
        100 * number.estimate, y, marker="o", color=BLUE, markersize=6, linestyle="none",
        markerfacecolor=BLUE if number.excludes_zero else "white",
    )  # fmt: skip


def scale_curves(curves: Sequence[Curve]) -> Figure:
    """Draw mIoU (%) against the scale of the input, with its intervals; scales are spaced by their logarithm."""
    panels = list(dict.fromkeys(curve.panel for curve in curves))
    scales = sorted({scale for curve in curves for scale in curve.points})
    figure = Figure(figsize=(3.9 * len(panels), 3.6), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
    for curve in curves:
        axis = axes[panels.index(curve.panel)]
        known = {scale: number for scale, number in curve.points.items() if not np.isnan(number.estimate)}
        x = sorted(known)
        y, low, high = (
            np.array([100 * getattr(known[scale], part) for scale in x]) for part in ("estimate", "low", "high")
        )
        own = style(curve.colour)
        axis.plot(x, y, markersize=4.5, linewidth=1.4, label=curve.label, **own)
        axis.fill_between(x, low, high, color=own["color"], alpha=0.12, linewidth=0)
    for axis, title in zip(axes, panels, strict=True):
        axis.set_title(title, fontsize=9)
        axis.set_xscale("log")
        axis.set_xticks(scales, tick_labels(scales))
        axis.minorticks_off()
        axis.set_xlabel("scale of the input", fontsize=9)
        axis.grid(alpha=0.3)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("mIoU (%)", fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    return figure


def tick_labels(scales: Sequence[float]) -> list[str]:
    """Write scales below an axis of logarithms, the shortest first, and leave out what would be too near to another.

    >>> tick_labels([0.5, 1, 1.06667, 1.25, 1.33333, 2])
    ['0.5', '1', '', '1.25', '', '2']
    """
    texts = [f"{scale:.3g}" for scale in scales]
    least = 0.08 * np.log(max(scales) / min(scales))
    kept: list[float] = []
    for scale, _ in sorted(zip(scales, texts, strict=True), key=lambda each: len(each[1])):
        if all(abs(np.log(scale / other)) > least for other in kept):
            kept.append(scale)
    return [text if scale in kept else "" for scale, text in zip(scales, texts, strict=True)]


def tradeoff(points: Mapping[str, tuple[float, Interval]]) -> Figure:
    """Draw mIoU (%, with its interval) against latency (ms), a mark per model."""
    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    axis = figure.subplots()
    for k, (label, (latency_ms, number)) in enumerate(points.items()):
        y = 100 * number.estimate
        ends = [[y - 100 * number.low], [100 * number.high - y]] if not np.isnan(number.low) else None
        axis.errorbar([latency_ms], [y], yerr=ends, markersize=6, linestyle="none", capsize=2, label=label, **style(k))
    axis.set_xlabel("latency of one batch (ms), median")
    axis.set_ylabel("clean mIoU (%)")
    axis.set_xlim(left=0)
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    return figure
