"""Rows as SVG: names above the rows or left of them, dots with their intervals, axes below, of many rows above too."""

from collections.abc import Mapping, Sequence
from math import isnan

from .elements import colour_of, data, draw_axis, draw_bar, draw_line, draw_mark, draw_text
from .values import Axis, Dot, Row, Rows
from .words import shorten, shorten_apart, state_dot

__all__ = ["draw_rows", "places_of"]

LINE, NAME, AXIS, MANY = 22, 15, 34, 12  # px: a row, a line of text, an axis; rows from which it stands above too
PAD, MARKER = 0.035, 7  # free at each end of an axis for markers and texts: of its width, but no fewer px on a phone
LETTER, NARROW = 6.7, 340  # px: a letter, and the width of a panel on a phone
MOST = 0.42  # of the width for names
SIZE = 0.85  # of the place of names, which the longest bar takes


def places_of(panel: Rows) -> list[tuple[float, float]]:
    """Give of each axis the place of its lower end and its length, as shares of the panel's width."""
    start = min(MOST, LETTER * (panel.names_left + 2) / NARROW) if panel.names_left else 0.0
    places, room = [], 1 - start
    for share in panel.shares:
        width = share * room
        pad = max(PAD * width, MARKER / NARROW)
        places.append((start + pad, width - 2 * pad))
        start += width
    return places


def draw_rows(panel: Rows) -> tuple[str, float]:
    """Draw rows; return the elements and the height in px."""
    places = places_of(panel)
    titles, above = draw_titles(panel, places)
    top = above + (NAME + 3 if len(panel.rows) > MANY else 0)
    y, rows = float(top), []
    room = int(places[0][0] * NARROW / LETTER)  # letters of a name that stands left of its row
    lines = [line for row in panel.rows for line in row.label.split("\n")]
    names = shorten_apart(lines, room) if panel.names_left else {}
    for row in panel.rows:
        drawn, y = draw_row(panel, row, names, places, y)
        rows.append(drawn)
    bottom, axes = y + 2, []
    for axis, (left, width) in zip(panel.axes, places, strict=True):
        axes.append(draw_axis(axis, left, width, top, bottom))
        for tick, words in axis.ticks:
            x = left + width * axis.share(tick)
            axes.append(draw_text(words, x, bottom + 14, "tick"))
            axes.append(draw_text(words, x, top - 5, "tick") if top > above else "")
        axes.append(draw_text(axis.label, left + width / 2, bottom + 29, "tick"))
    labelled = any(axis.label for axis in panel.axes)
    return "".join([titles, *axes, *rows]), bottom + (AXIS if labelled else AXIS - NAME)


def draw_titles(panel: Rows, places: Sequence[tuple[float, float]]) -> tuple[str, float]:
    """Write the title, then the titles of the axes, the last one flush right; return the height in px too."""
    y, parts = 2.0, []
    for line in filter(None, panel.title.split("\n")):
        y += NAME
        parts.append(draw_text(shorten(line, int(NARROW / LETTER)), 0, y, "title"))
    lines = [title.split("\n") for title in panel.titles]
    for k, (some, (left, width)) in enumerate(zip(lines, places, strict=False)):
        last = k and k == len(lines) - 1
        for number, line in enumerate(some):
            x, kind = (left + width, "name end") if last else (left, "name")
            parts.append(draw_text(shorten(line, 40), x, y + NAME * (number + 1), kind))
    return "".join(parts), y + NAME * max(map(len, lines), default=0) + 5


def draw_row(
    panel: Rows, row: Row, names: Mapping[str, str], places: Sequence[tuple[float, float]], y: float
) -> tuple[str, float]:
    """Draw a row from y on; return where the next one begins. names: what stands left of it for a line of its label."""
    kind = "name head" if row.head else "name"
    lines = row.label.split("\n")
    parts = []
    if panel.names_left:
        middle = y + LINE / 2 + (4 if row.head else 0)
        parts += [draw_text(names[line], 0, middle + 4 + NAME * k, kind) for k, line in enumerate(lines)]
        y = middle + LINE / 2 + NAME * (len(lines) - 1)
        if row.size:
            parts.append(draw_bar(places[0][0] * row.size * SIZE, middle + 7, 3, "size", row.note))
    else:
        parts.append(draw_bar(1, y, NAME * len(lines), "ground"))
        room = int(NARROW / LETTER) - len(row.note) - 1
        parts += [draw_text(shorten(line, room), 0, y + NAME * (k + 1) - 2, kind) for k, line in enumerate(lines)]
        parts.append(draw_text(row.note, 1, y + NAME - 2, "value"))
        middle = y + NAME * len(lines) + LINE / 2 - 2
        y = middle + LINE / 2 + 3
    for axis, dots, place in zip(panel.axes, row.dots, places, strict=True):
        parts.append(draw_dots(row, axis, dots, place, middle))
    own = data(corruption=row.corruption, arm="" if panel.arm else row.arm)
    return f"<g{own}>{''.join(parts)}</g>" if own else "".join(parts), y


def draw_dots(row: Row, axis: Axis, dots: Sequence[Dot], place: tuple[float, float], y: float) -> str:
    """Draw the numbers of a row on one axis: what links them, whiskers, bars, single runs, and markers on top."""
    left, width = place
    own = [dot for dot in dots if dot.drawn]
    parts = []
    if row.link and len(own) > 1:
        first, last = (left + width * axis.share(dot.number.estimate) for dot in (own[0], own[-1]))
        parts.append(draw_line(first, last, y, y, f"link {colour_of(own[0].series)}"))
    for dot in own:
        bars = []
        for number, kind in ((dot.wide, "wide"), (dot.number, "thick")):
            if not isnan(number.low):
                low, high = (left + width * axis.share(end) for end in (number.low, number.high))
                bars.append(draw_line(low, high, y, y, kind))
                caps = (low, high) if kind == "wide" and row.link else ()
                bars += [draw_line(x, x, y - 3, y + 3, kind) for x in caps]
        for name, value in dot.runs:
            x = left + width * axis.share(value)
            bars.append(draw_line(x, x, y + 6, y + 11, "run", data(run=name), f"{name}: {value:.1f}"))
        x = left + width * axis.share(dot.number.estimate)
        title = state_dot(dot, axis, row.label)
        bars.append(draw_mark(x, y, dot.series, dot.fill, title, published=dot.published))
        kind = "paper" if dot.published else colour_of(dot.series)
        names = "" if row.arm else data(arm=dot.arm)
        parts.append(f'<g class="{kind}"{names}>{"".join(bars)}</g>')
    return "".join(parts)
