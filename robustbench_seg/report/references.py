"""Next to others: a reference model of the same store, the papers' tables, and other protocols on the same cells."""

from functools import partial

import pandas as pd

from ..charts import Dot, dumbbells
from ..protocols import PROTOCOLS
from ..store.cell import CLEAN
from ..studies.alarms import alarms_of_scores
from ..studies.claims import categories_next_to_table_5
from ..studies.degradation import (
    Measure,
    against,
    corruption_degradation,
    headlines_by_protocol,
    rank_agreement,
    relative_degradation,
    relative_improvement,
)
from ..studies.published import TABLES, OwnRun, PublishedTable, published_rows, shared_and_own
from ..studies.robustness import BASIS
from ..studies.statistics import Draws
from ..wording import counted, spaced
from .content import Content, Picture
from .panel import Panel
from .scores import quantity_columns
from .table import WARNING, Column, Table, frame_rows
from .units import COUNT, plain

__all__ = ["REFERENCES", "make"]

REFERENCES = {"semsegbench": "semsegbench_all"}  # published tables that --reference may name in a model's place
PUBLISHED = {"segformer": "table5_cityscapes_c", **REFERENCES}  # by protocol
LOWER, HIGHER = "100 is as the reference, lower is better", "0 is as the reference, higher is better"
ERRORS = "sum of 1 - mIoU over severities, over the sum of"
MEASURES = (
    (corruption_degradation, "cd", "Corruption degradation (CD)", ERRORS, LOWER),
    (relative_degradation, "rcd", "Relative corruption degradation (rCD)", "mIoU lost, over that lost by", LOWER),
    (relative_improvement, "improvement", "Relative improvement", "mIoU gained, over the mIoU of", HIGHER),
)


def make(panel: Panel) -> Content:
    """Make the tables and the figure of every view under corruption."""
    views = panel.views if panel.conditions else ()
    makers = (reference_tables, published_tables, ranking_table)
    return Content(
        tables=tuple(table for view in views for tables_of in makers for table in tables_of(view)),
        pictures=tuple(one for view in views for one in published_picture(view)) if panel.source.pictures else (),
    )


def reference_tables(panel: Panel) -> list[Table]:
    """Make the tables of CD, rCD and relative improvement of one view, in %; none without the reference."""
    reference, conditions = panel.source.reference, panel.conditions
    if reference is None or reference not in set(panel.cells["title"]):
        return []
    base = panel.metric("miou", reference)

    def quantities(measure: Measure, title: str) -> dict[str, Draws]:
        return against(measure, panel.metric("miou", title), base, conditions)

    return [
        panel.table(
            partial(quantities, measure),
            quantity_columns([*conditions, "mean"], "low" if better == LOWER else "high"),
            **panel.fields(file, f"{title} against {reference}"),
            caption=f"%, {formula} the reference {reference}; {better}.",
            metric=file,
            main=True,
        )
        for measure, file, title, formula, better in MEASURES
    ]


def published_tables(panel: Panel) -> list[Table]:
    """Show the published table of the plan's protocol, if there is one, and the one that --reference names."""
    names = PUBLISHED.get(panel.source.plan.protocol), REFERENCES.get(panel.source.reference or "")
    return [published_table(panel, name) for name in dict.fromkeys(names) if name]


