"""`check`: whether a data set can be measured, before anything is."""

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from ..wording import counted, listed
from .options import Limit, data_folders
from .terminal import console, say

if TYPE_CHECKING:
    from ..datasets import Dataset
    from ..datasets.first_pass import Summary

__all__ = ["check"]

SIZES_SHOWN = 5


def check(
    data: Annotated[
        list[str],
        typer.Argument(metavar="NAME=PATH", help="A dataset (see `list datasets`) and its folder; repeatable."),
    ],
    split: Annotated[str | None, typer.Option(help="By default the one that is evaluated: val or test.")] = None,
    limit: Limit = None,
) -> None:
    """Read all labels and image headers of a dataset: pixels per class, sizes, what is left out, what is wrong."""
    from ..datasets import open_split, spaced
    from ..datasets.first_pass import expect_sound, summarise

    sound = True
    for name, folder in data_folders(data, "check").items():
        dataset = open_split(name, split, {name: folder})
        expect_sound(dataset)
        ids = spaced(dataset.ids, limit)
        bar = Progress(console=console, transient=True)
        with bar if console.is_terminal else nullcontext():  # Rich before 15 ends a disabled bar with an empty line
            task = bar.add_task(f"{name} {dataset.split}", total=len(ids))
            summary = summarise(dataset, ids, partial(bar.advance, task))
        sound &= show(dataset, ids, summary)
    if not sound:
        raise typer.Exit(1)


def show(dataset: "Dataset", ids: tuple[str, ...], summary: "Summary") -> bool:
    """Print a summary; return whether the images can be measured."""
    from ..datasets import blocks_of
    from ..datasets.first_pass import to_turn, without_labels

    where = f"{dataset.name} {dataset.split}"
    say(f"{where}: {len(ids)} of {counted(dataset.total, 'image')}, read in {summary.seconds:.1f} s")
    sizes = [f"{count} of {height}x{width}" for (height, width), count in summary.sizes.most_common()]
    say(f"sizes (height x width): {listed(sizes, SIZES_SHOWN) or 'none could be read'}")
    say(f"blocks of its ids, which statistics draw: {len(set(blocks_of(dataset.name, ids, dataset.block_pattern)))}")
    console.print(table_of(dataset.class_names, summary))
    for note in (*dataset.notes, *dataset.cautions):
        say(note, style="yellow")
    for line in (without_labels(summary.unlabelled, ids, where), to_turn(summary.turned, ids, where)):
        if line:
            say(line, style="yellow")
    for fault in summary.faults:
        say(fault, style="red")
    faults = len(summary.faults) + (len(summary.unlabelled) == len(ids))  # nothing can be scored where all are without
    say(counted(faults, "fault") if faults else "no fault")
    return not faults


def table_of(class_names: tuple[str, ...], summary: "Summary") -> Table:
    """A row per class: its pixels, their share of all that are labelled, and how many images have any."""
    table = Table("trainId", "class", box=None)
    for column in ("pixels", "share", "images"):
        table.add_column(column, justify="right")
    labelled = int(summary.pixels[:-1].sum())
    for value, name in enumerate((*class_names, "ignored")):
        pixels = int(summary.pixels[value])
        ignored = value == len(class_names)
        share = f"{100 * pixels / labelled:.2f} %" if labelled and not ignored else ""
        table.add_row("" if ignored else str(value), name, f"{pixels:,}", share, str(summary.images[value]))
    return table
