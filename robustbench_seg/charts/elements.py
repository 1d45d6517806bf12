"""Elements of SVG as text: horizontal places are shares of the width, vertical ones px.

So nothing is scaled: a panel grows with the page while its texts keep their size. Colours and fonts are classes of
charts.css.
"""

from html import escape

from .looks import HALF_CIRCLE, LIGHT, MARKERS, marker_of
from .values import Axis, Fill

__all__ = [
    "colour_of", "data", "draw_axis", "draw_bar", "draw_line", "draw_mark", "draw_text", "key_of", "percent", "px",
]  # fmt: skip


def colour_of(series: int | None) -> str:
    """Name the class of an arm's colour."""
    return "ink" if series is None else f"s{series % len(LIGHT)}"


def data(**names: str) -> str:
    """Write data attributes; none for what is empty."""
    return "".join(f' data-{name}="{escape(value)}"' for name, value in names.items() if value)


def percent(share: float) -> str:
    """Write a share of the width: 0.375 ─▶ "37.5%"."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def px(place: float) -> str:
    """Write a vertical place to a tenth of a pixel."""
    return f"{place:.1f}".removesuffix(".0")


def draw_text(words: str, x: float, y: float, kind: str) -> str:
    """Write words at a place; nothing for none. kind: the class, which decides how the text is aligned there."""
    return f'<text class="{kind}" x="{percent(x)}" y="{px(y)}">{escape(words)}</text>' if words else ""


def draw_line(x1: float, x2: float, y1: float, y2: float, kind: str, names: str = "", title: str = "") -> str:
    """Draw a line. names: `data` of it. title: its tooltip."""
    places = f'x1="{percent(x1)}" x2="{percent(x2)}" y1="{px(y1)}" y2="{px(y2)}"'
    inner = f"><title>{escape(title)}</title></line>" if title else "/>"
    return f'<line class="{kind}" {places}{names}{inner}'


def draw_bar(width: float, y: float, height: float, kind: str, title: str = "") -> str:
    """Draw a bar from the left edge. width: a share of the panel's. title: its tooltip."""
    inner = f"><title>{escape(title)}</title></rect>" if title else "/>"
    return f'<rect class="{kind}" width="{percent(width)}" y="{px(y)}" height="{height:g}"{inner}'


def draw_mark(x: float, y: float, series: int | None, fill: Fill, title: str = "", *, published: bool = False) -> str:
    """Draw the marker of a number, with a tooltip. published: the diamond of a paper's number."""
    shape = MARKERS["D"] if published else MARKERS["o" if series is None else marker_of(series)]
    kind = "" if fill == "full" else ' class="ring"'
    path = f'<path{kind} d="{shape}"/>'
    half = f'<path d="{HALF_CIRCLE}"/>' if fill == "half" else ""
    tooltip = f"<title>{escape(title)}</title>" if title else ""
    return f'<svg x="{percent(x)}" y="{px(y)}">{tooltip}{path}{half}</svg>'


def key_of(series: int) -> str:
    """Draw the marker of an arm in a line of text."""
    path = f'<path d="{MARKERS[marker_of(series)]}"/>'
    box = 'width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"'
    return f'<svg class="key {colour_of(series)}" {box}>{path}</svg>'


def draw_axis(axis: Axis, left: float, width: float, top: float, bottom: float) -> str:
    """Draw a horizontal axis's band, grid and line at zero. left, width: the place of its ends."""
    parts = []
    if axis.band:
        low, high = (left + width * axis.share(min(max(end, axis.low), axis.high)) for end in axis.band)
        place = f'x="{percent(low)}" width="{percent(high - low)}" y="{top:g}" height="{bottom - top:g}"'
        parts.append(f'<rect class="band" {place}/>')
    for tick, _ in axis.ticks:
        x = left + width * axis.share(tick)
        parts.append(draw_line(x, x, top, bottom, "zero" if axis.zero and tick == 0 else "grid"))
    return "".join(parts)
