"""Figures as files, and as SVG that stands in a page: one with the page's ids, its text colour and its font."""

import io
import pickle
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.spines import Spine
from matplotlib.text import Text

__all__ = ["inline_svg", "save_figure"]

# Text stays text, and the bytes depend on the content alone.
SETTINGS: dict[Any, Any] = {"svg.hashsalt": "robustbench-seg", "svg.fonttype": "none", "pdf.fonttype": 42}
DATES = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
INK = "#010203"  # stands for the text colour of the page until the SVG is written
GRID = "#b0b0b0"  # matplotlib's
SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
PX_PER_PT = 4 / 3


def save_figure(figure: Figure, path: Path, file_format: str) -> None:
    """Write a figure as "svg" or "pdf" whose bytes depend on its content alone."""
    literal(figure)
    with mpl.rc_context(SETTINGS):
        figure.savefig(path, format=file_format, metadata=DATES[file_format])


def inline_svg(figure: Figure, prefix: str, description: str) -> str:
    """A figure as an SVG element for HTML; ids begin with `prefix`, so that several stand in one page.

    What is black becomes the page's text colour, and the background lets the page's through. The figure stays as it is.
    """
    figure = pickle.loads(pickle.dumps(figure))
    literal(figure)
    take_ink(figure)
    file = io.BytesIO()
    with mpl.rc_context(SETTINGS):
        figure.savefig(file, format="svg", metadata=DATES["svg"], transparent=True)
    root = ET.fromstring(file.getvalue())
    for element in list(root.iter()):
        for child in list(element):
            if child.tag in (f"{SVG}metadata", f"{SVG}style"):  # matplotlib's style is for `*`: the whole page
                element.remove(child)
    for element in root.iter():
        for name, value in element.attrib.items():
            element.set(name, rewritten(name, value, prefix))
    width_pt = float(root.attrib.pop("width").removesuffix("pt"))
    del root.attrib["height"]
    root.set("style", f"--width: {width_pt * PX_PER_PT:.0f}px; stroke-linejoin: round; stroke-linecap: butt")
    root.set("role", "img")
    root.set("aria-label", description)
    ET.register_namespace("", SVG[1:-1])
    ET.register_namespace("xlink", HREF[1 : HREF.index("}")])
    return ET.tostring(root, encoding="unicode")


def rewritten(name: str, value: str, prefix: str) -> str:
    """An attribute with prefixed ids, and with the page's ink and font."""
    if name == "id":
        return f"{prefix}-{value}"
    if name in ("href", HREF):
        return re.sub("^#", f"#{prefix}-", value)
    value = value.replace("url(#", f"url(#{prefix}-").replace(INK, "currentColor").replace(GRID, "var(--grid)")
    return re.sub(r"(font:[^;]*?px) [^;]*", r"\1 system-ui, sans-serif", value) if name == "style" else value


def literal(figure: Figure) -> None:
    """Let no text of a figure be read as a formula: names come from users, and one may hold two dollar signs."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)


def take_ink(figure: Figure) -> None:
    """Give all that is black the colour INK, except for texts over an image, whose ground does not change."""
    fixed = {text for axes in figure.findobj(Axes) if axes.images for text in axes.texts}
    for artist in figure.findobj(lambda one: isinstance(one, (Text, Line2D)) and one not in fixed):
        if same_color(mpl.artist.getp(artist, "color"), "black"):
            artist.set(color=INK)
        if isinstance(artist, Line2D) and same_color(artist.get_markeredgecolor(), "black"):
            artist.set_markeredgecolor(INK)  # ticks are markers
    for spine in figure.findobj(Spine):
        if same_color(spine.get_edgecolor(), "black"):
            spine.set_edgecolor(INK)
    for legend in figure.findobj(Legend):
        legend.get_frame().set_alpha(0)
