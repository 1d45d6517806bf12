"""What changed between two stores, for the terminal."""

import pandas as pd
from rich.console import Console
from rich.table import Table

__all__ = ["show_changes"]


def show_changes(console: Console, changes: pd.DataFrame) -> None:
    """Print a table per model and view: clean, mean, and each condition."""
    for (model, view), part in changes.groupby(["model", "view"], sort=False):
        first = part.iloc[0]
        title = f"{model}, view {view}, {first['dataset']} {first['split']}, {first['images']} of {first['of']} images"
        table = Table(title=title, title_justify="left")
        table.add_column("mIoU (%)")
        for name in ("base", "new", "new - base", "95 % interval", "p (Holm)"):
            table.add_column(name, justify="right")
        for _, row in part.iterrows():
            over = f" ({row['corruptions']:.0f} corruptions)" if row["quantity"] == "mean" else ""
            numbers = (f"{100 * row['base']:.1f}", f"{100 * row['new']:.1f}", f"{100 * row['estimate']:+.1f}")
            ends = f"{100 * row['low']:+.1f} to {100 * row['high']:+.1f}"
            table.add_row(row["quantity"] + over, *numbers, ends, f"{row['p_holm']:.3f}")
        console.print(table)
