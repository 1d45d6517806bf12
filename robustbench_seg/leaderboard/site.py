"""Write boards as static pages that load nothing: an index, and for each board a page and a CSV file."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import markupsafe
import numpy as np
import pandas as pd

from ..errors import UsageError
from ..files import write_text
from ..html_pages import package_text, page_engine, parts_of_page
from ..owned_files import owning
from ..studies.statistics import Interval
from ..temporary_files import remove_leftovers
from ..wording import MISSING, counted, millions, percent, spaced
from .board import SCORES, Board, Standing

__all__ = ["write_site"]

INDEX = "index.html"
LABELS = {"clean": "clean", "mean": "under corruption", "retention": "retention"}


def write_site(boards: Sequence[Board], out: Path) -> Path:
    """Write the pages of boards into the folder `out`; return the path of its index.html."""
    remove_leftovers(out)
    names = [board.file for board in boards]
    if len(set(names)) < len(names):
        raise UsageError(f"two boards have the name {next(name for name in names if names.count(name) > 1)}")
    with owning(out, [INDEX, *(f"{name}.{kind}" for name in names for kind in ("html", "csv"))]):
        for board in boards:
            write_text(out / f"{board.file}.csv", csv_of(board))
            facts = {"board": board, "about": about(board), "scale": scale_of(board)}
            write_text(out / f"{board.file}.html", rendered("board.html", title_of(board), **facts))
        groups = [(dataset, list(some)) for dataset, some in groupby(boards, lambda one: one.setting["dataset"])]
        write_text(out / INDEX, rendered("index.html", "Robustness leaderboards", groups=groups))
    return out / INDEX


def rendered(template: str, title: str, **values: Any) -> str:
    """Render a page. It loads nothing, and its own script is the only one that it lets run."""
    engine = page_engine(__package__, interval_text, sort_key, percent, counted, millions, drawn)
    shared = parts_of_page(*(package_text(__package__, name) for name in ("board.css", "board.js")))
    return engine.get_template(template).render(title=title, labels=LABELS, missing=MISSING, **shared, **values)


def title_of(board: Board) -> str:
    """Name a board for readers: data set, split, protocol and view."""
    one = board.setting
    return f"{one['dataset']} {one['split']}, protocol {board.protocol}, view {board.view}"


def about(board: Board) -> list[tuple[str, str]]:
    """List what all rows of a board have in common, as pairs of a name and a text."""
    one = board.setting
    conditions = sum(map(len, board.conditions.values()))
    same: dict[Any, list[str]] = {}
    for name, severities in board.conditions.items():
        same.setdefault(severities, []).append(name)
    void = "counted: a class predicted on pixels without a label is wrong" if one["void"] == "counted" else one["void"]
    mapped = [f"{own} as {target}" if target else f"{own} as none" for own, target in one["alignment"] if own != target]
    alignment = ("; ".join(mapped) or "by name") if one["alignment"] else "none: models have the classes of the data"
    return [
        ("conditions", f"{counted(len(board.conditions), 'corruption')}, {conditions} conditions and clean images"),
        *(
            (f"severities {', '.join(map(str, severities))}", spaced(", ".join(names)))
            for severities, names in same.items()
        ),
        ("images", f"{one['images']} of {one['of']}{', drawn and not photographed' if one['synthetic'] else ''}"),
        ("fingerprint", one["fingerprint"]),
        ("classes", f"{len(one['class_names'])}"),
        ("alignment of classes", alignment),
        ("view", one["view"]),
        ("precision", one["precision"]),
        ("pixels without a label", void),
        ("engine version", f"{one['engine_version']}, seed {one['seed']}"),
    ]


def scale_of(board: Board) -> float:
    """Choose the score, 0-1, at the right end of all rows' drawings."""
    numbers = [number for row in board.rows for name, number in row.scores.items() if name != "retention"]
    return max([1e-3, *(value for one in numbers for value in (one.estimate, one.high) if not np.isnan(value))])


def drawn(row: Standing, scale: float) -> list[markupsafe.Markup]:
    """Draw the clean score as a ring and the mean under corruption as a dot with its interval, SVG 176 x 20."""

    def x(value: float) -> str:
        return f"{6 + 164 * value / scale:.1f}"

    clean, mean = (row.scores.get(name) for name in ("clean", "mean"))
    lines = []
    if clean and mean and not np.isnan([clean.estimate, mean.estimate]).any():
        lines.append(f'<line x1="{x(mean.estimate)}" x2="{x(clean.estimate)}" y1="10" y2="10"/>')
    for one, kind in ((clean, "clean"), (mean, "mean")):
        if one is not None and not np.isnan(one.estimate):
            if not np.isnan(one.low):
                lines.append(f'<line class="ends" x1="{x(one.low)}" x2="{x(one.high)}" y1="10" y2="10"/>')
            lines.append(f'<circle class="{kind}" cx="{x(one.estimate)}" cy="10" r="4"/>')
    return [markupsafe.Markup(line) for line in lines]


def interval_text(number: Interval) -> str:
    """Write the ends of an interval in %; nothing where there is none."""
    return "" if np.isnan(number.low) else f"{percent(number.low)} to {percent(number.high)}"


def sort_key(number: Interval) -> str:
    """Write what a column is sorted by; "" for what is missing."""
    return "" if np.isnan(number.estimate) else repr(float(number.estimate))


def csv_of(board: Board) -> str:
    """Write a row per model with all digits; scores are 0-1."""
    lines = []
    for row in board.rows:
        low, high = row.ranks or (None, None)
        line: dict[str, Any] = {
            "rank": row.rank,
            "rank_low": low,
            "rank_high": high,
            "model": row.model,
            "link": row.anchor,
        }
        for name in SCORES:
            if name in row.scores:
                number = row.scores[name]
                line |= {name: number.estimate, f"{name}_low": number.low, f"{name}_high": number.high}
        line |= {"missing": row.missing, "parameters": row.parameters, "weights": row.weights, "licence": row.licence}
        lines.append({**line, "alarms": "; ".join(row.alarms)})
    return str(pd.DataFrame(lines, dtype=object).to_csv(index=False, lineterminator="\n"))
