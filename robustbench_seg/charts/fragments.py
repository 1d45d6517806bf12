"""Charts in a page: an SVG per panel, and a list of arms above where panels need one; nothing has an id."""

import base64
from html import escape
from importlib.resources import files

from .elements import data, key_of
from .plot_panels import draw_plot
from .row_panels import draw_rows
from .values import Chart, Panel, Plot, Rows, Tile
from .words import describe

__all__ = ["stylesheet", "svg"]

FEW = 3  # panels of curves that stand next to each other as large as a single one; of corruptions, a single one


def stylesheet() -> str:
    """Return the CSS of all charts, for the page that shows them."""
    return files(__package__).joinpath("charts.css").read_text(encoding="utf-8")


def svg(chart: Chart) -> str:
    """Draw a chart for a page: one SVG, or a `div` of the list of arms and several, for charts.css to lay out."""
    plots = [panel for panel in chart.panels if isinstance(panel, Plot) and not panel.diagonal]
    few = len(plots) <= (1 if any(panel.corruption for panel in plots) else FEW)
    small = len(plots) == len(chart.panels) and not few
    parts = [draw_panel(panel, small=small) for panel in chart.panels]
    if len(parts) == 1 and not chart.legend:
        return parts[0]
    items = [f"<li{data(arm=arm)}>{key_of(series)}{escape(arm)}</li>" for arm, series in chart.legend]
    legend = f'<ul class="legend">{"".join(items)}</ul>' if items else ""
    kind = " small" if small else " single" if len(parts) == 1 else ""
    return f'<div class="panels{kind}">{legend}{"".join(parts)}</div>'


def draw_panel(panel: Panel, *, small: bool) -> str:
    """Draw one panel. small: one of many curves."""
    if isinstance(panel, Tile):
        return draw_tile(panel)
    if isinstance(panel, Rows):
        (body, height), names = draw_rows(panel), data(arm=panel.arm, family=panel.family)
    else:
        (body, height), names = draw_plot(panel, small=small), data(corruption=panel.corruption)
    label = escape(describe(panel))
    return f'<svg class="chart" width="100%" height="{height:g}" role="img" aria-label="{label}"{names}>{body}</svg>'


def draw_tile(panel: Tile) -> str:
    """Show pictures, files in PNG, under their title."""
    title = escape(panel.title)
    sources = (base64.b64encode(file.read_bytes()).decode() for file in panel.files)
    images = "".join(f'<img src="data:image/png;base64,{source}" alt="{title}">' for source in sources)
    return f'<figure class="tile"><figcaption>{title}</figcaption>{images}</figure>'
