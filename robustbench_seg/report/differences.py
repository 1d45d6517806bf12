"""Arms against each other: what differs, by how much, and whether that is significant."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from ..charts import Dot, Fill, forest
from ..protocols import categories_of
from ..store.cell import CLEAN
from ..studies.comparisons import Differences, Pair, adjusted
from ..studies.evidence import Evidence
from ..studies.grades import ArmDifference, Grade
from ..studies.statistics import Interval
from ..wording import MISSING, p_text, points, spaced, span
from .content import DIFFERENCES, Picture
from .panel import Panel
from .table import Cell, Column, Row, Table
from .units import POINTS

__all__ = [
    "LAYERS", "NONE", "by_corruption_table", "difference_picture", "dot_of", "drawing", "forest_picture", "long_table",
    "main_table", "wide_table",
]  # fmt: skip

MAIN = {CLEAN: "clean mIoU", "mean": "mean under corruption", "retention": "retention", "drop": "drop, clean - mean"}
NAMES = "differences", "Differences between arms"  # of their main table and figure: file, title
LAYERS = "95 % intervals, thick over images and thin over images and training runs"
NONE = "there is no interval and no p, and nothing is significant"
RULE = (
    "* significant: the interval over images and training runs excludes zero, in a primary comparison of the suite "
    "after Holm's adjustment for these; (*) in an exploratory one: some of these are chance"
)
ELSEWHERE = "{} of these in other tables are taken to have a larger p, so the p in the grade is Holm's or larger"
ARMS = Column(label="arms", align="left")
P = "p over images, with the weights fixed, and by Holm for the rows of this table"


def rule(evidence: Evidence, differences: Differences) -> str:
    """State in a caption when one of these differences is significant."""
    if evidence.few:
        return f"{NONE}, since {evidence.few}"
    here = sum(each.primary for each in differences.values())
    return f"{RULE}; {ELSEWHERE.format(evidence.tests - here)}" if 0 < here < evidence.tests else RULE


def drawing(what: str, evidence: Evidence) -> str:
    """State in a figure's caption how differences are drawn."""
    drawn = (
        f"with {LAYERS}; full: significant, half full: seen in all runs so far or for these weights, ring: not "
        f"resolved; shaded: up to {evidence.margin:g} point{'s' * (evidence.margin != 1)}"
    )
    return f"{what} {f'without intervals, since {evidence.few}' if evidence.few else drawn}"


def main_table(panel: Panel) -> Table:
    """Make the table of the main differences in one view."""
    main = {key: each for key, each in panel.score_differences.items() if key[2] in MAIN}
    unit = "Points of mIoU, or of retention" if panel.conditions else "Points of mIoU"
    return long_table(panel, main, MAIN, unit, *NAMES, group=DIFFERENCES, main=True)


def by_corruption_table(panel: Panel) -> Table | None:
    """Make the table of each corruption in one view; none without two corruptions."""
    if len(panel.conditions) < 2:
        return None
    same = {name for name, members in categories_of(panel.conditions).items() if len(members) == 1}
    others = {key: each for key, each in panel.score_differences.items() if key[2] not in MAIN}
    title = "Differences between arms by corruption and category"
    return wide_table(panel, others, "differences-by-corruption", title, same)


def difference_cell(each: ArmDifference, p_holm: tuple[float, str], *, brief: bool = False) -> Cell:
    """Show a difference of fractions in points, with its mark. p_holm: of `adjusted`. brief: without the reasons."""
    number, runs, ends = each.interval, each.over_runs, POINTS.interval(each.interval)
    wider = f", over images and runs {span(runs.low, runs.high)}" if not np.isnan(runs.low) else ""
    p = f"{ends} over images{wider}; p {p_text(each.p)}, {p_holm[1]} by Holm for the whole table; " if ends else ""
    more = "" if brief or not each.measured else f"{p}{each.agreement}{f'; {each.words}' if ends else ''}"
    test = {**each.figures, "p_holm": p_holm[0]}
    return Cell(points(number.estimate) + each.mark, number.estimate, number.low, number.high, more, test)


def row_of(panel: Panel, pair: Pair, cells: Sequence[Cell], **where: str) -> Row:
    """Make a row of a pair of arms."""
    name = " minus ".join(pair)
    models = panel.models(name, [title for arm in pair for title in panel.models_by_arm[arm]])
    return Row(cells=(Cell(name), *cells), where=models | where)