def published_table(panel: Panel, name: str) -> Table:
    """Show a published table, with what sets its rows apart from ours, and what is wrong with them."""
    plan, first, about = panel.source.plan, panel.cells.iloc[0], TABLES[name]
    given = {name: first[name] for name in ("dataset", "split", "images", "of", "void")}
    theirs = published_rows(name, OwnRun(protocol=plan.protocol, view=str(panel.view), **given))
    names = list(PROTOCOLS[about.protocol])
    theirs[[CLEAN, *names]] = theirs[[CLEAN, *names]] / 100
    alarms = published_alarms(theirs, about)
    mean = theirs[names].mean(axis=1, skipna=False)
    shared, own = shared_and_own(theirs["differs"])
    alike = "nothing else" if shared else "nothing stated: comparable"
    columns = [
        Column(name="row", label="published", align="left"),
        *(Column(name=name, label=name) for name in (CLEAN, "mean", "retention")),
        *([Column(name="own", label="differs from ours in", align="left")] if any(own) or not shared else []),
        *([Column(name="alarm", label=WARNING, align="left")] if alarms else []),
        *(Column(name=name, label=spaced(name)) for name in names),
    ]
    frame = theirs.assign(
        mean=mean,
        retention=mean / theirs[CLEAN],
        own=[text or alike for text in own],
        setup=theirs["differs"],
        alarm=["; ".join(alarms.get(row, ())) for row in theirs["row"]],
    )
    common = f"Every row differs from ours in {'; '.join(shared)}. " if shared else ""
    flagged = (
        f" {WARNING}: {counted(len(alarms), 'row')} of {len(theirs)} whose numbers cannot all be right."
        if alarms
        else ""
    )
    return Table(
        columns=columns,
        rows=frame_rows(frame, columns, ["setup", *(["dataset"] if about.classes else [])]),
        where={"metric": "miou", "dataset": about.dataset, "split": about.split},
        file=panel.fields("published", "")["file"],
        title=f"Published: {about.title}",
        caption=f"{common}{about.values}; the mean over {len(names)} corruptions and retention in % are computed "
        f"from the printed numbers; {about.source}; {'; '.join(about.notes)}.{flagged}",
    )


def published_alarms(theirs: pd.DataFrame, about: PublishedTable) -> dict[str, list[str]]:
    """State by row what is wrong with a published table of several data sets, whose classes it knows."""
    if not about.classes:
        return {}
    rows = theirs.set_index("row")
    least = (rows["gam"] / 100).to_dict() if "gam" in rows else None
    return alarms_of_scores(rows[list(PROTOCOLS[about.protocol])], rows["dataset"].map(about.classes).to_dict(), least)


def published_picture(panel: Panel) -> list[Picture]:
    """Draw the two arms of Table 5's claim by category of corruption, next to the paper's; none without both."""
    assert panel.view is not None
    numbers = categories_next_to_table_5(panel.evidence, panel.scores, panel.view, panel.conditions)
    if not numbers:
        return []
    about = TABLES[PUBLISHED["segformer"]]
    rows = {
        title: {
            name: [Dot(number=own[name], arm=label, series=k) for k, (label, own) in enumerate(two.items())]
            for name in next(iter(two.values()))
        }
        for title, two in numbers.items()
    }
    return [
        panel.picture(
            "categories-published",
            "By category of corruption, next to the paper's Table 5",
            f"mIoU in %. {about.source}; {'; '.join(about.notes[1:])}",
            dumbbells(rows, "mIoU (%)", legend=["; ".join(pair) for pair in zip(*numbers.values(), strict=True)]),
        )
    ]


def ranking_table(panel: Panel) -> list[Table]:
    """Compare how the protocols whose cells are all there rank the models; none for fewer than 2 of either."""
    measured = panel.source.measured
    same = measured[(measured[BASIS] == panel.cells.iloc[0][BASIS]).all(axis=1)]
    titles = panel.cells[["model", "checkpoint_sha256", "title"]].drop_duplicates()
    ranks = rank_agreement(headlines_by_protocol(same.merge(titles, on=["model", "checkpoint_sha256"])))
    ranks = ranks[ranks["models"] > 1]
    columns = (
        Column(name="protocols", label="protocols", align="left"),
        Column(name="tau", label="Kendall's tau", unit=plain("{:+z.2f}")),
        Column(name="p", label="p", unit=plain("{:.3f}")),
        Column(name="models", label="models", unit=COUNT),
    )
    table = panel.of_rows(
        columns,
        frame_rows(ranks.assign(protocols=ranks["first"] + " and " + ranks["second"]), columns),
        **panel.fields("ranks", "Whether protocols rank the models alike"),
        caption="Kendall's tau-b of the headlines: 1 is the same order, -1 the opposite.",
    )
    return [table] if len(ranks) else []
