"""In sentences, the cells that two stores can't be compared in: of one store alone, or planned and in neither."""

from collections.abc import Collection, Iterable, Mapping

import pandas as pd

from ..store.plan import Plan
from ..wording import BRIEF

__all__ = ["CONDITION", "SIDES", "missing", "one_sided", "same_setting"]

CONDITION = ["corruption", "severity"]
HASHES = "fingerprint", "corruption_source", "checkpoint_sha256"
# In what the cells of a model and condition may differ, in words.
FIELDS = {
    **{name: name for name in ("dataset", "split", "view", "precision", "seed", "fingerprint", "images", "synthetic")},
    "of": "a split of", "engine_version": "engine version", "void": "void", "corruption_source": "source",
}  # fmt: skip
SIDES = (("left_only", "base"), ("right_only", "new"))  # pandas' names for rows in only one of two frames


def one_sided(row: pd.Series, name: str, other: pd.DataFrame) -> str:
    """State that a cell is in only one of the stores, and in what the most similar cell of the other differs.

    name: base or new. other: all cells of the other store; similar ones have the same model and condition.
    """
    source = f", source {brief('corruption_source', row)}" if row["corruption_source"] else ""
    there, similar = "NEW" if name == "base" else "BASE", same_setting(other, row[["model", *CONDITION]].to_dict())
    differing = [[field for field in FIELDS if cell[field] != row[field]] for _, cell in similar.iterrows()]
    reason = ""
    if differing:
        place = min(range(len(differing)), key=lambda k: len(differing[k]))
        cell = similar.iloc[place]
        texts = [f"{FIELDS[field]} {brief(field, cell)}, not {brief(field, row)}" for field in differing[place]]
        past = f"weights {brief('checkpoint_sha256', cell)} alone, which are not compared"
        reason = f"; {there} has it with {'; '.join(texts) or past}"
    return (
        f"{row[f'slug_{name}']} is only in {name.upper()} "
        f"({row['images']} images, engine version {row['engine_version']}{source}){reason}"
    )


def brief(field: str, cell: pd.Series) -> str:
    """Write a field of a cell; of a hash, its beginning."""
    return (str(cell[field])[:BRIEF] or "none") if field in HASHES else str(cell[field])


def missing(both: pd.DataFrame, plans: Iterable[Plan], keys: Collection[str]) -> list[str]:
    """Report each cell that was planned and is in neither store. both: the cells that count. keys: of all cells."""
    one_sided_cells = {
        (row[f"slug_{name}"], row["images"], row["precision"])
        for side, name in SIDES
        for _, row in both[both["side"] == side].iterrows()
    }
    planned = [
        (cell.slug, plan.images, plan.precision)
        for plan in plans
        for cell in plan.cells
        if cell.kind == "quality" and cell.key not in keys
    ]
    return [
        f"{slug} was planned and is missing ({images} images, {precision})"
        for slug, images, precision in dict.fromkeys(planned)
        if (slug, images, precision) not in one_sided_cells
    ]


def same_setting(frame: pd.DataFrame, fields: Mapping[str, object]) -> pd.DataFrame:
    """The cells with these values in these columns."""
    return frame[(frame[list(fields)] == pd.Series(fields)).all(axis=1)]
