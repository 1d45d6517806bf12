"""Charts to draw in tests, and what a reader sees of them: numbers, read back from the elements of an SVG."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

import numpy as np

from robustbench_seg.charts import (
    Chart,
    Curve,
    Dot,
    Row,
    dumbbells,
    forest,
    lines,
    matrix,
    reliability_diagram,
    scatter,
)
from robustbench_seg.charts.fragments import svg
from robustbench_seg.studies.statistics import Interval

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("segformer-b0-mix", "segformer-b0-learned", "deeplabv3plus-mobilenet_v2", "d", "e", "f", "g")


@dataclass(frozen=True)
class Mark:
    """A marker: where it is (x in % of the width, y in px), of which arm, its colour class and shape."""

    x: float
    y: float
    arm: str
    colour: str
    shapes: tuple[str, ...]
    title: str


def number(value: float, spread: float = 0.02) -> Interval:
    return Interval(value, value - spread, value + spread)


def dot(k: int, value: float, **fields: object) -> Dot:
    return Dot(**{"number": number(value), "arm": NAMES[k % 7], "series": k, **fields})


def charts() -> dict[str, Chart]:
    """One chart of each kind, of three arms."""
    arms = range(3)
    scores = {NAMES[k]: [dot(k, 0.6 - 0.1 * k, fill="ring", wide=number(0.6 - 0.1 * k, 0.05)), dot(k, 0.35 - 0.05 * k)]
              for k in arms}  # fmt: skip
    pairs = {f"{NAMES[a]} minus\n{NAMES[b]}": [Dot(number=number(0.03 * (a - b) + 0.01), fill=fill)]
             for a, b, fill in ((0, 1, "full"), (0, 2, "half"), (1, 2, "ring"))}  # fmt: skip
    rows = [
        Row(label=name, head=name == "noise", corruption=name,
            dots=(tuple(dot(k, 0.1 * k + 0.05 * j) for k in arms), (Dot(number=number(0.02 * j - 0.03)),)))
        for j, name in enumerate(("noise", "gaussian noise", "jpeg compression"))
    ]  # fmt: skip
    curves = {
        title: [
            Curve(arm=NAMES[k], series=k, level=0.7 - 0.1 * k,
                  points=tuple((float(s), number(0.6 - 0.1 * k - 0.03 * s * (j + 1))) for s in range(1, 6)))
            for k in arms
        ]
        for j, title in enumerate(("fog", "snow", "frost", "contrast"))
    }  # fmt: skip
    points = [((40.0 + 10 * k, number(0.6)), (40.0 + 10 * k, number(0.3 + 0.1 * k))) for k in arms]
    arrows = [Curve(arm=NAMES[k], series=k, link="arrow", fills=("ring", "full"), points=points[k]) for k in arms]
    accuracy = [tuple((x / 15, number(x / 15 - 0.05 * k, np.nan)) for x in range(3, 15)) for k in arms]
    bins = {
        title: [Curve(arm=NAMES[k], series=k, points=accuracy[k]) for k in arms] for title in ("clean", "corrupted")
    }
    iou = {f"class {j}": [dot(0, 0.9 - 0.1 * j, fill="ring"), dot(0, 0.5 - 0.05 * j)] for j in range(4)}
    pixels = {name: 0.4 / (j + 1) for j, name in enumerate(iou)}
    notes = {name: f"{100 * size:.1f} %" for name, size in pixels.items()}
    return {
        "classes": dumbbells({NAMES[0]: iou}, "IoU (%)", notes=notes, sizes=pixels),
        "severities": lines(curves, x_label="severity", corruptions={title: title for title in curves}),
        "dumbbells": dumbbells({"": scores}, "mIoU (%)", notes=dict.fromkeys(scores, "50.7 ▸ 29.5, one run")),
        "forest": forest({"clean mIoU": pairs, "retention": pairs}, "points", margin=0.01),
        "matrix": matrix(rows, "mIoU (%)", f"{NAMES[0]} minus\n{NAMES[2]}", margin=0.01),
        "lines": lines(curves, x_label="severity"),
        "scatter": scatter(arrows, "latency (ms)", "mIoU (%)"),
        "reliability": reliability_diagram(bins, "confidence (%)", "accuracy (%)"),
    }


def roots(chart: Chart) -> list[ET.Element]:
    """The panels of a chart in a page."""
    tree = ET.fromstring(f'<html xmlns="{SVG[1:-1]}">{svg(chart)}</html>')
    return [one for one in tree.iter(f"{SVG}svg") if "chart" in one.get("class", "").split()]


def is_mark(element: ET.Element) -> bool:
    """Whether an element is a marker at its place; other nested SVGs have a box."""
    return element.tag == f"{SVG}svg" and "viewBox" not in element.attrib and "height" not in element.attrib


def marks(root: ET.Element) -> list[Mark]:
    """The markers of a panel, in the order in which they are drawn."""
    found: list[Mark] = []

    def visit(element: ET.Element, arm: str, colour: str) -> None:
        arm = element.get("data-arm", arm)
        colour = next((c for c in element.get("class", "").split() if re.fullmatch(r"s\d|ink|paper", c)), colour)
        if is_mark(element) and element.find(f"{SVG}path[@class='head']") is None:
            shapes = tuple(path.get("class", "full") for path in element.findall(f"{SVG}path"))
            place = float(element.get("x", "").rstrip("%")), float(element.get("y", ""))
            found.append(Mark(*place, arm, colour, shapes, element.findtext(f"{SVG}title", "")))
        for child in element:
            visit(child, arm, colour)

    visit(root, "", "")
    return found


def texts(root: ET.Element, kind: str) -> list[tuple[float, float, str]]:
    """The places and words of a panel's texts of a class."""
    return [
        (float(one.get("x", "").rstrip("%")), float(one.get("y", "")), one.text or "")
        for one in root.iter(f"{SVG}text")
        if kind in one.get("class", "").split()
    ]


def scale(ticks: list[tuple[float, float]]) -> np.poly1d:
    """The map from places to numbers, from the places and the numbers of two ticks or more."""
    places, values = zip(*ticks, strict=True)
    return np.poly1d(np.polyfit(places, values, 1))
