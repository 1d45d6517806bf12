"""A chart as a plain value: what is drawn, in the numbers that a reader sees; two drawers show the same value.

A chart has panels, next to each other where there is room. `Rows` has one line per arm, class or corruption, with
numbers on one or several horizontal axes. `Plot` has curves over two axes. `Tile` has pictures.
"""

from dataclasses import dataclass, field
from math import isnan, log
from pathlib import Path
from typing import Literal

from ..studies.statistics import NOTHING, Interval

__all__ = ["Axis", "Chart", "Curve", "Dot", "Fill", "Panel", "Plot", "Row", "Rows", "Tile"]

Fill = Literal["full", "half", "ring"]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis from `low` to `high`. ticks: places and texts. zero: with a line there. band: the shaded part."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...] = ()
    label: str = ""
    log: bool = False
    zero: bool = False
    band: tuple[float, float] | None = None

    def share(self, value: float) -> float:
        """Where a value lies between both ends: 0-1."""
        if self.log:
            return log(value / self.low) / log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A number. number: with its interval over images, the thick bar; wide: over images and runs, the thin one.

    runs: names and numbers of single training runs. arm: name; series: the arm's place in the report, which decides its
    colour and marker, None for the colour of the text. fill: full, half or ring. published: a number of a paper. text:
    what the number is, such as "clean".
    """

    number: Interval
    wide: Interval = NOTHING
    runs: tuple[tuple[str, float], ...] = ()
    arm: str = ""
    series: int | None = None
    fill: Fill = "full"
    published: bool = False
    text: str = ""

    @property
    def drawn(self) -> bool:
        """Whether there is a number."""
        return not isnan(self.number.estimate)

    @property
    def ends(self) -> list[float]:
        """All places on the axis that it takes."""
        each = (self.number.estimate, self.number.low, self.number.high, self.wide.low, self.wide.high)
        return [value for value in (*each, *(value for _, value in self.runs)) if not isnan(value)]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line. note: further words. dots: on each axis. link: with a line from the first to the last dot of an axis.

    head: whether it stands for the group of rows below it. corruption: the one that it is of. size: 0-1, the length of
    a bar under a label that stands left of the row; the note then states what the bar shows.
    """

    label: str
    dots: tuple[tuple[Dot, ...], ...]
    note: str = ""
    link: bool = False
    head: bool = False
    corruption: str = ""
    size: float = 0.0

    @property
    def arm(self) -> str:
        """The arm that all dots are of; "" for several."""
        arms = {dot.arm for dots in self.dots for dot in dots}
        return arms.pop() if len(arms) == 1 else ""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows on horizontal axes. titles: of the axes. shares: of the width that each axis gets; their sum is 1.

    names_left: the room, in letters, for labels left of the rows; 0 where they stand above. family: of models, if all
    rows are of one.
    """

    rows: tuple[Row, ...]
    axes: tuple[Axis, ...]
    title: str = ""
    titles: tuple[str, ...] = ()
    shares: tuple[float, ...] = (1.0,)
    names_left: int = 0
    family: str = ""

    @property
    def arm(self) -> str:
        """The arm that all of several rows are of; "" for several arms."""
        arms = {row.arm for row in self.rows}
        return arms.pop() if len(arms) == 1 < len(self.rows) else ""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Numbers over places, with a band of their intervals. link: "line", "arrow" to the last point, or "none".

    level: a number for all places, drawn dotted. fills: of the markers, by default all full.
    """

    arm: str
    points: tuple[tuple[float, Interval], ...]
    series: int | None = None
    link: Literal["line", "arrow", "none"] = "line"
    level: float | None = None
    fills: tuple[Fill, ...] = ()

    @property
    def drawn(self) -> list[tuple[float, Interval, Fill]]:
        """The points that have a number, from left to right, with their fill."""
        full: Fill = "full"
        fills = self.fills or (full,) * len(self.points)
        every = [(x, number, fill) for (x, number), fill in zip(self.points, fills, strict=True)]
        points = [point for point in every if not isnan(point[1].estimate)]
        return sorted(points, key=lambda point: point[0]) if self.link == "line" else points


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Curves. labelled: whether names stand at the ends of the curves. diagonal: with the line of equal numbers."""

    curves: tuple[Curve, ...]
    x: Axis
    y: Axis
    title: str = ""
    labelled: bool = False
    diagonal: bool = False
    corruption: str = ""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """Pictures under a title, one below the other: files."""

    title: str
    files: tuple[Path, ...]


Panel = Rows | Plot | Tile


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Panels, at most `across` next to each other on paper. legend: arms and their series, to list above the panels."""

    panels: tuple[Panel, ...]
    across: int = 3
    legend: tuple[tuple[str, int], ...] = field(default=())
