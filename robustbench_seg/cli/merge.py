"""`merge`: one folder of results from several, of processes that could not share one."""

from pathlib import Path
from typing import Annotated

import typer

from ..wording import counted
from .terminal import say

__all__ = ["merge"]


def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders that `run` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder of all their results; what it holds already stays.")],
) -> None:
    """Copy the results of folders into one; contradictions are refused. `report` of it leads with its last run."""
    from ..studies.merge import merge as merge_stores

    nouns = {"plans": "plan", "cells": "quality cell", "latency": "speed cell", "failed": "failure"}
    merged = merge_stores(folders, out)
    merged["pictures"] = merged.pop("gallery")
    for name, number in merged.items():
        if number.copied or number.there:
            there = f", {number.there} here already" if number.there else ""
            say(f"{counted(number.copied, nouns.get(name, 'picture'))} copied{there}")
    say(f"results: {out}")
