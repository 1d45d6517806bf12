"""Conditions of the data: scores on the images that were taken in fog, by night and the like, a column for each."""

from math import inf

from ...charts import Dot, dots
from ...store.cell import CLEAN
from ...studies.conditions import RETENTION, condition_scores
from ...studies.results import state_conditions
from ...studies.statistics import SHARE, Draws
from ...wording import MOST_NAMES, counted, spaced
from ..content import Content
from ..panel import Panel
from ..table import Column
from ..units import COUNT

__all__ = ["make"]

FILE, TITLE = "conditions", "mIoU under the data's own conditions"


def make(panel: Panel) -> Content:
    """Make the table and the figure of one view, and state the worst condition of each arm; see `state_conditions`.

    Nothing where all images are of one condition. An interval is of the blocks of its condition.
    """
    clean = panel.cells[panel.cells["corruption"] == CLEAN]
    scores = condition_scores(clean) if len(clean) else None
    if scores is None or set(clean["title"]) != set(panel.evidence.titles):
        return Content()
    labels = {name: spaced(name.replace("/", " ")) or "others" for name in scores.conditions}
    columns = [
        Column(name="miou", label=label, best="high", where={"condition": name}, key=name, bounds=SHARE)
        for name, label in labels.items()
    ]
    ratio = Column(name=RETENTION, label=RETENTION, where={"condition": "mean"}, bounds=(0, inf))
    numbers = {("classes", name): len(own) for name, own in scores.classes.items()}
    columns += [Column(name="classes", key=key, where={"condition": key[1]}, unit=COUNT) for key in numbers]
    unlike = scores.differ(scores.conditions)
    over = f" Retention: the mean of the others over {labels[scores.reference]}." if scores.reference else ""
    if unlike:
        over = f" Classes with a label differ between the conditions ({unlike}), so their scores do not compare."
    sizes = ", ".join(
        f"{label} {counted(scores.images[name], 'image')} in {counted(scores.blocks[name], 'block')}, "
        f"{len(scores.classes[name])} classes"
        for name, label in labels.items()
    )

    def quantities(title: str) -> dict[str, Draws]:
        return scores.values(title=title)

    arms = panel.arms(quantities)
    rows = {
        label: [Dot(number=scores.interval(name, arm.values[name]), **panel.look(arm.arm)) for arm in arms[:MOST_NAMES]]
        for name, label in labels.items()
    }
    few = f"; the first {MOST_NAMES} of {len(arms)} arms" if len(arms) > MOST_NAMES else ""
    drawn = f"mIoU in %, bars are 95 % intervals where there are enough blocks{few}"
    return Content.of(
        panel.table(
            quantities,
            [*columns, ratio] if scores.reference and not unlike else columns,
            FILE,
            TITLE,
            facts=lambda entry: numbers,
            intervals=scores.intervals,
            caption=f"mIoU in %, from the images of each condition: {sizes}.{over}",
            main=True,
        ),
        panel.picture(FILE, TITLE, drawn, dots({"": rows}, "mIoU (%)")),
        f"{TITLE} (view {panel.view}): {state_conditions(scores, arms, labels)}.",
    )
