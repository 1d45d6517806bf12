"""What both drawers show of a chart: its numbers at their places, in the same order and colours."""

import re

import numpy as np
import pytest
from drawn import NAMES, SVG, charts, dot, marks, number, roots, scale, texts
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

from robustbench_seg.charts import Chart, Plot, Rows, dumbbells, figure
from robustbench_seg.charts.looks import LIGHT

NARROW = 350  # px, a phone
CHARTS = charts()


def value(text: str) -> float:
    return float(text.replace("+", ""))


def ticks_of(root: object, *, bottom: float) -> list[tuple[float, float]]:
    """Places and numbers of the ticks in the line of text under a panel."""
    return [(x, value(text)) for x, y, text in texts(root, "tick") if y == bottom and re.fullmatch(r"[-+\d.]+", text)]  # type: ignore[arg-type]


def line_below(root: object) -> float:
    """Where the numbers of the horizontal axis stand: the lowest line that has several."""
    lines = [y for _, y, text in texts(root, "tick") if re.fullmatch(r"[-+\d.]+", text)]  # type: ignore[arg-type]
    return max(y for y in set(lines) if lines.count(y) > 1)


@pytest.mark.parametrize("kind", ["dumbbells", "forest", "classes"])
def test_dots_of_rows_stand_at_their_numbers_to_half_a_pixel(kind: str) -> None:
    for root, panel in zip(roots(CHARTS[kind]), CHARTS[kind].panels, strict=True):
        assert isinstance(panel, Rows)
        to_value = scale(ticks_of(root, bottom=line_below(root)))
        expected = [dot.number.estimate for row in panel.rows for dots in row.dots for dot in dots]
        drawn = [to_value(mark.x) for mark in marks(root)]
        half_a_pixel = 0.5 / NARROW * 100 * to_value.coeffs[0]
        assert drawn == pytest.approx(expected, abs=half_a_pixel)


def test_the_two_axes_of_a_matrix_have_their_own_numbers() -> None:
    (root,), (panel,) = roots(CHARTS["matrix"]), CHARTS["matrix"].panels
    assert isinstance(panel, Rows)
    ticks = ticks_of(root, bottom=line_below(root))
    split = next(k for k, (_, number) in enumerate(ticks) if k and number < ticks[k - 1][1])
    for part, axis in ((ticks[:split], 0), (ticks[split:], 1)):
        to_value = scale(part)
        expected = [dot.number.estimate for row in panel.rows for dot in row.dots[axis]]
        drawn = [to_value(mark.x) for mark in marks(root) if (mark.colour == "ink") == (axis == 1)]
        assert drawn == pytest.approx(expected, abs=0.5 / NARROW * 100 * to_value.coeffs[0])


@pytest.mark.parametrize("kind", ["lines", "severities", "scatter", "reliability"])
def test_points_of_curves_stand_at_their_numbers_to_half_a_pixel(kind: str) -> None:
    for root, panel in zip(roots(CHARTS[kind]), CHARTS[kind].panels, strict=True):
        assert isinstance(panel, Plot)
        below = line_below(root)
        to_x = None if panel.x.log else scale(ticks_of(root, bottom=below))
        to_y = scale([(y - 4, value(text)) for _, y, text in texts(root, "end") if y != below])
        points = [(x, number.estimate) for curve in panel.curves for x, number, _ in curve.drawn]
        drawn = marks(root)[: len(points)]
        assert [to_y(mark.y) for mark in drawn] == pytest.approx(
            [y for _, y in points], abs=0.5 * abs(to_y.coeffs[0]) + 1e-9
        )
        if to_x is not None:
            expected = [x for x, _ in points]
            assert [to_x(mark.x) for mark in drawn] == pytest.approx(expected, abs=50 / NARROW * to_x.coeffs[0])


def lines_with(axis: Axes, marker: bool) -> list[Line2D]:
    return [line for line in axis.lines if (line.get_marker() not in ("None", "|", "")) == marker]


def drawn_by_matplotlib(chart: Chart) -> list[tuple[float, float, str]]:
    """Markers: x, y, colour."""
    return [
        (float(x), float(y), to_hex(line.get_color()))
        for axis in figure(chart).axes
        for line in lines_with(axis, marker=True)
        for x, y in zip(np.atleast_1d(line.get_xdata()), np.atleast_1d(line.get_ydata()), strict=True)
    ]


@pytest.mark.parametrize("kind", CHARTS)
def test_both_drawers_show_the_same_numbers_in_the_same_order_and_colours(kind: str) -> None:
    """On paper the axes of a matrix are drawn one after the other; so numbers are compared axis by axis."""
    chart = CHARTS[kind]
    on_paper = drawn_by_matplotlib(chart)
    expected = []
    for panel in chart.panels:
        if isinstance(panel, Rows):
            for k in range(len(panel.axes)):
                expected += [dot.number.estimate for row in panel.rows for dot in row.dots[k]]
        else:
            expected += [number.estimate for curve in panel.curves for _, number, _ in curve.drawn]
    along = 0 if isinstance(chart.panels[0], Rows) else 1
    assert [mark[along] for mark in on_paper] == pytest.approx(expected)
    in_page = [mark for root in roots(chart) for mark in marks(root) if mark.title or kind == "severities"]
    assert len(in_page) == len(on_paper)
    by_colour = {f"s{k}": colour for k, colour in enumerate(LIGHT)} | {"ink": "#1b1f24"}
    assert sorted(by_colour[mark.colour] for mark in in_page) == sorted(colour for *_, colour in on_paper)


