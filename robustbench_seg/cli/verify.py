"""`verify`: whether the files of results are whole and consistent, and what the numbers of each model rest on."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..wording import counted, listed
from .options import Data, data_folders
from .terminal import say

if TYPE_CHECKING:
    import pandas as pd

    from ..studies.integrity import Verification

__all__ = ["verify"]

MOST = 5  # values in a line


def verify(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders that `run` wrote.")],
    *,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, nothing else.")] = False,
) -> None:
    """Check every file again: digests, keys, counts, plans, and with --data the images; show what numbers rest on."""
    import pandas as pd

    from ..errors import UsageError
    from ..files import canonical_json, plain
    from ..studies.frame import disagreements
    from ..studies.integrity import verify as check

    given = data_folders(data)
    each = [check(folder) for folder in dict.fromkeys(folders)]
    faults = [line for one in each for line in one.faults]
    every = [one.cells[one.cells["kind"] == "quality"] for one in each if len(one.cells)]
    if len(every) > 1 and len(together := pd.concat(every, ignore_index=True)):
        faults += [line for line in disagreements(together) if line not in faults]
    if given:
        used = {name for cells in every for name in cells["dataset"]}
        if unused := sorted(given.keys() - used):
            raise UsageError(f"--data {unused[0]}: no cell is of it; there are {', '.join(sorted(used)) or 'none'}")
        faults += [line for name, folder in given.items() for line in against_data(name, folder, every)]
    if as_json:
        parts = [{"folder": str(one.folder), "files": len(one.cells), "models": models_of(one)} for one in each]
        document = {"stores": parts, "faults": faults, "notes": [line for one in each for line in one.notes]}
        sys.stdout.write(f"{canonical_json(plain(document))}\n")
    else:
        for one in each:
            show(one)
        for line in faults:
            say(line, style="red")
        say(counted(len(faults), "fault") if faults else "no fault")
    if faults:
        raise typer.Exit(1)


def against_data(name: str, folder: Path, frames: list["pd.DataFrame"]) -> Iterator[str]:
    """Compare cells of a data set with its images and labels in a folder."""
    from ..datasets import open_split
    from ..studies.integrity import data_faults

    for cells in frames:
        for split, same in cells[cells["dataset"] == name].groupby("split", sort=False):
            yield from data_faults(open_split(name, str(split), {name: folder}), folder, same)


def models_of(one: "Verification") -> list[dict[str, Any]]:
    """List what the numbers of each model rest on, as plain values."""
    from ..studies.facts import facts_of

    if not len(one.cells):
        return []
    models = []
    for (model, sha256), cells in one.cells.groupby(["model", "checkpoint_sha256"], sort=False):
        facts = facts_of(cells)
        settings = ("kind", "view", "precision", "engine_version", "seed", "void", "corruption_source")
        used = {name: values_in(cells, name) for name in settings if name in cells}
        first = {name: cells[name].iloc[0] for name in ("licence", "about", "parameters")}
        own = {name: facts[name] for name in ("data", "commands", "builds", "packages", "machines")}
        models.append({"model": model, "weights": sha256, "cells": len(cells), **first, **used, **own})
    return models


def values_in(cells: "pd.DataFrame", name: str) -> list[Any]:
    """List the values of a column, each once, without empty ones."""
    values = list(dict.fromkeys(cells[name].dropna()))
    return [int(value) if isinstance(value, float) else value for value in values if value != ""]


def show(one: "Verification") -> None:
    """Print what the numbers of each model rest on."""
    from ..studies.facts import provenance

    kinds = one.cells["kind"].value_counts().to_dict() if len(one.cells) else {}
    number = ", ".join(f"{counted(count, f'{kind} cell')}" for kind, count in kinds.items())
    say(f"{one.folder}: {number or 'no sound cell'}")
    for note in one.notes:
        say(note, style="yellow")
    for fact in models_of(one):
        say(f"{fact['model']}: weights {fact['weights']}; {counted(fact['cells'], 'cell')}", style="bold")
        for row in fact["data"]:
            images = f"{row['images']} of {counted(row['of'], 'image')}"
            engine = f"engine version {row['engine_version']}"
            say(f"  data: {row['dataset']} {row['split']}, {images}, fingerprint {row['fingerprint']}, {engine}")
        settings = [
            f"{name} {listed([str(v) for v in fact[name]], MOST)}"
            for name in ("view", "precision", "seed", "void")
            if fact.get(name)
        ]
        say(f"  settings: {'; '.join(settings)}")
        say(f"  model: {fact['about']}; {fact['parameters']:,} parameters; licence: {fact['licence']}")
        for what, text in provenance(fact):
            if what != "data":  # above, with the whole fingerprint
                say(f"  {what}: {text}")
