"""The names of models and views in a report, and which models deserve no trust; cells are of `quality_frame`."""

from collections.abc import Collection, Sequence

import pandas as pd

from ..store.cell import CLEAN
from .robustness import MODEL

__all__ = ["blank_models", "flagged_models", "newest_first", "numbered", "titles_of", "told_apart"]

# In what cells of equal views may differ, and how a name states it.
FACTS = (
    "{precision}", "{images} of {of} images", "seed {seed}", "engine version {engine_version}", "{dataset} {split}",
    "fingerprint {fingerprint:.12}",
)  # fmt: skip


def numbered(names: list[str]) -> list[str]:
    """Number the later ones of equal names."""
    return [f"{name} ({seen + 1})" if (seen := names[:k].count(name)) else name for k, name in enumerate(names)]


def told_apart(names: Sequence[str], cells: Sequence[pd.Series]) -> list[str]:
    """Add to equal names, in brackets, the first of FACTS that tell them apart; number what none tells apart.

    cells: one of each name.
    """
    notes: list[tuple[str, ...]] = [()] * len(names)
    for fact in FACTS:
        texts = [fact.format(**cell) for cell in cells]
        keys = list(zip(names, notes, strict=True))
        differ = [len({text for other, text in zip(keys, texts, strict=True) if other == key}) > 1 for key in keys]
        notes = [(*note, text) if own else note for note, text, own in zip(notes, texts, differ, strict=True)]
    both = zip(names, notes, strict=True)
    return numbered([f"{name} ({', '.join(note)})" if note else name for name, note in both])


def titles_of(cells: pd.DataFrame) -> list[str]:
    """Name the model of each row, numbered where the same name has other weights."""
    models = cells[MODEL].drop_duplicates()
    names = dict(zip(map(tuple, models.to_numpy()), numbered(list(models["model"])), strict=True))
    return [names[pair] for pair in cells[MODEL].itertuples(index=False, name=None)]


def newest_first(cells: pd.DataFrame, last: Collection[str]) -> pd.DataFrame:
    """Put the last run's weights of each name before its earlier ones, which `titles_of` numbers then.

    last: the keys of the last run's cells. Names keep their order, and so do the cells of a model.
    """
    if not len(cells) or not last:
        return cells
    names, now = pd.factorize(cells["model"])[0], set(map(tuple, cells.loc[cells["key"].isin(last), MODEL].to_numpy()))
    earlier = [pair not in now for pair in map(tuple, cells[MODEL].to_numpy())]
    order = pd.DataFrame({"name": names, "earlier": earlier}).sort_values(["name", "earlier"], kind="stable")
    return cells.iloc[order.index]


def flagged_models(cells: pd.DataFrame) -> set[str]:
    """List the models with a cell that deserves no trust, by title."""
    return set(cells.loc[cells["flag"] != "", "title"])


def blank_models(cells: pd.DataFrame) -> set[str]:
    """List the models that deserve no trust on clean images already, by title: they are the best of nothing."""
    return flagged_models(cells[cells["corruption"] == CLEAN])