@pytest.mark.parametrize("kind", ["dumbbells", "matrix", "lines", "scatter", "reliability"])
def test_arms_come_in_one_order_and_keep_their_colour_in_every_kind(kind: str) -> None:
    seen = [
        (mark.arm, mark.colour) for root in roots(CHARTS[kind])[:1] for mark in marks(root) if mark.title and mark.arm
    ]
    assert list(dict.fromkeys(seen)) == [(NAMES[k], f"s{k}") for k in range(3)]


def test_a_full_a_half_full_and_a_ring_differ_in_both() -> None:
    (root, _), (axis, *_) = roots(CHARTS["forest"]), figure(CHARTS["forest"]).axes
    assert [mark.shapes for mark in marks(root)] == [("full",), ("ring", "full"), ("ring",)]
    fills = [(line.get_fillstyle(), to_hex(line.get_markerfacecolor())) for line in lines_with(axis, marker=True)]
    assert fills == [("full", "#1b1f24"), ("left", "#1b1f24"), ("full", "#ffffff")]


def test_the_margin_is_shaded_in_both() -> None:
    (root, _), (axis, *_) = roots(CHARTS["forest"]), figure(CHARTS["forest"]).axes
    to_value = scale(ticks_of(root, bottom=line_below(root)))
    (band,) = [one for one in root.iter() if one.get("class") == "band"]
    left, width = (float(band.get(name, "").rstrip("%")) for name in ("x", "width"))
    assert [to_value(left), to_value(left + width)] == pytest.approx([-1, 1], abs=0.02)
    corners = np.concatenate([patch.get_path().vertices for patch in axis.patches])
    extent = axis.patches[0].get_extents().transformed(axis.transData.inverted())
    assert len(corners)
    assert [extent.x0, extent.x1] == pytest.approx([-1, 1])


def test_bars_under_classes_are_as_long_as_their_shares_and_state_them_in_both() -> None:
    (root,), (axis, *_) = roots(CHARTS["classes"]), figure(CHARTS["classes"]).axes
    bars = [one for one in root.iter() if one.get("class") == "size"]
    widths = [float(bar.get("width", "").rstrip("%")) for bar in bars]
    assert [width / widths[0] for width in widths] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4], abs=2e-3)
    assert [bar.findtext(f"{SVG}title") for bar in bars] == ["40.0 %", "20.0 %", "13.3 %", "10.0 %"]
    first = min(mark.x for mark in marks(root))
    assert max(widths) < first, "left of the axis, under the names"
    lengths = [-line.get_xdata()[0] for line in axis.lines if not line.get_clip_on()]
    assert [length / lengths[0] for length in lengths] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])


def test_both_intervals_and_the_single_runs_are_drawn() -> None:
    runs = (("a-s0", 0.28), ("a-s1", 0.34))
    chart = dumbbells({"": {"a": [dot(0, 0.3, wide=number(0.3, 0.08), runs=runs)]}}, "mIoU (%)")
    (root,) = roots(chart)
    to_value = scale(ticks_of(root, bottom=line_below(root)))

    def ends(kind: str) -> list[float]:
        places = [(one.get("x1", ""), one.get("x2", "")) for one in root.iter() if one.get("class") == kind]
        return sorted(round(float(to_value(float(place.rstrip("%")))), 1) for pair in places for place in pair)

    assert ends("thick") == [28, 32]
    assert set(ends("wide")) == {22, 38}
    assert ends("run") == [28, 28, 34, 34]
    assert [one.get("data-run") for one in root.iter() if one.get("class") == "run"] == ["a-s0", "a-s1"]


def test_lines_bands_and_levels_pass_through_the_numbers() -> None:
    """Paths are in units of 1 to 1000 over the area, which the ticks in y span with the lowest and the highest grid."""
    (root, *_), (panel, *_) = roots(CHARTS["lines"]), CHARTS["lines"].panels
    assert isinstance(panel, Plot)
    below = line_below(root)
    ticks = [(y - 4, value(text)) for _, y, text in texts(root, "end") if y != below]
    (area,) = [one for one in root.iter() if one.get("preserveAspectRatio") == "none"]
    top, height = float(area.get("y", "")), float(area.get("height", ""))
    to_y = scale([(1000 * (y - top) / height, text) for y, text in ticks])
    tolerance = abs(to_y.coeffs[0]) * 1000 / height / 2
    for kind, expected in (
        ("line", [[n.estimate for _, n, _ in curve.drawn] for curve in panel.curves]),
        ("level", [[curve.level] * 2 for curve in panel.curves]),
        ("area", [[*(n.low for _, n, _ in c.drawn), *(n.high for _, n, _ in reversed(c.drawn))] for c in panel.curves]),
    ):
        paths = [re.findall(r"(-?\d+) (-?\d+)", one.get("d", "")) for one in root.iter() if one.get("class") == kind]
        for path, numbers in zip(paths, expected, strict=True):
            assert [to_y(float(y)) for _, y in path] == pytest.approx(numbers, abs=tolerance)
            assert (path[0][0], max(int(x) for x, _ in path)) == ("0", 1000)
