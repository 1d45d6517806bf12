"""`report` and `compare`: folders that `run` wrote."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from ..store.plan import expect_margin
from ..wording import counted
from .terminal import console, say, warn

__all__ = ["compare", "report", "write_and_show"]

MOST_POINTS = 100  # an mIoU can't drop by more


def report(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders that `run` wrote.")],
    out: Annotated[Path | None, typer.Option(help="Where to write; by default report/ in the first folder.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Print the main tables and write nothing.")] = False,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL|semsegbench",
            help="Add CD, rCD and improvement against this model; or SemSegBench's 76 published rows.",
        ),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write the figures as PDF too.")] = False,
    margin: Annotated[
        float | None,
        typer.Option(metavar="POINTS", help="How many points count as the same, in the place of the suite's margin."),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print all tables, findings and provenance as one JSON document, nothing else."),
    ] = False,
    leaderboard: Annotated[
        bool,
        typer.Option("--leaderboard", help="Write pages that rank the models of all folders, into --out."),
    ] = False,
) -> None:
    """Write the report of results: index.html; the same as Markdown, CSV and LaTeX, figures as SVG."""
    if margin is not None:
        expect_margin(margin, "--margin")
    if leaderboard:
        others = {"--text": text, "--json": as_json, "--pdf": pdf, "--reference": reference, "--margin": margin}
        if other := [option for option, value in others.items() if value]:
            raise UsageError(f"--leaderboard writes other pages than a report: it goes with --out, not with {other[0]}")
        if out is None:
            raise UsageError("--leaderboard needs --out SITE, the folder of its pages")
        write_leaderboard(folders, out)
        return
    if text and as_json:
        raise UsageError("--text and --json print the report each in its way: give one of them")
    for option, given in (("--text", text), ("--json", as_json)):
        if given and (out or pdf):
            raise UsageError(f"{option} prints and writes nothing: it goes with neither --out nor --pdf")
    if as_json:
        print_json(folders, reference, margin)
        return
    to = None if text else out or folders[0] / "report"
    write_and_show(folders, to, text=text, pdf=pdf, reference=reference, margin=margin)


def write_leaderboard(folders: list[Path], out: Path) -> None:
    """Write the pages that rank models, and print what is wrong with some."""
    from ..leaderboard.board import boards_of
    from ..leaderboard.site import write_site

    boards = boards_of(folders)
    index = write_site(boards, out)
    for line in dict.fromkeys(
        f"⚠ {row.model}: {line}." for board in boards for row in board.rows for line in row.alarms
    ):
        warn(line)
    say(f"leaderboard: {index} ({counted(len(boards), 'board')})")


def write_and_show(
    folders: list[Path],
    out: Path | None,
    *,
    text: bool,
    pdf: bool = False,
    reference: str | None = None,
    margin: float | None = None,
) -> None:
    """Write the report into `out`, if given, and print the main tables if asked."""
    from ..report.page import write_report
    from ..report.sections import sections_of
    from ..report.terminal import show_tables

    sections = sections_of(folders, reference=reference, pictures=out is not None, margin=margin)
    note_unregistered(folders)
    for line in dict.fromkeys(line for section in sections for line in section.alarms):
        warn(line)
    if text:
        for section in sections:
            if len(sections) > 1:
                say(section.label, style="bold")
            show_tables(console, [section])
            for sentence in (*section.sentences, *(line for line in section.warnings if line not in section.alarms)):
                say(f"• {sentence}")
    if out is not None:
        say(f"report: {write_report(sections, out, pdf=pdf)}")


def print_json(folders: list[Path], reference: str | None, margin: float | None) -> None:
    """Print the report as JSON: stdout has nothing else, and faults go to stderr."""
    from ..report.document import as_json
    from ..report.sections import sections_of

    document = as_json(sections_of(folders, reference=reference, pictures=False, margin=margin))
    sys.stdout.write(f"{document}\n")


def note_unregistered(folders: list[Path]) -> None:
    """Name the corruptions in results whose category nothing states here, so that there are no means per category."""
    from ..corruptions import CORRUPTIONS
    from ..store.folder import Store

    measured = [name for folder in folders for plan in Store(folder).plans() for name, _ in plan.conditions]
    if unknown := [name for name in dict.fromkeys(measured) if name not in CORRUPTIONS]:
        say(f"no means per category: no category of {', '.join(unknown)} is registered here; see --plugin")


def compare(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="Folder that `run` wrote.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Folder with the same cells, of other weights or code.")],
    fail_on_drop: Annotated[
        float | None,
        typer.Option(
            metavar="POINTS",
            help="Exit with 1 if the interval of clean or mean mIoU lies below -POINTS, or something can't be judged.",
        ),
    ] = None,
) -> None:
    """Show what changed from BASE to NEW, with paired intervals: a gate against regressions of mIoU."""
    from ..store.folder import Store
    from ..studies.frame import quality_frame
    from ..studies.plans import read_plans
    from ..studies.regression import compare_stores
    from .changes import name_of, show_changes

    if fail_on_drop is not None and not 0 <= fail_on_drop <= MOST_POINTS:
        raise UsageError(f"--fail-on-drop takes a number of points from 0 to {MOST_POINTS}, got {fail_on_drop:g}")
    frames = [quality_frame(folder) for folder in (base, new)]
    for folder, frame in zip((base, new), frames, strict=True):
        if not len(frame):
            raise UsageError(f"{folder}: holds no quality cells")
    plans = [plan for folder, frame in zip((base, new), frames, strict=True) for plan in read_plans(folder, frame)]
    changes = compare_stores(frames[0], frames[1], plans)
    show_changes(console, changes.table)
    alone = [*changes.lacking, *changes.added]
    for text in changes.remarks:
        say(text)
    for text in alone:
        say(f"not compared: {text}")
    if any(Store(folder).files("latency") for folder in (base, new)):
        say("not compared: speed cells; no gate watches them")
    unjudged, style = changes.unjudged, "bold red"
    for _, row in unjudged.iterrows():
        say(f"not judged: {name_of(row)}, {row['quantity']}: {row['reason']}", style=style)
    if fail_on_drop is None:
        return
    dropped = changes.dropped(fail_on_drop)
    for _, row in dropped.iterrows():
        say(
            f"dropped by more than {fail_on_drop:g} points: {name_of(row)}, {row['quantity']}: "
            f"{100 * row['estimate']:+.1f} (95 % interval {100 * row['low']:+.1f} to {100 * row['high']:+.1f})",
            style=style,
        )
    if alone:
        say(f"not judged: {counted(len(alone), 'cell')} not compared; see above", style=style)
    if len(dropped) or len(unjudged) or alone:
        raise typer.Exit(1)
    say(f"no drop by more than {fail_on_drop:g} points of clean or mean mIoU is certain, for these weights")
