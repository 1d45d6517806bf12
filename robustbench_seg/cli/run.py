"""`run` measures a suite; `plan` shows what it would measure."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from ..wording import counted
from .options import Data, Device, Limit, Weights, Workers, data_folders, weights_given
from .report import write_and_show
from .terminal import console, say

__all__ = ["plan", "run"]

Precision = Annotated[Literal["fp32", "bf16"], typer.Option(help="Of the forward pass.")]
SuiteName = Annotated[str, typer.Argument(metavar="SUITE", help="A shipped suite (see `list suites`) or a YAML file.")]


def run(
    suite: SuiteName,
    out: Annotated[Path, typer.Option(help="Folder of the results; a run that was stopped resumes there.")],
    data: Data = None,
    weights: Weights = None,
    device: Device = "cpu",
    precision: Precision = "fp32",
    workers: Workers = None,
    limit: Limit = None,
) -> None:
    """Measure what a suite asks for, then write its report into OUT/report."""
    from ..environment import default_workers
    from ..measure.plan import Options
    from ..measure.runner import run as run_suite
    from ..suites import read_suite
    from .run_progress import RunProgress

    options = Options(
        data=data_folders(data),
        weights=weights_given(weights),
        device=device,
        precision=precision,
        workers=default_workers(device) if workers is None else workers,
        limit=limit,
    )
    with RunProgress(console) as progress:
        failed = run_suite(read_suite(suite), out, options, progress)
    try:
        write_and_show([out], out / "report", text=True)
    finally:  # failures are listed even where the report can't be written
        if failed:
            say(
                f"{counted(len(failed), 'cell')} failed (run again to retry; tracebacks in {out / 'failed'}):",
                style="bold red",
            )
        for job in failed:
            say(f"  {job.cell.slug}: {progress.errors[job.record.key]}")
    if failed:
        raise typer.Exit(1)


def plan(suite: SuiteName, weights: Weights = None) -> None:
    """Show what a suite would measure, without measuring."""
    from ..store.cell import LatencyCell, QualityCell
    from ..suites import expand, read_suite, with_weights

    spec, given = read_suite(suite), weights_given(weights)
    models = [model.name for model in with_weights(spec, given)] if spec.models or given else []
    names = models or ["NAME"]  # a stand-in, so that the cells of one model can be counted
    planned = expand(spec, dict.fromkeys(names, "cpu"))
    cells = [cell for cell in planned.to_measure() if cell.model == names[0]]
    quality = [cell for cell in cells if isinstance(cell, QualityCell)]
    latency = [cell for cell in cells if isinstance(cell, LatencyCell)]
    say(f"{planned.suite}: {planned.description}")
    say(f"models: {', '.join(models) or 'those named with --weights NAME=PATH'}")
    if spec.dataset is not None:
        table = Table("corruption", "severities")
        table.add_row("clean", "0")
        for name, severities in planned.conditions:
            table.add_row(name, " ".join(map(str, severities)))
        console.print(table)
        say(f"dataset: {spec.dataset.name} {spec.dataset.split}; protocol: {planned.protocol}; seed: {spec.seed}")
        say(f"views: {', '.join(planned.views)}")
        conditions = counted(len({cell.condition for cell in quality}), "condition")
        views = counted(len({cell.view for cell in quality}), "view")
        say(f"quality cells per model: {conditions} x {views} = {len(quality)}")
    if latency:
        sizes = dict.fromkeys(f"{cell.height}x{cell.width}" for cell in latency)
        say(f"latency cells per model: {len(latency)} ({', '.join(sizes)})")
