"""A chart in a page: words for those who do not see it, classes for colours, few bytes, and no room for code."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from drawn import NAMES, SVG, charts, dot, is_mark, number, roots, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from robustbench_seg.charts import (
    Chart,
    Curve,
    Dot,
    Row,
    dumbbells,
    figure,
    forest,
    lines,
    matrix,
    scatter,
    stylesheet,
    svg,
)
from robustbench_seg.charts.axes import axis_over
from robustbench_seg.charts.looks import DARK, LIGHT, style
from robustbench_seg.charts.words import shorten_apart
from robustbench_seg.studies.statistics import Interval

CHARTS = charts()
HOSTILE = "<script>window.broken = 1</script><img src=x onerror='window.broken = 1'>\"'&|$\\_{}%"
MOST_BYTES = {"dumbbells": 7000, "forest": 4000, "matrix": 8000, "lines": 4096, "scatter": 4096, "reliability": 8000,
              "classes": 4000, "severities": 4096}  # fmt: skip


@pytest.mark.parametrize("kind", CHARTS)
def test_every_panel_is_an_image_with_its_numbers_in_words(kind: str) -> None:
    for root in roots(CHARTS[kind]):
        assert root.get("role") == "img"
        label = root.get("aria-label", "")
        tooltips = [element.text or "" for element in root.iter(f"{SVG}title")]
        assert tooltips
        if "which the tables have" not in label:
            for text in tooltips:
                if ": " in text:
                    assert re.findall(r": (\S+)", text)[0] in re.split("[ ,;]+", label), text


def test_a_description_of_many_numbers_names_the_lowest_and_the_highest() -> None:
    rows = {f"arm {k}": [dot(k % 7, 0.2 + 0.01 * k)] for k in range(30)}
    (root,) = roots(dumbbells({"many": rows}, "mIoU (%)"))
    label = root.get("aria-label", "")
    assert label.startswith("many: 30 numbers, which the tables have; the lowest: arm 0, segformer-b0-mix: 20.0; ")
    assert label.endswith("the highest: arm 29, " + NAMES[1] + ": 49.0")


def test_the_axes_of_panels_that_stand_below_each_other_have_their_ends_at_the_same_places() -> None:
    panels = {"unet": {"a": [dot(0, 0.3)]}, "swin": {"a long name ⚠": [dot(1, 0.4)], "b": [dot(2, 0.2)]}}
    one, other = (texts(root, "tick") for root in roots(forest(panels, "x")))
    assert len(one) > 2
    assert [(x, text) for x, _, text in one] == [(x, text) for x, _, text in other]


@pytest.mark.parametrize("kind", CHARTS)
def test_what_a_script_needs_is_there_and_nothing_that_the_policy_of_the_page_forbids(kind: str) -> None:
    drawn = svg(CHARTS[kind])
    assert not re.search(r'<(script|style)|\s(style|id|on\w+)="', drawn)
    if kind == "classes":
        assert re.findall('data-arm="([^"]*)"', drawn) == [NAMES[0]], "once for the panel"
    elif kind != "forest":
        assert set(re.findall('data-arm="([^"]*)"', drawn)) == set(NAMES[:3])


def test_corruptions_and_runs_are_marked_for_scripts() -> None:
    assert 'data-corruption="gaussian noise"' in svg(CHARTS["matrix"])
    assert re.findall('data-corruption="([^"]*)"', svg(CHARTS["severities"])) == ["fog", "snow", "frost", "contrast"]
    families = dumbbells({"unet": {"a": [dot(0, 0.3)]}, "swin": {"b": [dot(1, 0.4)]}}, "x", families=True)
    assert re.findall('data-family="([^"]*)"', svg(families)) == ["unet", "swin"]
    rows = {"a": [dot(0, 0.3, runs=(("a-s0", 0.28), ("a-s1", 0.32)))]}
    assert re.findall('data-run="([^"]*)"', svg(dumbbells({"": rows}, "x"))) == ["a-s0", "a-s1"]


@pytest.mark.parametrize("kind", CHARTS)
def test_a_panel_takes_few_bytes(kind: str) -> None:
    chart = CHARTS[kind]
    assert len(svg(chart).encode()) / len(chart.panels) < MOST_BYTES[kind]


def test_hostile_names_are_text_in_both_drawers() -> None:
    rows = {HOSTILE: [dot(0, 0.3, arm=HOSTILE, text=HOSTILE, runs=((HOSTILE, 0.2),))]}
    curve = Curve(arm=HOSTILE, series=0, points=((1.0, number(0.3)), (2.0, number(0.2))), level=0.4)
    every = (
        dumbbells({HOSTILE: rows}, HOSTILE, notes={HOSTILE: HOSTILE}, legend=[HOSTILE]),
        forest({HOSTILE: rows}, HOSTILE),
        lines({HOSTILE: [curve]}, x_label=HOSTILE, y_label=HOSTILE),
        matrix([Row(label=HOSTILE, dots=(tuple(rows[HOSTILE]), (dot(0, 0.1),)), corruption=HOSTILE)], HOSTILE, HOSTILE),
    )
    for chart in every:
        tree = ET.fromstring(f"<html>{svg(chart)}</html>")
        assert {element.tag for element in tree.iter()} <= {
            *("html", "div", "ul", "li", "svg", "g", "path", "line", "rect", "text", "title"),
        }
        assert HOSTILE in "".join(element.get("data-arm", "") for element in tree.iter())
        figure(chart).canvas.draw()


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance of "#rrggbb" or "#rgb"."""
    colour = colour if len(colour) > 4 else "#" + "".join(2 * digit for digit in colour[1:])
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def variables(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): ([^;]+);", css))


