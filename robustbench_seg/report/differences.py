"""Arms against each other under corruption: what differs, by how much, and whether that is found."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..store.cell import CLEAN
from ..studies.arms import ArmDifference
from ..studies.robustness import Conditions
from ..studies.statistics import Interval, holm
from . import charts
from .content import Picture, Table
from .evidence import Evidence, scores_of
from .provenance import file_name, group_of
from .tables import MISSING, Cell, difference, make_table, p_text, points, span

__all__ = [
    "HOLM",
    "Differences",
    "compare_arms",
    "difference_pictures",
    "difference_tables",
    "differences_by_view",
    "drawn",
    "long_table",
    "rule",
]

Differences = dict[tuple[str, str, str], ArmDifference]  # by first arm, second arm, quantity
PRIMARY = {CLEAN: "clean mIoU", "mean": "mean under corruption", "retention": "retention"}
NONE = "there is no interval and no p, and nothing is found"
FOUND = (
    "a difference (*) is found where its 95 % interval, over images with the weights fixed, excludes zero and all "
    "pairs of seeds agree in sign"
)
HOLM = "p by Holm for the rows of this table: a row is found without it, and may be chance where it is above 0.05"
UNADJUSTED = "the number of comparisons does not enter that, p by Holm for the whole table is in the CSV"


def rule(evidence: Evidence, adjustment: str) -> str:
    """Say in a caption when a difference is found. adjustment: HOLM or UNADJUSTED."""
    return f"{NONE}, since {evidence.few}" if evidence.few else f"{FOUND}; {adjustment}"


def compare_arms(evidence: Evidence, view: str, conditions: Conditions) -> Differences:
    """Compare arms in all that a table says of them. Empty for one arm, or where nothing can be resampled."""
    if not evidence.resamples:
        return {}
    scores = {title: scores_of(evidence.miou(title, view), conditions) for title in evidence.titles}
    found = {}
    for first, second in evidence.pairs():
        for name in scores[evidence.titles[0]]:
            values = {title: draws[name] for title, draws in scores.items()}
            found[first, second, name] = evidence.difference(values, first, second, (view,))
    return found


def difference_tables(
    evidence: Evidence, found: Differences, conditions: Conditions, about: str, name: str
) -> list[Table]:
    """Make the table of the primary differences, and that of each corruption."""
    primary = {key: each for key, each in found.items() if key[2] in PRIMARY}
    unit = "Points of mIoU, or of retention" if conditions else "Points of mIoU"
    tables = [
        long_table(
            {(f"{a} minus {b}", PRIMARY[what]): each for (a, b, what), each in primary.items()},
            ("arms", "in"),
            file=file_name("differences", name),
            title=f"Differences between arms, view {name}",
            caption=f"{unit}; {rule(evidence, HOLM)}; {about}.",
            group=group_of(conditions),
            main=True,
        )
    ]
    detailed = {key: each for key, each in found.items() if key[2] not in PRIMARY}
    if len(conditions) > 1:
        tables.append(
            wide_table(
                detailed,
                file=file_name("differences-by-corruption", name),
                title=f"Differences between arms by corruption and category, view {name}",
                caption=f"Points of mIoU; {rule(evidence, UNADJUSTED)}; {about}.",
                group=group_of(conditions),
            )
        )
    return tables


def differences_by_view(evidence: Evidence, views: Sequence[str], about: str) -> list[Table]:
    """Make the table of clean mIoU's differences between arms, a column per view; none without two arms."""
    values = {view: {title: evidence.miou(title, view)(CLEAN, 0) for title in evidence.titles} for view in views}
    pairs = evidence.pairs() if evidence.resamples else []
    if not pairs:
        return []
    return [
        wide_table(
            {(a, b, view): evidence.difference(values[view], a, b, (view,)) for a, b in pairs for view in views},
            file="differences-views",
            title="Differences between arms in clean mIoU by view",
            caption=f"Points of mIoU; {rule(evidence, UNADJUSTED)}; {about}.",
            group="Resolution",
        )
    ]


