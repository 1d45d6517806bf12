"""What counts of weights, or of own code, that were measured one after another under one name: the last run's."""

from collections.abc import Sequence

import pandas as pd

from ..errors import StoreError
from ..store.folder import Store
from ..wording import BRIEF, MOST_NAMES, listed
from .robustness import BASIS

__all__ = ["CELL", "newest"]

CELL = ["model", *BASIS, "corruption", "severity"]
SUBJECT = ["model", "dataset", "split"]  # one set of weights counts for each


def newest(cells: pd.DataFrame, side: str) -> tuple[pd.DataFrame, list[str]]:
    """Choose one of each cell of one folder, and state in lines which others do not count.

    A model with several weights on a split, or whose cells come twice, is the one of the last run that planned any of
    them. Other weights do not count, not even in cells that the last run does not have, such as of another view: two
    weights share no mean, and no comparison. cells: of `quality_frame`. side: the folder's name in the lines.
    Raises StoreError where no run states which is the last.
    """
    cells, lines = cells.reset_index(drop=True), []
    several = cells.groupby(SUBJECT)["checkpoint_sha256"].transform("nunique") > 1
    subjects = cells.loc[several | cells.duplicated(CELL), SUBJECT]
    for subject in dict.fromkeys(subjects.itertuples(index=False, name=None)):
        own = cells[(cells[SUBJECT] == pd.Series(subject, index=SUBJECT)).all(axis=1)]
        now = own[own["key"].isin(keys_of_last_run(own))]
        weights = list(dict.fromkeys(now["checkpoint_sha256"]))
        same = own[own["checkpoint_sha256"].isin(weights)]
        rest = same[same["key"].isin(now["key"]) | ~same.duplicated(CELL, keep=False)]
        past = own.drop(rest.index)
        cells = cells.drop(past.index)
        repeated = rest[rest.duplicated(CELL)]
        if len(weights) != 1 or len(repeated):
            slug = (repeated if len(repeated) else own)["slug"].iloc[0]
            raise StoreError(
                f"{side}: {slug} has several weights or sources, and no run there states which is the last; measure "
                "the one to compare again, or remove the others' files"
            )
        lines.append(f"{side}: {subject[0]}: {which(past['checkpoint_sha256'], weights)}")
    return cells, list(dict.fromkeys(lines))


def which(past: Sequence[str], weights: Sequence[str]) -> str:
    """State which weights count, and which do not."""
    others = [own[:BRIEF] for own in dict.fromkeys(past) if own not in weights]
    if not others:
        return "cells of code that was edited since do not count"
    names = listed(others, MOST_NAMES)
    return f"the last run's weights are compared, {weights[0][:BRIEF]}, and not {names}; report shows them all"


def keys_of_last_run(cells: pd.DataFrame) -> set[str]:
    """Return the keys that the last run planned with any of these cells; none where no time of a run is stated."""
    for plan in reversed(Store(cells["path"].iloc[0].parents[1]).plans()):
        keys = {cell.key for cell in plan.cells}
        if plan.written and not keys.isdisjoint(cells["key"]):
            return keys
    return set()
