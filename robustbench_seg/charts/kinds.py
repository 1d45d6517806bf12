"""Kinds of charts, made of numbers: fractions are given, % and points are drawn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from ..studies.statistics import Interval
from .axes import axis_over, log_axis
from .values import Axis, Chart, Curve, Dot, Plot, Row, Rows

__all__ = [
    "Curves", "DotsByRow", "dots", "dumbbells", "forest", "in_percent", "legend_of", "lines", "matrix",
    "reliability_diagram", "scatter",
]  # fmt: skip

DotsByRow = Mapping[str, Sequence[Dot]]
Curves = Mapping[str, Sequence[Curve]]  # by title of the panel
SHORT, MANY = 20, 12  # letters of names that stand left of their rows; rows from which all names do, if shortened
MOST_LABELLED = 6  # curves with their names at their ends


def in_percent(number: Interval) -> Interval:
    """Turn fractions into %."""
    return Interval(100 * number.estimate, 100 * number.low, 100 * number.high)


def dot_in_percent(dot: Dot) -> Dot:
    runs = tuple((name, 100 * value) for name, value in dot.runs)
    return replace(dot, number=in_percent(dot.number), wide=in_percent(dot.wide), runs=runs)


def row_in_percent(row: Row) -> Row:
    return replace(row, dots=tuple(tuple(map(dot_in_percent, dots)) for dots in row.dots))


def signed_axis(ends: Sequence[float], label: str, margin: float | None, most: int = 6) -> Axis:
    """Make an axis of differences in points. margin: 0-1, the band to shade."""
    band = 100 * (margin or 0)
    return axis_over([*ends, -band, band], label, most=most, signed=True, band=band)


def forest(panels: Mapping[str, DotsByRow], label: str, *, margin: float | None = None) -> Chart:
    """Draw differences around zero, a panel per title, all on the same axis. margin: 0-1, the band to shade."""
    return rows_chart(panels, lambda ends: signed_axis(ends, label, margin))


def dumbbells(
    panels: Mapping[str, DotsByRow],
    label: str,
    *,
    notes: Mapping[str, str] | None = None,
    sizes: Mapping[str, float] | None = None,
    legend: Sequence[str] = (),
    across: int = 2,
    families: bool = False,
) -> Chart:
    """Draw scores and the way from the first of a row to its last, a panel per title.

    notes: by row. sizes: by row, what a bar under its label shows, and its note states. legend: the names of the
    series, if rows have several. families: whether each panel is of a family of models.
    """
    chart = rows_chart(panels, lambda ends: axis_over(ends, label), link=True, notes=notes, sizes=sizes, across=across)
    drawn = [replace(one, family=one.title) if families and isinstance(one, Rows) else one for one in chart.panels]
    return replace(chart, panels=tuple(drawn), legend=tuple((name, k) for k, name in enumerate(legend)))


def dots(panels: Mapping[str, DotsByRow], label: str) -> Chart:
    """Draw the scores of all arms in each row, a panel per title."""
    chart = rows_chart(panels, lambda ends: axis_over(ends, label), across=2)
    every = [dot for rows in panels.values() for own in rows.values() for dot in own]
    return replace(chart, legend=tuple({dot.arm: dot.series for dot in every if dot.series is not None}.items()))


def matrix(rows: Sequence[Row], label: str, title: str, *, margin: float | None = None) -> Chart:
    """Draw rows with the numbers of all arms on one axis, and differences on a second one.

    rows: with the dots of both axes; the second may have none. title: of the second axis, over several lines.
    """
    scaled = list(map(row_in_percent, rows))
    scores, differences = ([end for row in scaled for dot in row.dots[k] for end in dot.ends] for k in (0, 1))
    axes: tuple[Axis, ...] = (axis_over(scores, label),)
    if differences:
        axes += (signed_axis(differences, "points", margin, most=3),)
    panel = Rows(
        rows=tuple(replace(row, dots=row.dots[: len(axes)]) for row in scaled),
        axes=axes,
        titles=("", title)[: len(axes)],
        shares=(0.6, 0.4) if differences else (1.0,),
        names_left=longest(scaled),
    )
    arms = {dot.arm: dot.series for row in scaled for dot in row.dots[0] if dot.series is not None}
    return Chart(panels=(panel,), across=1, legend=tuple(arms.items()))


def rows_chart(
    panels: Mapping[str, DotsByRow],
    axis_of: Callable[[Sequence[float]], Axis],
    *,
    link: bool = False,
    notes: Mapping[str, str] | None = None,
    sizes: Mapping[str, float] | None = None,
    across: int = 3,
) -> Chart:
    """Draw rows on one axis that all panels share. axis_of: makes it of all places that the numbers take."""
    notes, sizes = notes or {}, sizes or {}
    largest = max(sizes.values(), default=0.0)

    def row_of(name: str, dots: Sequence[Dot]) -> Row:
        size = sizes[name] / largest if largest > 0 else 0.0
        return row_in_percent(Row(label=name, dots=(tuple(dots),), link=link, note=notes.get(name, ""), size=size))

    rows = {title: tuple(row_of(name, dots) for name, dots in own.items()) for title, own in panels.items()}
    every = [row for own in rows.values() for row in own]
    axis = axis_of([end for row in every for dot in row.dots[0] for end in dot.ends])
    short = all(len(row.label) <= SHORT for row in every) or (link and len(every) > MANY)
    left = longest(every) if short and not (notes and not sizes) else 0
    drawn = [Rows(title=title, axes=(axis,), names_left=left, rows=own) for title, own in rows.items()]
    return Chart(panels=tuple(drawn), across=across)


def longest(rows: Sequence[Row]) -> int:
    """Count the letters of the longest line of the labels."""
    return max((len(line) for row in rows for line in row.label.split("\n")), default=0)


def lines(
    curves: Curves,
    x: Axis | None = None,
    *,
    x_label: str = "",
    y_label: str = "",
    corruptions: Mapping[str, str] = MappingProxyType({}),
    across: int = 4,
) -> Chart:
    """Draw curves of fractions in %, a panel per title, all on the same axes.

    x: by default of logarithms, over all places. corruptions: the one that a panel is of, by title. In a single panel
    the names stand at the ends of its curves, if few.
    """
    scaled = {title: [curve_in_percent(curve) for curve in own] for title, own in curves.items()}
    every = [curve for own in scaled.values() for curve in own]
    x = x or log_axis((place for curve in every for place, _ in curve.points), x_label)
    y = axis_over([*ends_of(every), *(curve.level for curve in every if curve.level is not None)], y_label, most=4)
    few = len(every) <= MOST_LABELLED and len(scaled) == 1
    panels = [
        Plot(title=title, curves=tuple(own), x=x, y=y, labelled=few, corruption=corruptions.get(title, ""))
        for title, own in scaled.items()
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
    few = len(scaled) <= MOST_LABELLED
    plot = Plot(curves=tuple(scaled), x=x, y=axis_over(ends_of(scaled), y_label), labelled=few)
    return Chart(panels=(plot,), across=1, legend=() if few else legend_of(scaled))


def ends_of(curves: Sequence[Curve]) -> list[float]:
    """List all numbers of curves, and the ends of their intervals."""
    numbers = [number for curve in curves for _, number, _ in curve.drawn]
    return [end for number in numbers for end in (number.estimate, number.low, number.high)]


def reliability_diagram(curves: Curves, x_label: str, y_label: str) -> Chart:
    """Draw accuracy over confidence, fractions in %, a panel per title, with the line on which both are equal."""
    whole = axis_over((0, 100), x_label, most=4)
    panels = [
        Plot(
            title=title,
            curves=tuple(replace(one, points=tuple((100 * x, number) for x, number in one.points)) for one in own),
            x=whole,
            y=replace(whole, label=y_label),
            diagonal=True,
        )
        for title, some in curves.items()
        for own in [list(map(curve_in_percent, some))]
    ]
    return Chart(panels=tuple(panels), across=2, legend=legend_of([curve for own in curves.values() for curve in own]))
