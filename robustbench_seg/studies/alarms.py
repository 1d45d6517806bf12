"""What is too regular to be true: models that different names and weights should tell apart, and no number does."""

from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from ..wording import counted
from .robustness import MODEL

__all__ = ["identical_models", "same_counts"]

DATA = ["dataset", "split", "fingerprint", "images"]
CELL = [*DATA, "view", "precision", "void", "corruption", "severity", "seed", "engine_version", "corruption_source"]


def same_counts(cells: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Find the pairs of models with equal counts, image by image, in all cells that both have, and count those cells.

    cells: of `quality_frame`. Models are told apart by name and weights; two weights under one name are a pair, too.
    """
    if not len(cells):
        return {}
    contents: dict[tuple[str, str], dict[tuple[object, ...], str]] = {}
    for row in cells[[*MODEL, *CELL, "content"]].itertuples(index=False, name=None):
        contents.setdefault((row[0], row[1]), {})[row[2:-1]] = row[-1]
    return {(one, other): number for one, other, number in pairs(contents)}


def pairs(contents: dict[tuple[str, str], dict[tuple[object, ...], str]]) -> Iterator[tuple[str, str, int]]:
    for (one, first), (other, second) in combinations(contents.items(), 2):
        shared = first.keys() & second.keys()
        if shared and all(first[cell] == second[cell] for cell in shared):
            yield one[0], other[0], len(shared)


def identical_models(cells: pd.DataFrame) -> list[str]:
    """State in a line for each such pair what it means. cells: of `quality_frame`."""
    return [
        f"{one} and {other} have equal counts in each image of the {counted(number, 'cell')} that both have: they are "
        "one model under two names, or the weights of one were not read"
        for (one, other), number in same_counts(cells).items()
    ]
