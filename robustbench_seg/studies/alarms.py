"""What is too regular to be true: models that different names and weights should tell apart, and no number does.

In a store, counts of images decide; in a printed table, the scores that it has.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, TypeVar

import pandas as pd

from ..wording import counted
from .robustness import MODEL
from .titles import titles_of

__all__ = ["alarms_of_scores", "identical_models", "same_counts"]

Name = TypeVar("Name")

ROUNDING = 0.00005  # of a printed score: half a hundredth of a percent
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
    return {(one[0], other[0]): number for one, other, number in pairs(contents)}


def pairs(contents: Mapping[Name, Mapping[Any, object]]) -> Iterator[tuple[Name, Name, int]]:
    """Find the pairs of names with equal contents wherever both have some, and count the places."""
    for (one, first), (other, second) in combinations(contents.items(), 2):
        shared = first.keys() & second.keys()
        if shared and all(first[cell] == second[cell] for cell in shared):
            yield one, other, len(shared)


def identical_models(cells: pd.DataFrame) -> list[str]:
    """State in a line for each such pair, by title, what it means. cells: of `quality_frame`."""
    if not len(cells):
        return []
    return [
        f"{one} and {other} have equal counts in each image of the {counted(number, 'cell')} that both have: they are "
        "one model under two names, or the weights of one were not read"
        for (one, other), number in same_counts(cells.assign(model=titles_of(cells))).items()
    ]


def alarms_of_scores(
    scores: pd.DataFrame, classes: Mapping[str, int], least: Mapping[str, float] | None = None
) -> dict[str, list[str]]:
    """State what is wrong with rows of a printed table, by row.

    scores: mIoU (0-1) under corruption, a row per model, its name in the index, and a column per condition. classes: of
    each row's data set. least: the smallest score of each row as the table itself states it.

    A row is broken if no condition has more than 1 / classes, the most that one class for every pixel can have. Two
    rows are copies if they are equal in all conditions. A stated minimum is copied if it is another row's, and wrong if
    it is no row's.
    """
    alarms: dict[str, list[str]] = {name: [] for name in scores.index}
    for name, highest in scores.max(axis=1).items():
        if highest <= 1 / classes[name]:
            alarms[name].append("no better than one class for every pixel under any corruption: a broken run")
    for one, other, number in pairs({name: row.dropna().to_dict() for name, row in scores.iterrows()}):
        for name, copy in ((one, other), (other, one)):
            alarms[name].append(f"the same {number} scores as {copy}")
    lowest = scores.min(axis=1)
    for name, value in (least or {}).items():
        if abs(value - lowest[name]) > ROUNDING:
            others = [other for other in scores.index if other != name and abs(lowest[other] - value) <= ROUNDING]
            source = f"is the minimum of {others[0]}" if others else "is no row's"
            alarms[name].append(
                f"its stated minimum {100 * value:.2f} {source}; its scores have {100 * lowest[name]:.2f}"
            )
    return {name: lines for name, lines in alarms.items() if lines}
