"""Where the zoo's files of weights lie, and what their manifest states of each; they are not part of the repository."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["MANIFEST", "ROWS", "WEIGHTS", "needs_weights", "path_of"]

ZOO = Path(__file__).parents[2] / "shared/zoo"
WEIGHTS, MANIFEST = ZOO / "weights", ZOO / "manifest.csv"
needs_weights = pytest.mark.skipif(not WEIGHTS.is_dir(), reason=f"no weights of other people's networks in {WEIGHTS}")


def rows() -> Iterator[dict[str, str]]:
    if MANIFEST.is_file():
        with MANIFEST.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


ROWS = {row["file"]: row for row in rows()}


def path_of(name: str) -> Path:
    """The path of a file of weights."""
    return WEIGHTS / name
