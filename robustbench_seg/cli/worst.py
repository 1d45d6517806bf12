"""`worst`: the images and conditions that fail most, from the counts that a run stored."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from ..wording import listed
from .options import Data, Weights
from .terminal import console, say

if TYPE_CHECKING:
    from ..report.table import Table
    from ..studies.sources import ReportSource

__all__ = ["worst"]


def worst(  # noqa: PLR0913 (each is an option of the command)
    context: typer.Context,
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders that `run` wrote.")],
    *,
    model: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Model or arm to look at, by default all; repeatable.")
    ] = None,
    view: Annotated[str | None, typer.Option(metavar="VIEW", help="By default all views.")] = None,
    metric: Annotated[
        str, typer.Option(metavar="NAME", help="Score of an image: miou, boundary_miou, ece, nll.")
    ] = "miou",
    top: Annotated[int, typer.Option(min=1, metavar="N", help="How many images to list.")] = 10,
    pictures: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT", help="Make pictures of each model's worst, median and best image into this folder."
        ),
    ] = None,
    gallery: Annotated[
        bool, typer.Option("--gallery", help="Add the run's worst, median and best image to the gallery of its page.")
    ] = False,
    data: Data = None,
    weights: Weights = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, nothing else.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print one CSV table, nothing else.")] = False,
) -> None:
    """Show where models fail: the worst images and conditions, lost classes, and images on which models differ."""
    from ..report.content import Content
    from ..report.terminal import show_tables
    from ..studies.sources import sources_of

    if as_json and as_csv:
        raise UsageError("--json and --csv print the tables each in its way: give one of them")
    if (data or weights) and not (pictures or gallery):
        raise UsageError(f"{'--data' if data else '--weights'}: only --pictures and --gallery read it")
    if gallery and (model or view or metric != "miou"):
        raise UsageError(
            "--gallery: its images are of all models, by mIoU in the main view; omit --model, --view, --metric"
        )
    note = partial(print, file=sys.stderr) if as_json or as_csv else say
    tables: list[Table] = []
    left_out: list[str] = []
    sources = [selected(source, model or (), view) for source in sources_of(folders, None, pictures=False)]
    expect_metric(sources, metric)
    for source in sources:
        made = Content.of(*tables_of(source, metric, top, left_out)).under("Worst images", source.plan.protocol)
        tables += [
            replace(table, where={"table": table.file, "suite": source.plan.suite, **table.where})
            for table in made.tables
        ]
    if not tables:
        lack = f"condition with {metric} of all models" if any(len(one.quality) for one in sources) else "quality cell"
        raise UsageError(f"{listed([str(folder) for folder in folders], 3)}: no {lack} is there")
    for line in left_out:
        note(line)
    if pictures or gallery:
        from .worst_pictures import gallery_wishes, make_pictures, wishes_of

        wishes = wishes_of(sources, metric) if pictures else []
        wishes += [wish for source in sources for wish in gallery_wishes(source)] if gallery else []
        make_pictures(context, wishes, pictures or Path(), data, weights, note)
        if pictures:
            note(f"pictures: {pictures}")
        if gallery:
            note("gallery: made; `robustbench-seg report` shows it")
    if as_json or as_csv:
        sys.stdout.write(json_of(tables) if as_json else csv_of(tables))
        return
    for table in tables:
        title = f"{table.where['suite']}: {table.title}" if len(sources) > 1 else table.title
        show_tables(console, [Content(tables=(replace(table, title=title, main=True),))])
        say(f"{table.caption} Setting: {table.about}.")


def selected(source: "ReportSource", names: Sequence[str], view: str | None) -> "ReportSource":
    """Take the cells of some models or arms, and of a view. Raises UsageError for a name that no cell has."""
    from ..studies.arms import arms_of

    cells = source.quality
    if not len(cells):
        return source
    arms = arms_of(dict.fromkeys(cells["model"]))
    models = [model for name in names for model in arms.get(name, [name])]
    for option, column, values in (("--model", "model", models), ("--view", "view", [view] if view else [])):
        if unknown := [value for value in values if value not in set(cells[column])]:
            raise UsageError(
                f"{option} {unknown[0]}: no cell has it; there are {', '.join(dict.fromkeys(cells[column]))}"
            )
        if values:
            cells = cells[cells[column].isin(values)]
    return replace(source, quality=cells)


def expect_metric(sources: Sequence["ReportSource"], metric: str) -> None:
    """Raise UsageError for a metric that no cell has."""
    import pandas as pd

    from ..studies.worst import metric_of

    if cells := [source.quality for source in sources if len(source.quality)]:
        metric_of(pd.concat(cells), metric)


def tables_of(source: "ReportSource", metric: str, top: int, left_out: list[str]) -> list["Table"]:
    """Make the tables of each setting and view of a plan. left_out: gets a line on those without the metric."""
    from ..report.panel import Panel
    from ..report.parts.worst import worst_tables
    from ..studies.counts import metrics_in

    if not len(source.quality):
        return []
    if (own := metrics_in(source.quality).get(metric)) is None:
        where = listed([str(store.folder) for store in source.stores], 3)
        left_out.append(f"{source.plan.suite} in {where}: left out, since no cell has {metric}")
        return []
    tables = []
    for view in [view for panel in Panel.all_of(source) for view in panel.views]:
        made = worst_tables(view, own, top)
        tables += made
        if not made:
            names = listed(list(dict.fromkeys(view.cells["title"])), 3)
            left_out.append(f"{source.plan.suite}, {names}: left out, since no condition has {metric} of all models")
    return tables


def with_texts(table: "Table") -> "Table":
    """Put the texts of a table, such as the lost classes, into the lines of its CSV."""
    texts = {k: column.name for k, column in enumerate(table.columns) if k and column.align == "left"}
    rows = [
        replace(row, where={**row.where, **{name: row.cells[k].text for k, name in texts.items()}})
        for row in table.rows
    ]
    return replace(table, rows=rows)


def csv_of(tables: Sequence["Table"]) -> str:
    """Write all tables as one CSV: the columns of a report's CSV files, then what these tables alone have."""
    import pandas as pd

    from ..report.csv import columns_of, lines_of

    lines = [line for table in tables for line in lines_of(with_texts(table))]
    return str(pd.DataFrame(lines, columns=columns_of(lines), dtype=object).to_csv(index=False, lineterminator="\n"))


def json_of(tables: Sequence["Table"]) -> str:
    """Write all tables as one JSON document, each as in the document of a report."""
    from .. import __version__
    from ..files import canonical_json, plain
    from ..report.document import SCHEMA_VERSION, table_of

    head = {"schema_version": SCHEMA_VERSION, "robustbench_seg": __version__}
    return f"{canonical_json(plain({**head, 'tables': [table_of(with_texts(table)) for table in tables]}))}\n"