def wide_table(panel: Panel, differences: Differences, file: str, title: str, unseen: Collection[str] = ()) -> Table:
    """Make a table with a row per pair of arms, none for one arm, and a column per quantity, or per view.

    unseen: quantities for the CSV alone.
    """
    p_holm = adjusted(differences)
    whats, pairs = dict.fromkeys(key[2] for key in differences), dict.fromkeys(key[:2] for key in differences)
    columns = [
        Column(name=what, label="" if what in unseen else spaced(what))
        if isinstance(what, str)
        else Column(name=CLEAN, label=str(what), where={"view": str(what)})
        for what in whats
    ]
    cells = {key: difference_cell(each, p_holm[key]) for key, each in differences.items()}
    rows = [row_of(panel, pair, [cells[*pair, what] for what in whats]) for pair in pairs]
    caption = f"Points of mIoU; {rule(panel.evidence, differences)}."
    return panel.of_rows([ARMS, *columns], rows, file, title, caption=caption)


def long_table(
    panel: Panel,
    differences: Differences,
    names: Mapping[Any, str],
    unit: str,
    file: str,
    title: str,
    head: str = "in",
    **fields: Any,
) -> Table:
    """Make a table with a row per difference, none for one arm, and its statistics in columns.

    names: of the quantities, in a column with the given head. A quantity of another metric than mIoU is a pair: metric,
    quantity. unit: the caption's beginning. file, title, fields: as in `Panel.of_rows`.
    """
    p_holm = adjusted(differences)
    rows = []
    for key, each in differences.items():
        metric, quantity = ("miou", key[2]) if isinstance(key[2], str) else key[2]
        number, runs = each.interval, each.over_runs
        alone = "one run" if min(each.runs) == 1 and not each.obstacle else MISSING
        cells = (
            Cell(names[key[2]]),
            difference_cell(each, p_holm[key], brief=True),
            Cell(MISSING) if np.isnan(number.low) else Cell(span(number.low, number.high), number.low),
            Cell(alone) if np.isnan(runs.low) else Cell(span(runs.low, runs.high), runs.low),
            *(Cell(text, p) for p, text in ((each.p, p_text(each.p)), p_holm[key])),
            *(Cell(points(value), value) for value in each.by_group.values()),
            Cell(each.agreement),
            Cell(each.words),
        )
        rows.append(row_of(panel, key[:2], cells, metric=metric, quantity=quantity))
    columns = (
        *(ARMS, Column(label=head, align="left")),
        Column(name="difference", label="points"),
        *(Column(label=label) for label in ("95 % images", "95 % images + runs", "p", "p (Holm)")),
        *(Column(name="difference", label=group, where={"group": group}) for group in panel.evidence.groups),
        *(Column(label=label, align="left") for label in ("runs", "grade")),
    )
    caption = f"{unit}; {rule(panel.evidence, differences)}{'' if panel.evidence.few else f'; {P}'}."
    return panel.of_rows(columns, rows, file, title, caption=caption, **fields)


def difference_picture(panel: Panel) -> Picture:
    """Draw the main differences of one view: the drop, which the others state too, only where a suite names it."""
    differences = panel.score_differences
    drop = any(each.primary for key, each in differences.items() if key[2] == "drop")
    names = {what: name for what, name in MAIN.items() if drop or what != "drop"}
    return forest_picture(panel, differences, names, "points", *NAMES, group=DIFFERENCES)


def forest_picture(
    panel: Panel,
    differences: Differences,
    names: Mapping[Any, str],
    unit: str,
    file: str,
    title: str,
    published: Mapping[Pair, float] = MappingProxyType({}),
    group: str = "",
) -> Picture:
    """Draw a panel per quantity, none for one arm, with a row per pair of arms.

    names: of the quantities to draw. published: a paper's numbers in the first of them.
    """
    rows: dict[str, dict[str, list[Dot]]] = {}
    for (first, second, what), each in differences.items():
        if what in names:
            rows.setdefault(names[what], {})[f"{first} minus\n{second}"] = [dot_of(each)]
    for (first, second), figure in published.items():
        paper = Dot(number=Interval(figure), published=True, fill="ring", text="paper")
        next(iter(rows.values()))[f"{first} minus\n{second}"].append(paper)
    caption = drawing(unit[0].upper() + unit[1:], panel.evidence) + ("; diamonds: the paper's" if published else "")
    return panel.picture(file, title, caption, forest(rows, unit, margin=panel.evidence.margin / 100), group)


def dot_of(each: ArmDifference) -> Dot:
    """Make the dot of a difference: full where significant, half where the runs so far agree, else a ring."""
    fills: Mapping[Grade, Fill] = {Grade.SIGNIFICANT: "full", Grade.RUNS: "half", Grade.WEIGHTS: "half"}
    return Dot(number=each.interval, wide=each.over_runs, fill=fills.get(each.grade, "ring"), text=each.words)
