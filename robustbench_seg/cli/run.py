"""`run` and `plan`: a suite."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from ..wording import counted
from .options import Data, Device, Limit, Weights, Workers, data_folders, weights_given
from .report import write_and_show
from .terminal import console, say

__all__ = ["plan", "run"]

Precision = Annotated[Literal["fp32", "bf16", "fp16"], typer.Option(help="Of the forward pass.")]
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
    finally:  # what failed is told, whatever becomes of the report
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
    from ..suites import read_suite, with_weights

    spec, given = read_suite(suite), weights_given(weights)
    say(f"{spec.name}: {spec.description}")
    models = with_weights(spec, given) if spec.models or given else ()
    say(f"models: {', '.join(model.name for model in models) or 'those named with --weights NAME=PATH'}")
    if spec.dataset is not None:
        table = Table("corruption", "severities")
        table.add_row("clean", "0")
        for name, severities in spec.conditions.items():
            table.add_row(name, " ".join(map(str, severities)))
        console.print(table)
        say(f"dataset: {spec.dataset.name} {spec.dataset.split}; protocol: {spec.protocol}; seed: {spec.seed}")
        say(f"views: {', '.join(map(str, spec.views))}")
        conditions = 1 + sum(len(severities) for severities in spec.conditions.values())
        cells = conditions * len(spec.views)
        product = f"{counted(conditions, 'condition')} x {counted(len(spec.views), 'view')}"
        say(f"quality cells per model: {product} = {cells}")
    if spec.latency is not None:
        sizes = ", ".join(f"{height}x{width}" for height, width in spec.latency.sizes)
        say(f"latency cells per model: {len(spec.latency.sizes) * len(spec.latency.batches)} ({sizes})")
