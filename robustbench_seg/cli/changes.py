"""What changed between two stores, for the terminal."""

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..studies.bootstrap import RESAMPLES
from ..studies.robustness import BASIS
from ..studies.statistics import is_bound
from ..wording import BRIEF, counted, p_text, percent, points, span

__all__ = ["name_of", "show_changes"]


def name_of(change: pd.Series) -> str:
    """Name a change's model and setting, briefly."""
    void = "" if change["void"] == "ignored" else f"void {change['void']}, "
    return (
        f"{change['model']}, view {change['view']}, {change['dataset']} {change['split']} "
        f"({change['fingerprint'][:BRIEF]}), {change['images']} of {change['of']} images, {change['precision']}, "
        f"{void}engine version {change['engine_version']}, seed {change['seed']}"
    )


def show_changes(console: Console, changes: pd.DataFrame) -> None:
    """Print a table per model and setting: clean, mean, and each condition."""
    changes = changes.assign(bound=is_bound(changes["p"].to_numpy(np.float64), RESAMPLES))
    for _, part in changes.groupby(["model", *BASIS], sort=False):
        table = Table(title=Text(name_of(part.iloc[0])), title_justify="left")
        table.add_column("mIoU (%)")
        for name in ("base", "new", "new - base", "95 % interval", "p (Holm)"):
            table.add_column(name, justify="right")
        for _, row in part.iterrows():
            over = f" ({counted(int(row['corruptions']), 'corruption')})" if row["quantity"] == "mean" else ""
            numbers = (percent(row["base"]), percent(row["new"]), points(row["estimate"]))
            ends = span(row["low"], row["high"])
            table.add_row(
                *map(Text, (row["quantity"] + over, *numbers, ends, p_text(row["p_holm"], bound=row["bound"])))
            )
        console.print(table)
