"""Charts in a real browser: every text is legible, in its panel and apart from other texts, on a phone and a desk."""

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from chromium import media, print_pdf, visit
from drawn import NAMES, charts, number

from robustbench_seg.charts import Chart, Dot, Row, Rows, dumbbells, stylesheet, svg
from robustbench_seg.charts.axes import axis_over

BODY = 350  # px of charts on a phone of 390
TEXTS = """
    return [...document.querySelectorAll("svg.chart")].map(chart => {
        const box = one => { const b = one.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; };
        const size = one => parseFloat(getComputedStyle(one).fontSize);
        return [box(chart), [...chart.querySelectorAll("text")].map(one => [one.textContent, box(one), size(one)])];
    });
"""


def open_page(browser: Any, folder: Path, chart: Chart, width: int) -> None:
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    page = folder / "chart.html"
    page.write_text(
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>t</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><link rel="icon" href="data:,">'
        f"<style>body {{ margin: 0; }} {stylesheet()}</style>{svg(chart)}",
        encoding="utf-8",
    )
    visit(browser, page.as_uri(), width, 900)


def overlap(one: list[float], other: list[float]) -> float:
    """The smaller side, in px, of what two boxes share; 0 or less where they are apart."""
    return min(min(one[k + 2], other[k + 2]) - max(one[k], other[k]) for k in (0, 1))


LONG = {f"a-very-long-name-of-a-network-{k}-that-no-phone-shows-whole ⚠": name for k, name in enumerate(NAMES)}
KINDS = {
    **charts(),
    "long": dumbbells({"": {name: [] for name in LONG}}, "mIoU (%)", notes=dict.fromkeys(LONG, "50.7 ▸ 29.5, one run")),
}


