"""Figures of a report; each function returns a Figure and writes nothing.

Colours are safe for colour-blind eyes: cividis for values, Okabe and Ito's palette for lines, which differ in their
markers too.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .gallery import picture_of

__all__ = ["LINES", "heat_maps", "severity_curves", "strip", "style"]

LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX"
COLUMNS = 4


def style(k: int) -> dict[str, Any]:
    """Colour and marker of the k-th line: 49 pairs, each of which occurs once before the first comes again."""
    return {"color": LINES[k % len(LINES)], "marker": MARKERS[(k + k // len(LINES)) % len(MARKERS)]}


def heat_maps(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """mIoU (0-1 in the tables, % in the figure), corruption by severity; a panel per title, one colour scale."""
    rows = max(len(table) for table in tables.values())
    severities = max(len(table.columns) for table in tables.values())
    figure = Figure(figsize=(1.9 + len(tables) * (1.2 + 0.62 * severities), 1.2 + 0.3 * rows), layout="constrained")
    axes = figure.subplots(1, len(tables), squeeze=False, sharey=True)[0]
    highest = max(float(np.nanmax(table.to_numpy(float), initial=0.01)) for table in tables.values())
    shown: matplotlib.image.AxesImage
    for axis, (title, table) in zip(axes, tables.items(), strict=True):
        values = 100 * table.to_numpy(float)
        shown = axis.imshow(values, cmap="cividis", vmin=0, vmax=100 * highest, aspect="auto")
        for (y, x), value in np.ndenumerate(values):
            colour = "black" if value > 55 * highest else "white"
            text = "" if np.isnan(value) else f"{value:.0f}"
            axis.text(x, y, text, ha="center", va="center", fontsize=8, color=colour)
        axis.set_title(title, fontsize=9)
        axis.set_xticks(range(len(table.columns)), [str(s) for s in table.columns])
        axis.set_yticks(range(len(table)), [str(name).replace("_", " ") for name in table.index], fontsize=8)
        axis.set_xlabel("severity")
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    figure.colorbar(shown, ax=list(axes), label="mIoU (%)", pad=0.01)
    return figure


def severity_curves(
    tables: Mapping[str, pd.DataFrame], bands: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]] | None = None
) -> Figure:
    """mIoU (0-1 in the tables, % in the figure) against severity, a small panel per corruption and a line per title.

    tables: corruption by severity, 0 the clean image. bands: the lower and upper ends of intervals, by title.
    """
    names = list(next(iter(tables.values())).index)
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    width = max(5.5, 2.3 * columns + 0.4)
    figure = Figure(figsize=(width, 1.9 * rows + 0.7), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    for axis, name in zip(axes.flat, names, strict=False):
        for k, (title, table) in enumerate(tables.items()):
            points = 100 * table.loc[name].dropna()
            own = style(k)
            axis.plot(points.index, points, markersize=3.5, linewidth=1.3, label=title, **own)
            if bands:
                low, high = (100 * end.loc[name, points.index] for end in bands[title])
                axis.fill_between(points.index, low, high, color=own["color"], alpha=0.15, linewidth=0)
        axis.set_title(name.replace("_", " "), fontsize=9)
        axis.grid(alpha=0.3)
        axis.set_ylim(bottom=0)
        axis.set_xticks(range(max(next(iter(tables.values())).columns) + 1))
    figure.supxlabel("severity (0 is clean)", fontsize=9)
    figure.supylabel("mIoU (%)", fontsize=9)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=int(width // 2.6), fontsize=8, frameon=False)
    return figure


def strip(places: Mapping[str, Path], image_id: str) -> Figure:
    """One image under several conditions: what the model saw above what it said; the label comes first.

    places: the gallery's folder of each condition, by title. Where the data set's terms do not allow showing images
    there are the label and the predictions only.
    """
    panels: list[tuple[str, Path | None, Path]] = []
    for title, place in places.items():
        if not panels:
            panels.append(("label", None, place / f"{image_id}-label.png"))
        image = place / f"{image_id}-image.png"
        panels.append((title, image if image.is_file() else None, place / f"{image_id}-prediction.png"))
    panels = [panel for panel in panels if panel[2].is_file()]
    both = any(seen for _, seen, _ in panels)
    columns = min(COLUMNS, len(panels))
    blocks = -(-len(panels) // columns)
    per_block = 2 if both else 1
    width, height = picture_of(panels[0][2]).size
    panel_height = 2.6 * height / width
    size = (2.7 * columns, blocks * (per_block * panel_height + 0.32))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(blocks * per_block, columns, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for k, (title, seen, said) in enumerate(panels):
        block, column = divmod(k, columns)
        below = axes[block * per_block + per_block - 1, column]
        below.imshow(picture_of(said), interpolation="nearest")
        above = axes[block * per_block, column] if seen else below
        above.set_title(title, fontsize=9)
        if seen:
            above.imshow(picture_of(seen))
    return figure
