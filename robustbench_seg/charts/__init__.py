"""Charts as plain values, and their two drawers: SVG in a page, and Matplotlib figures for files."""

from .figures import figure, save_figure
from .fragments import stylesheet, svg
from .kinds import dots, dumbbells, forest, lines, matrix, reliability_diagram, scatter
from .looks import style
from .values import Axis, Chart, Curve, Dot, Fill, Plot, Row, Rows, Tile
from .words import describe

__all__ = [
    "Axis", "Chart", "Curve", "Dot", "Fill", "Plot", "Row", "Rows", "Tile",
    "describe", "dots", "dumbbells", "figure", "forest", "lines", "matrix", "reliability_diagram", "save_figure",
    "scatter", "style", "stylesheet", "svg",
]  # fmt: skip
