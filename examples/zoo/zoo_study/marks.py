"""A figure of one mark per network: colour by architecture, intervals, and labels that do not cover each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from robustbench_seg.charts import style
from robustbench_seg.studies.statistics import Interval

from .names import parse

__all__ = ["Mark", "draw", "labelled"]

INK, SOFT, GRID = "#1b1f24", "#888888", "#e9edf1"
MARK = 4.5  # points, the radius that labels keep free
STEPS = ((1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0))  # from a mark to its label
DISTANCES = (6, 11, 17, 24, 32, 41, 51, 62, 74)  # points
COVER, CROSS, DISTANCE = 10, 1, 3  # costs of a covered pixel, of a pixel of a crossed line, of a point of distance
LEADER = 12  # points from which on a line joins a label and its mark


@dataclass(frozen=True)
class Mark:
    """A network's numbers on both axes, in the units of the axes."""

    model: str
    x: Interval
    y: Interval


def draw(marks: Sequence[Mark], x_label: str, y_label: str) -> tuple[Figure, Axes]:
    """Draw marks with their intervals. Hollow marks are of networks that were trained at 512x256."""
    figure = Figure(figsize=(9, 7.2), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9, color=SOFT)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel(x_label, fontsize=10)
    axes.set_ylabel(y_label, fontsize=10)
    looks = looks_of(marks)
    for mark in marks:
        look, small = looks[parse(mark.model).architecture], parse(mark.model).small
        for ends, across in ((mark.x, True), (mark.y, False)):
            if not isnan(ends.low):
                pair = [ends.low, ends.high], [mark.y.estimate if across else mark.x.estimate] * 2
                axes.plot(*(pair if across else pair[::-1]), color=look["color"], linewidth=0.8, alpha=0.45)
        face: dict[str, Any] = {"markerfacecolor": "white"} if small else {}
        axes.plot(mark.x.estimate, mark.y.estimate, **look, **face, linestyle="none", markersize=6, zorder=3)
    if any(parse(mark.model).small for mark in marks):
        axes.plot([], [], "o", color=INK, markerfacecolor="white", linestyle="none", label="trained at 512x256")
        axes.plot([], [], "o", color=INK, linestyle="none", label="trained at 1024x512 or more")
        figure.legend(fontsize=8.5, frameon=False, loc="outside lower center", ncols=2)
    return figure, axes


def looks_of(marks: Sequence[Mark]) -> dict[str, dict[str, Any]]:
    """Choose colour and marker of each architecture."""
    architectures = sorted({parse(mark.model).architecture for mark in marks})
    return {name: style(k) for k, name in enumerate(architectures)}


def labelled(figure: Figure, axes: Axes, marks: Sequence[Mark], size: float = 8) -> Mapping[str, Bbox]:
    """Write each network's label at the nearest place where it covers neither a mark nor another label.

    Call it last: it fixes the layout. Returns the place of each label, in pixels.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    scale = figure.dpi / 72
    points = {mark.model: axes.transData.transform((mark.x.estimate, mark.y.estimate)) for mark in marks}
    radius = MARK * scale
    taken = [(x - radius, y - radius, x + radius, y + radius) for x, y in points.values()]
    pairs = [line for line in axes.lines if np.size(line.get_xdata()) == 2]  # the lines of intervals
    lines = np.array([line.get_window_extent().extents for line in pairs]).reshape(-1, 4)
    looks, places = looks_of(marks), {}
    for mark in sorted(marks, key=lambda mark: (-mark.y.estimate, mark.x.estimate)):
        name = parse(mark.model)
        text = axes.annotate(
            name.label, (mark.x.estimate, mark.y.estimate), (0, 0), textcoords="offset points", fontsize=size,
            color=looks[name.architecture]["color"], ha="center", va="center", zorder=4,
        )  # fmt: skip
        box = text.get_window_extent()
        occupied = np.array(taken)
        half = box.width / 2 / scale, box.height / 2 / scale
        tries = [
            (
                distance,
                (dx * (distance * (abs(dy) < 1 or 0.7) + half[0]), dy * (distance * (abs(dx) < 1 or 0.7) + half[1])),
            )
            for distance in DISTANCES
            for dx, dy in STEPS
        ]
        distance, shift = min(
            tries,
            key=lambda each: (
                DISTANCE * each[0] + cost(axes, box.translated(each[1][0] * scale, each[1][1] * scale), occupied, lines)
            ),
        )
        text.set_position(shift)
        places[mark.model] = box.translated(shift[0] * scale, shift[1] * scale)
        taken.append(places[mark.model].extents)
        if distance >= LEADER:
            x, y = points[mark.model]
            end = axes.transData.inverted().transform(nearest(places[mark.model], x, y))
            axes.plot([mark.x.estimate, end[0]], [mark.y.estimate, end[1]], color=SOFT, linewidth=0.6, zorder=2)
    return places


def cost(axes: Axes, box: Bbox, taken: NDArray[np.float64], lines: NDArray[np.float64]) -> float:
    """Compute what a label in this box covers of other labels and marks, and of lines; outside of the axes is worst.

    taken, lines: boxes in pixels, (boxes, 4): left, bottom, right, top.
    """
    covered = overlaps(box, taken).prod(axis=1).sum()
    crossed = overlaps(box, lines).max(axis=1).sum()
    inside = axes.bbox.contains(box.x0, box.y0) and axes.bbox.contains(box.x1, box.y1)
    return float(COVER * covered + CROSS * crossed + (0 if inside else 1e9))


def overlaps(box: Bbox, others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute width and height of what a box shares with each of the others, (others, 2); 0 where they do not meet."""
    sides = np.minimum(box.max, others[:, 2:]) - np.maximum(box.min, others[:, :2])
    return np.where((sides >= 0).all(axis=1, keepdims=True), sides, 0.0)


def nearest(box: Bbox, x: float, y: float) -> tuple[float, float]:
    """The point of a box that is nearest to another point."""
    return min(max(x, box.x0), box.x1), min(max(y, box.y0), box.y1)
