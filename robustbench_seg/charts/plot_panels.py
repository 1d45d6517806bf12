"""Curves over two axes as SVG: bands and lines stretch with the width, markers and texts keep their size."""

from collections.abc import Callable, Sequence
from html import escape
from math import isnan

from .elements import colour_of, data, draw_line, draw_mark, draw_text, percent, px
from .values import Curve, Plot
from .words import shorten, state_number

__all__ = ["draw_plot"]

SMALL, LARGE = 112, 230  # px: the area of one of several panels, and of one over the whole width
TOP, BOTTOM = 26, 34  # px above and below the area
LEFT, RIGHT, LABELLED = 0.15, 0.97, 0.43  # shares of the width: ends of the area, and the end where names stand
FINE = 1000  # units of the stretched area
BOX = f'viewBox="0 0 {FINE} {FINE}" preserveAspectRatio="none"'
NAME, ARROW = 15, 8


def draw_plot(panel: Plot, *, small: bool) -> tuple[str, float]:
    """Draw curves; return the elements and the height in px."""
    height = SMALL if small else LARGE
    width = (LABELLED if panel.labelled else RIGHT) - LEFT
    top = TOP + (NAME if panel.title and panel.y.label and not small else 0.0)
    bottom = top + height

    def x_of(value: float) -> float:
        return LEFT + width * panel.x.share(value)

    def y_of(value: float) -> float:
        return bottom - height * panel.y.share(value)

    parts = [draw_text(shorten(panel.title, 24 if small else 54), 0, 13, "title")]
    parts.append(draw_text("" if small else panel.y.label, 0, top - 8, "tick start"))
    across = [f"M0 {FINE * (1 - panel.y.share(tick)):.0f}h{FINE}" for tick, _ in panel.y.ticks]
    up = [f"M{FINE * panel.x.share(tick):.0f} 0v{FINE}" for tick, _ in panel.x.ticks]
    diagonal = f'<path class="level ink" d="M0 {FINE}L{FINE} 0"/>' if panel.diagonal else ""
    area = f'x="{percent(LEFT)}" y="{top:g}" width="{percent(width)}" height="{height:g}"'
    lines = [grouped(curve, draw_paths(panel, curve)) for curve in panel.curves if curve.link == "line"]
    parts.append(f'<svg {area} {BOX}><path class="grid" d="{"".join(across + up)}"/>{diagonal}{"".join(lines)}</svg>')
    parts += [draw_text(words, LEFT - 0.03, y_of(tick) + 4, "tick end") for tick, words in panel.y.ticks]
    parts += [draw_text(words, x_of(tick), bottom + 14, "tick") for tick, words in panel.x.ticks]
    under = "" if small else panel.x.label
    parts.append(draw_text(under, LEFT + width / 2, bottom + 29, "tick"))
    for curve in panel.curves:
        title = f"<title>{escape(curve.arm)}</title>"
        parts.append(grouped(curve, title + draw_points(panel, curve, x_of, y_of)))
    if panel.labelled:
        parts.append(draw_names(panel, y_of, top, bottom))
    return "".join(parts), bottom + (BOTTOM if under else BOTTOM - NAME)


def grouped(curve: Curve, inner: str) -> str:
    """Put elements of a curve into a group of its colour."""
    return f'<g class="{colour_of(curve.series)}"{data(arm=curve.arm)}>{inner}</g>'


def draw_points(panel: Plot, curve: Curve, x_of: Callable[[float], float], y_of: Callable[[float], float]) -> str:
    """Draw the markers of a curve, an arrow between them, and their intervals where no band shows these."""
    parts = []
    if curve.link == "arrow" and len(curve.drawn) > 1:
        (x1, first, _), (x2, last, _) = curve.drawn[0], curve.drawn[-1]
        start, end = y_of(first.estimate), y_of(last.estimate)
        parts.append(draw_line(x_of(x1), x_of(x2), start, end, "link"))
        if abs(end - start) > ARROW:
            down = end > start
            shape = "M-4-4 0 0 4-4" if down else "M-4 4 0 0 4 4"
            parts.append(
                f'<svg x="{percent(x_of(x2))}" y="{px(end + (-ARROW if down else ARROW))}">'
                f'<path class="head" d="{shape}"/></svg>'
            )
    for x, number, fill in curve.drawn:
        if curve.link != "line" and not isnan(number.low):
            parts.append(draw_line(x_of(x), x_of(x), y_of(number.low), y_of(number.high), "wide"))
        # Of corruptions there are many small panels; the chosen one stands above its numbers.
        title = "" if panel.corruption else f"{x:.4g}: {state_number(number, panel.y)}"
        parts.append(draw_mark(x_of(x), y_of(number.estimate), curve.series, fill, title))
    return "".join(parts)


def draw_paths(panel: Plot, curve: Curve) -> str:
    """Draw the band, where points have an interval, the level and the line, in units of the stretched area."""

    def path(points: Sequence[tuple[float, float]]) -> str:
        return "L".join(f"{FINE * panel.x.share(x):.0f} {FINE * (1 - panel.y.share(y)):.0f}" for x, y in points)

    line = path([(x, number.estimate) for x, number, _ in curve.drawn])
    ends = [(x, number.low, number.high) for x, number, _ in curve.drawn if not isnan(number.low)]
    around = path([(x, low) for x, low, _ in ends] + [(x, high) for x, _, high in reversed(ends)])
    clean = curve.level
    level = "" if clean is None or isnan(clean) else path([(panel.x.low, clean), (panel.x.high, clean)])
    drawn = (("area", f"{around}z" if len(ends) > 1 else ""), ("level", level), ("line", line))
    return "".join(f'<path class="{kind}" d="M{places}"/>' for kind, places in drawn if places)


def draw_names(panel: Plot, y_of: Callable[[float], float], top: float, bottom: float) -> str:
    """Write the names of curves next to their ends, apart from each other."""
    ends = sorted((y_of(curve.drawn[-1][1].estimate), k) for k, curve in enumerate(panel.curves) if curve.drawn)
    places: list[float] = []
    for y, _ in ends:
        places.append(max(y, places[-1] + NAME) if places else max(y, top))
    over = max(0.0, (places[-1] if places else 0) - bottom)
    parts = []
    for y, (_, k) in zip(places, ends, strict=True):
        curve = panel.curves[k]
        key = draw_mark(LABELLED + 0.035, y - over, curve.series, "full")
        parts.append(grouped(curve, key + draw_text(shorten(curve.arm, 26), LABELLED + 0.06, y - over + 4, "name")))
    return "".join(parts)