@pytest.mark.parametrize(("scheme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_the_colours_of_the_style_sheet_are_the_drawers_and_stand_out_on_their_ground(
    scheme: str, colours: tuple[str, ...]
) -> None:
    light, _, dark = stylesheet().partition("@media (prefers-color-scheme: dark)")
    own = variables(light if scheme == "light" else dark.partition("\n}\n")[0])
    assert tuple(own[f"s{k}"] for k in range(len(colours))) == colours
    ground = own["chart-ground"]
    assert all(contrast(colour, ground) >= 3 for colour in colours)
    assert contrast(own["chart-soft"], ground) >= 4.5, "words"
    assert contrast(own["chart-ink"], own["chart-band"]) >= 4.5


def test_49_arms_differ_in_colour_or_marker() -> None:
    assert len({tuple(style(k).values()) for k in range(49)}) == 49


def test_no_text_of_a_chart_is_smaller_than_11_px() -> None:
    css = stylesheet()
    sizes = [float(size) for size in re.findall(r"(?:font-size: |font: )([\d.]+)px", css)]
    assert len(sizes) > 1
    assert min(sizes) >= 11
    assert all(16 * float(size) >= 11 for size in re.findall(r"font-size: ([\d.]+)rem", css))


def test_names_at_the_ends_of_curves_do_not_run_into_each_other() -> None:
    curves = [
        Curve(arm=f"a{k}", series=k, points=((1.0, number(0.5)), (2.0, number(0.3 + 0.001 * k)))) for k in range(6)
    ]
    (root,) = roots(lines({"one": curves}, x_label="x"))
    places = sorted(y for x, y, text in texts(root, "name") if text.startswith("a"))
    assert len(places) == 6
    assert min(np.diff(places)) >= 14
    assert float(root.get("height", "")) > max(places)


def test_long_names_that_stand_together_stay_apart_when_they_are_shortened() -> None:
    names = [f"dicenet_s{width}_cityscapes_{size}" for width in ("0.5", "0.75") for size in ("1024x512", "512x256")]
    rows = {f"{name}_{k:02d}" if k > 3 else name: [dot(0, 0.5)] for k, name in enumerate(names * 4)}
    (root,) = roots(dumbbells({"": rows}, "mIoU (%)"))
    shown = [text for _, _, text in texts(root, "name")]
    assert len(shown) == len(set(shown)) == 16
    assert all("…" in text for text in shown)


def test_a_mark_at_the_end_of_a_name_does_not_tell_it_apart() -> None:
    names = [f"espnetv2_s{width}_cityscapes_{size}" for width in ("1.0", "1.5") for size in ("1024x512 ⚠", "512x256")]
    shown = list(shorten_apart(names, 21).values())
    assert [text[:13] for text in shown] == [name[:13] for name in names], "widths are there"
    assert [text.removesuffix(" ⚠")[-3:] for text in shown] == ["512", "256"] * 2
    marked = [f"segformer-b0-cityscapes-{ffn}-longer-schedule-s{run} ⚠" for ffn in ("mix", "pln") for run in (0, 1)]
    assert len({*shorten_apart(marked, 21).values()}) > 1
    assert all(text[-3].isdigit() for text in shorten_apart(marked, 21).values()), "the runs, at least"
    assert shorten_apart(["as it is", "too"], 8) == {"as it is": "as it is", "too": "too"}
    assert shorten_apart(["one", "one", "two"], 2) == {"one": "o…e", "two": "t…o"}


fractions = st.one_of(st.just(float("nan")), st.floats(-0.2, 1))
numbers = st.builds(
    lambda x, d: Interval(x, x - d, x + d), fractions, st.one_of(st.just(float("nan")), st.floats(0, 0.3))
)


def expect_sound(chart: Chart, count: int) -> None:
    """Both drawers draw it, every number once, and in the panel."""
    found = 0
    for root in roots(chart):
        height = float(root.get("height", ""))
        for element in root.iter():
            for name, value in element.attrib.items():
                assert "nan" not in value.lower() or name == "aria-label", (name, value)
                if name in ("x", "x1", "x2") and value.endswith("%"):
                    assert -0.01 <= float(value.rstrip("%")) <= 100.01
                elif name in ("y", "y1", "y2"):
                    assert 0 <= float(value) <= height
        found += sum(1 for one in root.iter(f"{SVG}svg") if is_mark(one) and one.find(f"{SVG}title") is not None)
    assert found == count
    figure(chart).canvas.draw()


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=50), st.booleans())
def test_any_number_of_arms_with_any_numbers_missing_is_drawn(values: list[tuple[Interval, ...]], wide: bool) -> None:
    nothing = Interval(*3 * (np.nan,))
    arms = [f"network-{k}-{'x' * (k % 30)}" for k in range(len(values))]

    def dots_of(k: int) -> list[Dot]:
        pairs = zip(values[k], values[k][1:], strict=False)
        return [Dot(number=one, wide=other if wide else nothing, arm=arms[k], series=k) for one, other in pairs]

    def count(some: Iterable[Interval]) -> int:
        return sum(not np.isnan(one.estimate) for one in some)

    rows = {arm: dots_of(k) for k, arm in enumerate(arms)}
    every = tuple(own[0] for own in rows.values())
    drawn, first = count(one for own in values for one in own[:2]), count(one.number for one in every)
    expect_sound(dumbbells({"": rows}, "mIoU (%)", notes=dict.fromkeys(arms, "one run")), drawn)
    expect_sound(forest({"a": rows}, "points", margin=0.01), drawn)
    both = matrix([Row(label="fog", dots=(every, every[:1]))], "mIoU (%)", "a minus\nb")
    expect_sound(both, first + count([every[0].number]))
    curves = [Curve(arm=arm, series=k, points=tuple(enumerate(values[k], 1))) for k, arm in enumerate(arms)]
    expect_sound(lines({"fog": curves}, x_label="severity"), count(one for own in values for one in own))
    arrows = [replace(curve, link="arrow", points=curve.points[:2]) for curve in curves]
    expect_sound(scatter(arrows, "ms", "mIoU (%)"), drawn)


@pytest.mark.parametrize(("low", "high"), [*product((0, -1e-9, -3e5), (1e-9, 0.004, 0.5, 3e5))])
def test_axes_hold_their_values_and_have_two_ticks_or_more(low: float, high: float) -> None:
    axis = axis_over([low, high])
    assert axis.low <= low <= high <= axis.high
    assert len(axis.ticks) >= 2
    assert all(axis.low - 1e-12 <= tick <= axis.high + 1e-12 for tick, _ in axis.ticks)
    texts_of = [text for _, text in axis.ticks]
    assert len(set(texts_of)) == len(texts_of)