@pytest.mark.parametrize("width", [BODY, 1280])
@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_legible_in_their_panel_and_apart(browser: Any, tmp_path: Path, kind: str, width: int) -> None:
    open_page(browser, tmp_path, KINDS[kind], width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    panels = browser.execute_script(TEXTS)
    assert len(panels) == len(KINDS[kind].panels)
    for (left, top, right, bottom), texts in panels:
        assert len(texts) > 3
        for words, box, size in texts:
            assert size >= 11, words
            assert left - 2 <= box[0], words
            assert box[2] <= right + 2, words
            assert top - 2 <= box[1] < box[3] <= bottom + 2, words
        for (words, box, _), (others, other, _) in combinations(texts, 2):
            assert overlap(box, other) <= 2, (words, others)


def test_a_marker_is_where_its_number_is_whatever_the_width(browser: Any, tmp_path: Path) -> None:
    """The place of the marker between those of the ticks 0 and 40, as a browser lays it out."""
    chart = KINDS["dumbbells"]
    for width in (BODY, 700, 1280):
        open_page(browser, tmp_path, chart, width)
        script = """
            const middle = one => { const b = one.getBoundingClientRect(); return (b.left + b.right) / 2; };
            const ticks = [...document.querySelectorAll(".tick")];
            const [zero, forty] = ["0", "40"].map(text => middle(ticks.find(tick => tick.textContent === text)));
            const marks = [...document.querySelectorAll(".chart svg path")];
            return marks.map(mark => 40 * (middle(mark) - zero) / (forty - zero));
        """
        assert browser.execute_script(script) == pytest.approx([60, 35, 50, 30, 40, 25], abs=0.3)


def test_a_marker_at_the_end_of_a_narrow_axis_is_whole(browser: Any, tmp_path: Path) -> None:
    low, high = ((Dot(number=number(value, 0)),) for value in (0.0, 1.0))
    ends = [Row(label="a name of some length", dots=dots) for dots in ((low, high), (high, low))]
    axes = (axis_over([0, 1]), axis_over([0, 1]))
    panel = Rows(rows=tuple(ends), axes=axes, shares=(0.7, 0.3), names_left=21)
    open_page(browser, tmp_path, Chart(panels=(panel,)), BODY)
    script = """
        const sides = one => { const b = one.getBoundingClientRect(); return [b.left, b.right]; };
        return [sides(document.querySelector("svg.chart")), [...document.querySelectorAll(".chart path")].map(sides)];
    """
    (left, right), marks = browser.execute_script(script)
    assert len(marks) == 4
    assert all(left <= one < other <= right for one, other in marks), (right, marks)


@pytest.mark.parametrize(("scheme", "colour"), [("light", (0, 114, 178)), ("dark", (86, 180, 233))])
def test_the_colours_follow_the_scheme_of_the_page(
    browser: Any, tmp_path: Path, scheme: str, colour: tuple[int, ...]
) -> None:
    with media(browser, prefers_color_scheme=scheme):
        open_page(browser, tmp_path, KINDS["matrix"], BODY)
        found = browser.execute_script("return getComputedStyle(document.querySelector('.chart .s0 svg path')).fill")
    assert found == f"rgb({', '.join(map(str, colour))})"


def test_a_ring_is_empty_and_half_a_marker_is_half_full(browser: Any, tmp_path: Path) -> None:
    open_page(browser, tmp_path, KINDS["forest"], BODY)
    script = """return [...document.querySelectorAll("svg.chart:first-of-type svg:not([viewBox])")].map(mark =>
        [...mark.querySelectorAll("path")].map(path => getComputedStyle(path).fill))"""
    ground, ink = "rgb(255, 255, 255)", "rgb(27, 31, 36)"
    assert browser.execute_script(script) == [[ink], [ground, ink], [ground]], "full, half full, ring"
    open_page(browser, tmp_path, KINDS["scatter"], BODY)
    arrow = "return [...document.querySelectorAll('path.head')].map(path => getComputedStyle(path).fill)"
    assert set(browser.execute_script(arrow)) == {"none"}


def test_where_the_system_chooses_the_colours_markers_alone_tell_arms_apart(browser: Any, tmp_path: Path) -> None:
    script = """
        return [...document.querySelectorAll(".chart :is(.s0, .s1, .s2) svg path, .chart .title")]
            .map(one => [getComputedStyle(one).fill, one.getAttribute("d")])
    """
    with media(browser, forced_colors="active"):
        open_page(browser, tmp_path, KINDS["matrix"], BODY)
        seen = browser.execute_script(script)
        ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert len({shape for _, shape in seen}) == 3
    assert len({fill for fill, _ in seen}) == 1
    assert seen[0][0] != ground


@pytest.mark.parametrize("width", [BODY, 1280])
def test_no_line_or_band_passes_through_the_names_above_rows(browser: Any, tmp_path: Path, width: int) -> None:
    """What is painted on top at each name, apart from the text itself, is the ground."""
    open_page(browser, tmp_path, KINDS["forest"], width)
    script = """
        const grounds = [...document.querySelectorAll(".ground")].map(one => one.getBoundingClientRect());
        const after = (one, other) => one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
        const lines = [...document.querySelectorAll(".grid, .zero, .band")];
        const inside = (box, ground) => ground.left <= box.left + 1 && ground.right >= box.right - 1
            && ground.top <= box.top + 1 && ground.bottom >= box.bottom - 1;
        return [...document.querySelectorAll(".name")].map(name => {
            const k = grounds.findIndex(ground => inside(name.getBoundingClientRect(), ground));
            const ground = document.querySelectorAll(".ground")[k];
            const own = lines.filter(line => line.ownerSVGElement === ground?.ownerSVGElement);
            return k >= 0 && own.length > 2 && own.every(line => after(line, ground));
        });
    """
    names = browser.execute_script(script)
    assert len(names) == 2 * 3 * 2
    assert all(names)


def test_a_chart_prints_whole(browser: Any, tmp_path: Path) -> None:
    open_page(browser, tmp_path, KINDS["forest"], 1280)
    document = print_pdf(browser)
    assert document.startswith(b"%PDF-")
    assert document.count(b"/Type /Page\n") == 1
