"""Figures of scores: the arms, each corruption, each severity."""

from dataclasses import replace

import numpy as np

from ..charts import NOTHING, Axis, Dot, Row, dumbbells, lines, matrix
from ..protocols import categories_of
from ..store.cell import CLEAN
from ..studies.comparisons import Differences
from ..studies.evidence import Entry
from ..wording import MOST_NAMES, counted, percent, spaced
from .content import ANSWER, SEVERITY, Picture
from .differences import LAYERS, dot_of, drawing, main_pair
from .panel import MANY, Panel

__all__ = ["arms_picture", "corruption_pictures", "drawn_arms"]


def arms_picture(panel: Panel) -> Picture:
    """Draw each arm, clean and on average over corruptions; of many arms, the best first, a panel per family."""
    arms = panel.evidence.arm_entries(panel.scores, panel.view)
    names = [CLEAN, "mean"] if panel.conditions else [CLEAN]
    if len(arms) > MOST_NAMES:
        arms = sorted(arms, key=lambda arm: -np.nan_to_num(arm.values[names[-1]][0], nan=-1))
    families = panel.families
    rows: dict[str, dict[str, list[Dot]]] = {}
    for arm in arms:
        dots = [panel.dot(arm, name, text=name, fill=fill) for name, fill in zip(names, ("ring", "full"), strict=False)]
        rows.setdefault(families.get(arm.arm, ""), {})[arm.arm_label] = dots
    notes = {arm.arm_label: note_of(arm, names) for arm in arms} if len(arms) <= MANY else {}  # the table has them
    what = "ring: clean, full: the mean under corruption" if panel.conditions else "clean images"
    layers = LAYERS if not panel.evidence.few else f"without intervals, since {panel.evidence.few}"
    caption = f"mIoU in %; {what}; {layers}; ticks: single runs"
    chart = dumbbells(rows, "mIoU (%)", notes=notes, families=bool(families))
    return panel.picture("arms", "Arms", caption, chart, ANSWER)


def note_of(arm: Entry, names: list[str]) -> str:
    """Write the numbers of an arm and how many runs they are of: "50.7 ▸ 29.5, 2 runs"."""
    numbers = " ▸ ".join(percent(arm.values[name][0]) for name in names)
    return f"{numbers}, {'one run' if len(arm.models) == 1 else counted(len(arm.models), 'run')}"


def drawn_arms(panel: Panel, arms: list[Entry], quantity: object) -> tuple[list[Entry], str]:
    """Choose the arms of a figure with all of them in each place: of many the best in a quantity, and words on that."""
    if len(arms) <= MOST_NAMES:
        return arms, ""
    best = sorted(arms, key=lambda arm: -np.nan_to_num(arm.values[quantity][0], nan=-1))[:MOST_NAMES]
    return [arm for arm in arms if arm in best], f"; the {MOST_NAMES} best of {len(arms)} arms"


def corruption_pictures(panel: Panel, differences: Differences) -> list[Picture]:
    """Draw every corruption with its arms and a difference, and the curves over severities."""
    arms, note = drawn_arms(panel, panel.evidence.arm_entries(panel.scores, panel.view), "mean")
    pictures = [matrix_picture(panel, arms, note, differences)] if len(panel.conditions) > 1 else []
    severities = sorted({severity for some in panel.conditions.values() for severity in some})
    if len(severities) > 1:
        names = {arm.arm for arm in arms}
        cells = [arm for arm in panel.evidence.arm_entries(panel.cell_scores, panel.view) if arm.arm in names]
        ticks = tuple((float(severity), str(severity)) for severity in severities)
        x = Axis(low=severities[0], high=severities[-1], ticks=ticks, label="severity")
        curves = {
            spaced(name): [
                panel.curve(arm, {float(level): (name, level) for level in some}, (CLEAN, 0)) for arm in cells
            ]
            for name, some in ((name, panel.conditions[name]) for name in panel.corruptions)
        }
        bands = "" if panel.evidence.few else ", bands are 95 % intervals"
        caption = f"mIoU in % by severity, dotted on clean images{bands}{note}"
        chart = lines(curves, x, corruptions={spaced(name): name for name in panel.corruptions})
        pictures.append(panel.picture("severity", "mIoU against severity", caption, chart, SEVERITY))
    return pictures


def matrix_picture(panel: Panel, arms: list[Entry], note: str, differences: Differences) -> Picture:
    """Draw a row per corruption, in groups with their means: each arm, and how the main pair differs."""
    pair = main_pair(differences)

    def row(name: str, *, head: bool = False) -> Row:
        own = tuple(replace(panel.dot(arm, name), wide=NOTHING, runs=()) for arm in arms)
        difference = (dot_of(differences[*pair, name]),) if pair else ()
        return Row(label=spaced(name), dots=(own, difference), head=head, corruption="" if head else name)

    rows = []
    for category, names in (categories_of(panel.conditions) or {"": tuple(panel.conditions)}).items():
        rows += [row(category, head=True)] if category and len(names) > 1 else []
        rows += map(row, names)
    second = f"; right: {drawing('points', panel.evidence)}" if pair else ""
    first = "" if panel.evidence.few else " with 95 % intervals over images"
    return panel.picture(
        "corruptions",
        "mIoU by corruption",
        f"mIoU in %{first}{note}{second}{'; bold: means of groups' if any(row.head for row in rows) else ''}",
        matrix(rows, "mIoU (%)", " minus\n".join(pair or ()), margin=panel.evidence.margin / 100),
    )
