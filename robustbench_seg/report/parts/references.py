"""Next to others: a reference model of the same store, the papers' tables, and other protocols on the same cells."""

from functools import partial

from ...charts import Dot, dumbbells
from ...protocols import PROTOCOLS
from ...store.cell import CLEAN
from ...studies import degradation
from ...studies.claims import categories_next_to_table_5
from ...studies.published import TABLES, OwnRun, published_scores
from ...studies.statistics import Draws
from ...wording import counted
from ..content import Content, Picture
from ..panel import Panel
from ..scores import quantity_columns
from ..table import WARNING, Column, Table, frame_rows, numbers
from ..units import COUNT, plain

__all__ = ["REFERENCES", "make"]

REFERENCES = {"semsegbench": "semsegbench_all"}  # published tables that --reference may name in a model's place
PUBLISHED = {"segformer": "table5_cityscapes_c", **REFERENCES}  # by protocol
LOWER, HIGHER = "100 is as the reference, lower is better", "0 is as the reference, higher is better"
ERRORS = "sum of 1 - mIoU over severities, over the sum of"
LOST = "mIoU lost, over that lost by"
MEASURES = (
    (degradation.corruption_degradation, "cd", "Corruption degradation (CD)", ERRORS, LOWER),
    (degradation.relative_degradation, "rcd", "Relative corruption degradation (rCD)", LOST, LOWER),
    (degradation.relative_improvement, "improvement", "Relative improvement", "mIoU gained, over the mIoU of", HIGHER),
)
RANKS = (
    Column(name="protocols", label="protocols", align="left"),
    *numbers(plain("{:+z.2f}"), tau="Kendall's tau"),
    *numbers(plain("{:.3f}"), p="p"),
    *numbers(COUNT, models="models"),
)


def make(panel: Panel) -> Content:
    """Make the tables and the figure of one view.

    How protocols whose cells are all there rank the models is a table for two protocols or more.
    """
    names = PUBLISHED.get(panel.source.plan.protocol), REFERENCES.get(panel.source.reference or "")
    return Content.of(
        *reference_tables(panel),
        *(published_table(panel, name) for name in dict.fromkeys(names) if name),
        panel.of_rows(
            RANKS,
            frame_rows(degradation.ranks_by_protocol(panel.source.measured, panel.cells), RANKS),
            "ranks",
            "Whether protocols rank the models alike",
            caption="Kendall's tau-b of the headlines: 1 is the same order, -1 the opposite.",
        ),
        published_picture(panel),
    )


def reference_tables(panel: Panel) -> list[Table]:
    """Make the tables of CD, rCD and relative improvement of one view, in %; none without the reference."""
    reference, conditions = panel.source.reference, panel.conditions
    if reference is None or reference not in set(panel.cells["title"]):
        return []
    base = panel.metric("miou", reference)

    def quantities(measure: degradation.Measure, title: str) -> dict[str, Draws]:
        return degradation.against(measure, panel.metric("miou", title), base, conditions)

    return [
        panel.table(
            partial(quantities, measure),
            quantity_columns([*conditions, "mean"], best="low" if better == LOWER else "high"),
            file,
            f"{title} against {reference}",
            caption=f"%, {formula} the reference {reference}; {better}.",
            metric=file,
            main=True,
        )
        for measure, file, title, formula, better in MEASURES
    ]


def published_table(panel: Panel, name: str) -> Table:
    """Show a published table, with what sets its rows apart from ours, and what is wrong with them."""
    about, given = TABLES[name], panel.cells.iloc[0][["dataset", "split", "images", "of", "void"]]
    ours = OwnRun(protocol=panel.source.plan.protocol, view=str(panel.view), **given)
    theirs, shared = published_scores(name, ours)
    names, flagged = list(PROTOCOLS[about.protocol]), int((theirs["alarm"] != "").sum())
    texts = {"own": "differs from ours in", "alarm": WARNING}
    visible = {"own": theirs["own"].nunique() > 1 or not shared, "alarm": flagged}
    columns = [
        Column(name="row", label="published", align="left"),
        *quantity_columns([CLEAN, "mean", "retention"], best="none"),
        *(Column(name=name, label=label, align="left") for name, label in texts.items() if visible[name]),
        *quantity_columns(names, best="none"),
    ]
    rows = f"{counted(flagged, 'row')} of {len(theirs)} whose numbers cannot all be right."
    return Table(
        columns=columns,
        rows=frame_rows(theirs, columns, ["setup", "dataset"] if about.classes else ["setup"]),
        where={"metric": "miou", "dataset": about.dataset, "split": about.split},
        file=panel.fields("published", "")["file"],
        title=f"Published: {about.title}",
        caption=(f"Every row differs from ours in {'; '.join(shared)}. " if shared else "")
        + f"{about.values}; the mean over {len(names)} corruptions and retention in % are computed from the printed "
        f"numbers; {about.source}; {'; '.join(about.notes)}.{f' {WARNING}: {rows}' if flagged else ''}",
    )


def published_picture(panel: Panel) -> Picture | None:
    """Draw the two arms of Table 5's claim by category of corruption, next to the paper's; none without both."""
    assert panel.view is not None
    numbers = categories_next_to_table_5(panel.evidence, panel.scores, panel.view, panel.conditions)
    if not numbers:
        return None
    about = TABLES[PUBLISHED["segformer"]]
    series = [panel.series(arm) for arm in list(numbers.values())[-1]]
    rows = {
        title: {
            name: [
                Dot(number=own[name], arm=label, series=k) for k, (label, own) in zip(series, two.items(), strict=True)
            ]
            for name in next(iter(two.values()))
        }
        for title, two in numbers.items()
    }
    return panel.picture(
        "categories-published",
        "By category of corruption, next to the paper's Table 5",
        f"mIoU in %. {about.source}; {'; '.join(about.notes[1:])}",
        dumbbells(rows, "mIoU (%)", legend=["; ".join(pair) for pair in zip(*numbers.values(), strict=True)]),
    )
