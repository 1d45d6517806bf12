"""Kinds of charts, made of numbers: fractions are given, % and points are drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..studies.statistics import Interval
from .axes import axis_over, log_axis
from .values import Axis, Chart, Curve, Dot, Plot, Row, Rows

__all__ = ["Curves", "DotsByRow", "dumbbells", "forest", "in_percent", "legend_of", "lines", "scatter"]

DotsByRow = Mapping[str, Sequence[Dot]]
Curves = Mapping[str, Sequence[Curve]]  # by title of the panel
SHORT = 20  # letters of names that stand left of their rows
MOST_LABELLED = 6  # curves with their names at their ends


def in_percent(number: Interval) -> Interval:
    """Turn fractions into %."""
    return Interval(100 * number.estimate, 100 * number.low, 100 * number.high)


def dot_in_percent(dot: Dot) -> Dot:
    runs = tuple((name, 100 * value) for name, value in dot.runs)
    return replace(dot, number=in_percent(dot.number), wide=in_percent(dot.wide), runs=runs)


def forest(panels: Mapping[str, DotsByRow], label: str, *, margin: float | None = None) -> Chart:
    """Draw differences around zero, a panel per title, all on the same axis. margin: 0-1, the band to shade."""
    band = 100 * margin if margin else None
    return rows_chart(panels, label, signed=True, band=band, include=(0, -(band or 0), band or 0))


def dumbbells(
    panels: Mapping[str, DotsByRow], label: str, *, notes: Mapping[str, str] | None = None, across: int = 2
) -> Chart:
    """Draw scores and the way from the first of a row to its last, a panel per title. notes: by row."""
    return rows_chart(panels, label, link=True, notes=notes or {}, across=across)


def rows_chart(
    panels: Mapping[str, DotsByRow],
    label: str,
    *,
    link: bool = False,
    notes: Mapping[str, str] | None = None,
    across: int = 3,
    include: Sequence[float] = (0,),
    signed: bool = False,
    band: float | None = None,
) -> Chart:
    """Draw rows on one axis that all panels share."""
    scaled = {
        title: {name: tuple(map(dot_in_percent, dots)) for name, dots in rows.items()} for title, rows in panels.items()
    }
    ends = [end for rows in scaled.values() for dots in rows.values() for dot in dots for end in dot.ends]
    axis = axis_over(ends, label, include=include, signed=signed, band=band)
    beside = not notes and max((len(name) for rows in scaled.values() for name in rows), default=0) <= SHORT
    return Chart(
        panels=tuple(
            Rows(
                title=title,
                axes=(axis,),
                beside=beside,
                rows=tuple(
                    Row(label=name, dots=(dots,), link=link, note=(notes or {}).get(name, ""))
                    for name, dots in rows.items()
                ),
            )
            for title, rows in scaled.items()
        ),
        across=across,
    )


def lines(curves: Curves, x: Axis | None = None, *, x_label: str = "", y_label: str = "", across: int = 4) -> Chart:
    """Draw curves of fractions in %, a panel per title, all on the same axes.

    x: by default of logarithms, over all places. In the first panel the names stand at the ends of its curves, if few.
    """
    scaled = {title: [curve_in_percent(curve) for curve in own] for title, own in curves.items()}
    every = [curve for own in scaled.values() for curve in own]
    x = x or log_axis((place for curve in every for place, _ in curve.points), x_label)
    ends = [
        end for curve in every for _, number, _ in curve.drawn for end in (number.estimate, number.low, number.high)
    ]
    y = axis_over([*ends, *(curve.level for curve in every if curve.level is not None)], y_label, most=4)
    few = max(map(len, scaled.values())) <= MOST_LABELLED
    panels = [
        Plot(title=title, curves=tuple(own), x=x, y=y, labelled=few and k == 0)
        for k, (title, own) in enumerate(scaled.items())
    ]
    return Chart(panels=tuple(panels), across=across, legend=() if few else legend_of(every))


def curve_in_percent(curve: Curve) -> Curve:
    level = None if curve.level is None else 100 * curve.level
    return replace(curve, points=tuple((x, in_percent(number)) for x, number in curve.points), level=level)


def legend_of(curves: Sequence[Curve]) -> tuple[tuple[str, int], ...]:
    """List the arms of curves with their series."""
    return tuple({curve.arm: curve.series for curve in curves if curve.series is not None}.items())


def scatter(curves: Sequence[Curve], x_label: str, y_label: str) -> Chart:
    """Draw points of fractions in % over any quantity, such as latency, with the names of the curves."""
    scaled = [curve_in_percent(curve) for curve in curves]
    x = axis_over((place for curve in scaled for place, _ in curve.points), x_label)
    ends = [
        end for curve in scaled for _, number, _ in curve.drawn for end in (number.estimate, number.low, number.high)
    ]
    few = len(scaled) <= MOST_LABELLED
    plot = Plot(curves=tuple(scaled), x=x, y=axis_over(ends, y_label), labelled=few)
    return Chart(panels=(plot,), across=1, legend=() if few else legend_of(scaled))
