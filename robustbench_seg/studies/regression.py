"""Compare two stores: the same cells, measured with other weights or another version of the program.

Two cells are the same if everything except the weights and the environment agrees: data, images, corruption (with its
source, if it is a user's own), severity, view, precision, seed and engine version. So both models saw the same pixels,
and the difference is paired.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import StoreError
from ..store.cell import CLEAN
from ..store.plan import Plan
from .bootstrap import resample
from .counts import read_counts
from .draws import with_shared_cells
from .machines import differing_machines
from .newest import CELL, newest
from .robustness import BASIS, flags_of
from .statistics import Draws, differing_blocks, holm, interval, p_value, too_few
from .uncompared import CONDITION, SIDES, missing, one_sided, same_setting

__all__ = ["Changes", "compare_stores"]


@dataclass(frozen=True, eq=False)
class Changes:
    """The differences between two stores.

    table: a row per model, setting and quantity. Columns: base, new, estimate (new - base), low, high (all 0-1), p,
    p_holm over the table, and blocks, the number of blocks; low, high and p are NaN for too few blocks. Quantities are
    clean, mean (over the corruptions with all planned severities in both stores), and each condition. lacking: cells of
    BASE, or of a plan, that could not be compared. added: cells that only NEW has. remarks: other facts about the
    numbers. These three are sentences.
    """

    table: pd.DataFrame
    lacking: list[str]
    added: list[str]
    remarks: list[str]

    @property
    def gated(self) -> pd.DataFrame:
        """The rows that a gate checks: clean and mean."""
        return self.table[self.table["quantity"].isin([CLEAN, "mean"])]

    def dropped(self, points: float) -> pd.DataFrame:
        """Return the gated rows with an interval below -points."""
        return self.gated[self.gated["high"] < -points / 100]

    @property
    def unjudged(self) -> pd.DataFrame:
        """The gated rows that can't be judged, with the `reason`."""
        rows = self.gated.assign(reason=[why_unjudged(row) for _, row in self.gated.iterrows()])
        return rows[rows["reason"] != ""]


def why_unjudged(change: pd.Series) -> str:
    """State why a row can't be judged; "" if it can."""
    sides = [side.upper() for side in ("base", "new") if not 0 <= change[side] <= 1]
    if sides:
        return f"{' and '.join(sides)} {'has' if len(sides) == 1 else 'have'} no mIoU between 0 and 1"
    if change[["low", "high", "p"]].isna().any():
        return too_few(change["blocks"]) or "some resamples have no such number"
    return ""


def compare_stores(base: pd.DataFrame, new: pd.DataFrame, plans: Sequence[Plan]) -> Changes:
    """Compare two frames from `quality_frame`. If each has a single model, the names of the two may differ.

    plans: from `read_plans`, of both stores; they state the severities of a complete corruption, and the planned cells.
    Of several weights of one name in a store, the last run's are compared, and a remark states it; see `newest`.
    Raises StoreError if no cell is in both frames, or as `newest` does.
    """
    finished = {*base["key"], *new["key"]}
    every = with_one_name(base, new)
    (base, base_lines), (new, new_lines) = newest(base, "BASE"), newest(new, "NEW")
    base, new = (with_shared_cells(frame) for frame in with_one_name(base, new))
    pairing = {"on": [*CELL, "corruption_source"], "suffixes": ("_base", "_new"), "indicator": "side"}
    both = base.merge(new, how="outer", sort=False, **pairing)
    matched = both[both["side"] == "both"]
    lacking, added = (
        [one_sided(row, name, other) for _, row in both[both["side"] == side].iterrows()]
        for (side, name), other in zip(SIDES, reversed(every), strict=True)
    )
    if not len(matched):
        raise StoreError("no cell of BASE is in NEW: " + "; ".join([*lacking[:1], *added[:1]]))
    rows = []
    for fields, part in matched.groupby(["model", *BASIS], sort=False):
        setting = dict(zip(["model", *BASIS], fields, strict=True))
        own = same_setting(both, setting)
        measured = {*zip(own["corruption"], own["severity"], strict=True)}
        if (CLEAN, 0) not in measured:
            lacking.append(f"{CLEAN} of {setting['model']}, view {setting['view']}, is in neither")
        planned = planned_with({*part["key_base"], *part["key_new"]}, plans)
        rows += changes_of(setting, part, base, new, {*measured, *planned})
    table = pd.DataFrame(rows)
    compared = [frame[frame["key"].isin(matched[f"key_{name}"])] for name, frame in (("base", base), ("new", new))]
    return Changes(
        table.assign(p_holm=holm(table["p"].to_numpy(np.float64))),
        [*lacking, *missing(both, plans, finished)],
        added,
        [*base_lines, *new_lines, *remarks_on(*compared)],
    )