def wide_table(found: Differences, **fields: Any) -> Table:
    """Make a table with a row per pair of arms and a column per quantity."""
    adjusted = dict(zip(found, holm(np.array([each.p for each in found.values()])), strict=True))
    columns = list(dict.fromkeys(what for _, _, what in found))
    rows = [
        {
            "arms": Cell(f"{a} minus {b}"),
            **{w.replace("_", " "): difference(found[a, b, w], adjusted[a, b, w]) for w in columns},
        }
        for a, b in dict.fromkeys((a, b) for a, b, _ in found)
    ]
    full = digits({(f"{a} minus {b}", w): each for (a, b, w), each in found.items()}, ("arms", "in"))
    return make_table(rows, full=full, **fields)


def long_table(found: Mapping[Any, ArmDifference], names: Sequence[str], **fields: Any) -> Table:
    """Make a table with a row per difference and its statistics. found: by tuples of texts. names: of their parts."""
    full = digits(found, names)
    rows = []
    for (key, each), p_holm in zip(found.items(), full["p_holm"], strict=True):
        number = each.interval
        rows.append(
            {name: Cell(text) for name, text in zip(names, key, strict=True)}
            | {
                "points": Cell(points(number.estimate) + ("*" if each.found else ""), "", number.estimate),
                "95 % interval": Cell(span(number.low, number.high), "", number.low),
                "p": Cell(p_text(each.p), "", each.p),
                "p (Holm)": Cell(p_text(p_holm), "", p_holm),
                "seeds": Cell(each.agreement),
                "found": Cell(MISSING if not each.known else "yes" if each.found else "no"),
            }
        )
    return make_table(rows, full=full, **fields)


def digits(found: Mapping[Any, ArmDifference], names: Sequence[str]) -> pd.DataFrame:
    """Write differences (fractions) with all digits."""
    table = pd.DataFrame(
        [
            dict(zip(names, key, strict=True))
            | vars(each.interval)
            | {"p": each.p, "seed_pairs": len(each.pairs), "same_sign": each.same_sign if each.measured else None}
            | {"found": None if np.isnan(each.p) else each.found}
            for key, each in found.items()
        ]
    )
    return table.assign(p_holm=holm(table["p"].to_numpy(np.float64)))


def difference_pictures(
    evidence: Evidence, found: Differences, conditions: Conditions, about: str, name: str
) -> list[Picture]:
    """Draw the primary figure, and the differences of each corruption."""
    pairs = list(dict.fromkeys((a, b) for a, b, _ in found))
    primary: dict[str, dict[str, Interval]] = {
        text: {f"{a} minus\n{b}": found[a, b, what].interval for a, b in pairs}
        for what, text in PRIMARY.items()
        if (*pairs[0], what) in found
    }
    pictures = [
        Picture(
            file=file_name("differences", name),
            title=f"Differences between arms, view {name}",
            caption=f"{drawn('Points', evidence)}; {about}.",
            figure=charts.forest(primary, "points"),
            description="; ".join(
                f"{label.replace(chr(10), ' ')}, {text}: {points(number.estimate)} points"
                for text, rows in primary.items()
                for label, number in rows.items()
            ),
            group=group_of(conditions),
        )
    ]
    if len(conditions) > 1:
        by_pair = {
            f"{a} minus\n{b}": {what.replace("_", " "): found[a, b, what].interval for what in conditions}
            for a, b in pairs
        }
        pictures.append(
            Picture(
                file=file_name("differences-by-corruption", name),
                title=f"Differences between arms by corruption, view {name}",
                caption=f"{drawn('Points of mIoU', evidence)}; {about}.",
                figure=charts.forest(by_pair, "points of mIoU"),
                description="The differences of the table by corruption, with their intervals.",
                group=group_of(conditions),
            )
        )
    return pictures


def drawn(what: str, evidence: Evidence) -> str:
    """Say in a figure's caption how numbers are drawn: with intervals, and filled where these exclude zero."""
    if evidence.few:
        return f"{what} without intervals, since {evidence.few}"
    return f"{what} with 95 % intervals; filled where the interval excludes zero"
