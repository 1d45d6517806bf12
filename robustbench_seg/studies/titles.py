"""The names of models in a report, and which models deserve no trust; cells are as returned by `quality_frame`."""

import pandas as pd

from ..store.cell import CLEAN

__all__ = ["blank_models", "flagged_models", "numbered", "titles_of"]


def numbered(names: list[str]) -> list[str]:
    """Number the later ones of equal names."""
    return [f"{name} ({seen + 1})" if (seen := names[:k].count(name)) else name for k, name in enumerate(names)]


def titles_of(cells: pd.DataFrame) -> list[str]:
    """Name the model of each row, numbered where the same name has other weights."""
    models = cells[["model", "checkpoint_sha256"]].drop_duplicates()
    names = dict(zip(map(tuple, models.to_numpy()), numbered(list(models["model"])), strict=True))
    return [names[pair] for pair in zip(cells["model"], cells["checkpoint_sha256"], strict=True)]


def flagged_models(cells: pd.DataFrame) -> set[str]:
    """List the models with a cell that deserves no trust, by title."""
    return set(cells.loc[cells["flag"] != "", "title"])


def blank_models(cells: pd.DataFrame) -> set[str]:
    """List the models that deserve no trust on clean images already, by title: they are the best of nothing."""
    return flagged_models(cells[cells["corruption"] == CLEAN])