def remarks_on(base: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    """Report on the compared cells: differences of machines, and cells that deserve no trust."""
    machines = differing_machines([*base["environment"], *new["environment"]])
    several = pd.concat([base["view"], new["view"]]).nunique() > 1
    flags = [
        f"{name}: {model}{f', view {view}' if several else ''}: {text}; such numbers deserve no trust"
        for name, frame in (("BASE", base), ("NEW", new))
        for (model, view), part in frame.groupby(["model", "view"], sort=False)
        if (text := flags_of(part))
    ]
    return ([machines] if machines else []) + flags


def with_one_name(base: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the model of NEW the name of the model of BASE, if each has a single model."""
    names = base["model"].unique(), new["model"].unique()
    return (base, new.assign(model=names[0][0])) if len(names[0]) == len(names[1]) == 1 else (base, new)


def planned_with(keys: set[str], plans: Iterable[Plan]) -> list[tuple[str, int]]:
    """List the conditions of the plans with any of these cells."""
    own = [plan for plan in plans if not keys.isdisjoint(cell.key for cell in plan.cells)]
    return [(name, severity) for plan in own for name, severities in plan.conditions for severity in severities]


def changes_of(
    fields: dict[str, object],
    matched: pd.DataFrame,
    base: pd.DataFrame,
    new: pd.DataFrame,
    required: Iterable[tuple[str, int]],
) -> list[dict[str, object]]:
    """Compare the matched cells of one model and setting. required: conditions in either store or in a plan."""
    frames = [
        frame[frame["key"].isin(matched[f"key_{name}"]) & (frame["seed"] == fields["seed"])].sort_values(CONDITION)
        for name, frame in (("base", base), ("new", new))
    ]
    scores = resample(read_counts(pd.concat(frames)))
    cells = len(frames[0])
    values = np.concatenate([scores.draws, scores.alone])  # the last values of a statistic are of single blocks
    draws = {
        (corruption, severity): (values[:, k], values[:, cells + k])
        for k, (corruption, severity) in enumerate(zip(frames[0]["corruption"], frames[0]["severity"], strict=True))
    }
    quantities: dict[str, tuple[Draws, Draws]] = {}
    if (CLEAN, 0) in draws:
        quantities[CLEAN] = draws[CLEAN, 0]
    # A corruption that lacks a severity in a store has no score: over other severities it would be another mean.
    lacking = {name for name, severity in required if (name, severity) not in draws}
    complete = list(dict.fromkeys(name for name, _ in draws if name != CLEAN and name not in lacking))
    if complete:
        by_corruption = [
            [np.mean([pair[side] for (name, _), pair in draws.items() if name == one], axis=0) for one in complete]
            for side in (0, 1)
        ]
        quantities["mean"] = (np.mean(by_corruption[0], axis=0), np.mean(by_corruption[1], axis=0))
    quantities |= {f"{name}-{severity}": pair for (name, severity), pair in draws.items() if name != CLEAN}
    rows = []
    for quantity, (one, other) in quantities.items():
        difference, alone = np.split(other - one, [len(scores.draws)])
        rows.append(
            {
                **fields,
                "quantity": quantity,
                "corruptions": len(complete) if quantity == "mean" else None,
                "base": one[0],
                "new": other[0],
                **vars(interval(difference, scores.blocks)),
                "p": p_value(difference, scores.blocks, differing_blocks(alone)),
                "blocks": scores.blocks,
            }
        )
    return rows
