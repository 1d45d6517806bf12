"""Several draws of the corruptions: the same cells with other seeds, and how much scores vary from draw to draw.

Clean images have no draw, nor have corruptions such as contrast: a suite measures them once, with its first seed, and
they count in each draw.
"""

import numpy as np
import pandas as pd

from ..corruptions import is_drawn
from ..protocols import categories_of
from ..store.cell import CLEAN
from .robustness import BASIS, MODEL, Conditions, by_corruption, flags_of, lowest

__all__ = ["draws_of", "first_draws", "over_draws", "with_shared_cells"]

CONDITION = ["corruption", "severity"]
DRAWN = [*(name for name in BASIS if name != "seed"), *MODEL]  # what the draws of one row have in common


def with_shared_cells(cells: pd.DataFrame) -> pd.DataFrame:
    """Give each draw of a model in a setting those cells of other draws that draw nothing, where it has none.

    cells: of `quality_frame`.
    """
    if not len(cells) or cells["seed"].nunique() == 1:
        return cells
    parts = [cells]
    for _, part in cells.groupby(DRAWN, sort=False, dropna=False):
        shared = part[~part["corruption"].map(is_drawn)].drop_duplicates(CONDITION).set_index(CONDITION, drop=False)
        for seed, own in part.groupby("seed", sort=False):
            lacking = shared.index.difference(own.set_index(CONDITION).index, sort=False)
            parts.append(shared.loc[lacking].assign(seed=seed))
    return pd.concat(parts, ignore_index=True)


def first_draws(cells: pd.DataFrame) -> pd.DataFrame:
    """Keep of each model in a setting the cells of its first draw, the one that comes first here."""
    if not len(cells) or cells["seed"].nunique() == 1:
        return cells
    return cells[cells["seed"] == cells.groupby(DRAWN, sort=False, dropna=False)["seed"].transform("first")]


def over_draws(cells: pd.DataFrame, conditions: Conditions) -> pd.DataFrame:
    """Make the table of `by_corruption` with the mean over draws of each score, and its spread.

    In place of `seed`, the column `seeds` lists them; `draws` is their number, `missing` counts over all. Each score
    but the clean one has a column <score>_spread, the sample standard deviation over draws (0-1), NaN for one draw. A
    score that some draw lacks is NaN, and so is its spread. The worst corruption is the lowest mean.
    """
    drawn = [*conditions, "mean", "retention", *categories_of(conditions)]
    rows = []
    for _, part in cells.groupby(DRAWN, sort=False, dropna=False) if len(cells) else ():
        table = by_corruption(with_shared_cells(part), conditions)
        values = table[[CLEAN, *drawn]].astype(np.float64)
        means = values.mean(skipna=False)
        own = {name: float(means[name]) for name in conditions}
        worst = lowest(own)
        changed = {
            **means,
            "worst_corruption": worst,
            "worst": own.get(worst, np.nan),
            "fewest_classes": table["fewest_classes"].min(),
            "most_classes": table["most_classes"].max(),
            "missing": table["missing"].sum(),
            "flags": flags_of(part),
            "seeds": tuple(sorted(table["seed"])),
            "draws": len(table),
        }
        spreads = {f"{name}_spread": spread for name, spread in values[drawn].std(ddof=1, skipna=False).items()}
        rows.append({**table.iloc[0].drop("seed"), **changed, **spreads})
    return pd.DataFrame(rows)


def draws_of(drawn: pd.DataFrame, leading: pd.DataFrame, cells: pd.DataFrame, conditions: Conditions) -> pd.DataFrame:
    """Make the table of `over_draws` of the models in a setting, whatever the view, with their `title`.

    drawn: all cells. leading: of the draws that have settings; of several, a model is in the table of its first one
    there. cells: of the setting, with `title`; a model without any cell of its draw is in another one.
    """
    own, first = [name for name in BASIS if name not in ("seed", "view")], cells.iloc[0]
    same, choices = (some[(some[own] == first[own]).all(axis=1)] for some in (drawn, leading))
    here = choices.drop_duplicates(MODEL).query("seed == @first.seed")[MODEL]
    # A cell may be there twice, with other metrics than IoU.
    same = same.drop_duplicates([*BASIS, *MODEL, *CONDITION, "corruption_source"])
    titles = cells[[*MODEL, "title"]].drop_duplicates()
    return over_draws(same, conditions).merge(titles.merge(here, on=MODEL), on=MODEL)
