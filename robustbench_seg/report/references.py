"""Beside others: a reference model of the same store, the papers' tables, and other protocols on the same cells."""

import pandas as pd

from ..protocols import PROTOCOLS
from ..store.cell import CLEAN
from ..store.plan import Plan
from ..studies.comparison import corruption_degradation, rank_agreement, relative_degradation, relative_improvement
from ..studies.published import TABLES, Setting, beside
from ..studies.robustness import Conditions, by_corruption
from .content import Table
from .evidence import blank_models, flagged_models
from .provenance import file_name
from .tables import MISSING, Cell, make_table, marked, percent

__all__ = ["published_table", "ranking_table", "reference_tables"]

GROUP = "Under corruption"
PUBLISHED = {"segformer": "table5_cityscapes_c", "semsegbench": "semsegbench_sev3"}  # by protocol
MEASURES = (
    (
        corruption_degradation,
        "cd",
        "Corruption degradation (CD)",
        "sum over severities of 1 - mIoU, over that of",
        True,
    ),
    (relative_degradation, "rcd", "Relative corruption degradation (rCD)", "mIoU lost, over that lost by", True),
    (relative_improvement, "improvement", "Relative improvement", "mIoU gained, over that of", False),
)


def reference_tables(cells: pd.DataFrame, conditions: Conditions, reference: str, about: str, name: str) -> list[Table]:
    """Make the tables of CD, rCD and relative improvement of one view, in %.

    cells: of `quality_frame` with `title`, the reference's among them.
    """
    computed = by_corruption(cells.assign(model=cells["title"]), conditions)
    flagged, blank = flagged_models(cells), blank_models(cells)
    tables = []
    for measure, file, title, formula, lower in MEASURES:
        values = measure(computed, conditions, reference)
        rows = [
            {"model": Cell(marked(row["model"], row["model"] in flagged))}
            | {what.replace("_", " "): Cell(percent(row[what]), "", row[what]) for what in (*conditions, "mean")}
            for _, row in values.iterrows()
        ]
        better = "100 is as the reference, lower is better" if lower else "0 is as the reference, higher is better"
        tables.append(
            make_table(
                rows,
                best=[column for column in rows[0] if column != "model"],
                lowest=lower,
                compared=[model not in blank for model in values["model"]],
                main=True,
                file=file_name(file, name),
                title=f"{title} against {reference}, view {name}",
                caption=f"%, {formula} the reference {reference}; {better}; {about}.",
                full=values,
                group=GROUP,
            )
        )
    return tables


def published_table(cells: pd.DataFrame, plan: Plan, view: str, name: str) -> Table | None:
    """Put the published table of the plan's protocol apart from ours, with what it was measured otherwise.

    cells: of one view. None where the protocol has no published table.
    """
    if plan.protocol not in PUBLISHED:
        return None
    table = PUBLISHED[plan.protocol]
    first = cells.iloc[0]
    ours = Setting(
        protocol=plan.protocol,
        view=view,
        dataset=first["dataset"],
        split=first["split"],
        images=first["images"],
        of=first["of"],
    )
    theirs = beside(table, ours)
    key = TABLES[table].key[0]
    corruptions = [corruption for corruption, _ in plan.conditions]
    mean = theirs[corruptions].mean(axis=1, skipna=False)
    differences = [str(text).split("; ") if text else [] for text in theirs["differs"]]
    shared = [each for each in differences[0] if all(each in others for others in differences)]
    own = ["; ".join(each for each in row if each not in shared) for row in differences]
    alike = "nothing else" if shared else "nothing stated: comparable"
    rows = [
        {
            "published": Cell(str(row[key])),
            CLEAN: Cell(f"{row[CLEAN]:.1f}", "", row[CLEAN]),
            "mean": Cell(f"{mean[k]:.1f}", "", mean[k]),
            "retention": Cell(f"{100 * mean[k] / row[CLEAN]:.1f}", "", mean[k] / row[CLEAN]),
        }
        | ({"differs from ours in": Cell(own[k] or alike)} if any(own) or not shared else {})
        for k, (_, row) in enumerate(theirs.iterrows())
    ]
    about = TABLES[table]
    apart = f"Every row differs from ours in {'; '.join(shared)}. " if shared else ""
    return make_table(
        rows,
        file=file_name("published", name),
        title=f"Published: {about.title}",
        caption=f"{apart}{about.values}; the mean over {len(corruptions)} corruptions and retention in % are computed "
        f"from the printed numbers; {about.source}; {'; '.join(about.notes)}.",
        full=theirs,
        group=GROUP,
    )


def ranking_table(cells: pd.DataFrame, name: str) -> Table | None:
    """Compare how the protocols whose cells are all there rank the models; None for fewer than 2 of either.

    cells: of one view and setting, of `quality_frame` with `title`.
    """
    # A cell may be there twice, with other metrics beside IoU.
    cells = cells.drop_duplicates(["title", "corruption", "severity", "corruption_source"])
    scores = {}
    for protocol, conditions in PROTOCOLS.items():
        have = set(zip(cells["corruption"], cells["severity"], strict=True))
        if conditions and all((what, s) in have for what, severities in conditions.items() for s in severities):
            computed = by_corruption(cells.assign(model=cells["title"]), conditions)
            scores[protocol] = computed.set_index("model")["mean"].dropna()
    ranks = rank_agreement(scores)
    ranks = ranks[ranks["models"] > 1]
    if not len(ranks):
        return None
    rows = [
        {
            "protocols": Cell(f"{row['first']} and {row['second']}"),
            "Kendall's tau": Cell(MISSING if pd.isna(row["tau"]) else f"{row['tau']:+.2f}", "", row["tau"]),
            "p": Cell(MISSING if pd.isna(row["p"]) else f"{row['p']:.3f}", "", row["p"]),
            "models": Cell(str(row["models"]), "", row["models"]),
        }
        for _, row in ranks.iterrows()
    ]
    return make_table(
        rows,
        file=file_name("ranks", name),
        title=f"Whether protocols rank the models alike, view {name}",
        caption="Kendall's tau-b of the headlines: 1 is the same order, -1 the opposite.",
        full=ranks,
        group=GROUP,
    )
