"""`run` measures a suite, or a protocol on a data set, and writes the report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..wording import counted
from .choice import Choice, choose, options_for
from .options import (
    Address,
    BatchNorm,
    BatchSize,
    Cache,
    Corruptions,
    Data,
    Device,
    EngineName,
    Full,
    Limit,
    LogTo,
    Models,
    Precision,
    Protocol,
    Seeds,
    Severities,
    Split,
    SuiteName,
    Views,
    VoidRule,
    Weights,
    Workers,
)
from .report import write_and_show
from .terminal import console, warn

if TYPE_CHECKING:
    from ..api.logs import LogListener
    from ..suites import Suite

__all__ = ["run"]


def run(  # noqa: PLR0913 (each is an option of the command)
    suite: SuiteName = None,
    *,
    out: Annotated[Path, typer.Option(help="Folder of the results; a run that was stopped resumes there.")],
    data: Data = None,
    model: Models = None,
    weights: Weights = None,
    protocol: Protocol = None,
    corruptions: Corruptions = None,
    severities: Severities = None,
    views: Views = None,
    batchnorm: BatchNorm = None,
    seeds: Seeds = None,
    split: Split = None,
    void: VoidRule = None,
    device: Device = "cpu",
    precision: Precision = "fp32",
    workers: Workers = None,
    batch: BatchSize = None,
    cache: Cache = None,
    engine: EngineName = "local",
    address: Address = None,
    limit: Limit = None,
    full: Full = False,
    log_to: LogTo = None,
) -> None:
    """Measure what a suite asks for, then write its report into OUT/report."""
    from ..api.progress import RunProgress
    from ..measure.runner import Listeners
    from ..measure.runner import run as run_suite

    choice = Choice(
        data=data or (),
        protocol=protocol,
        corruptions=corruptions,
        severities=severities,
        views=views or (),
        batchnorm=batchnorm,
        seeds=seeds,
        split=split,
        void=void,
        full=full,
    )
    target = choose(suite, choice)
    options = options_for(
        target,
        weights=weights,
        models=model,
        workers=workers,
        device=device,
        precision=precision,
        limit=limit,
        batch=batch,
        cache=cache,
        engine=engine,
        address=address,
    )
    log = opened_log(log_to, out, target.suite)
    with RunProgress(console) as progress:
        failed = run_suite(target.suite, out, options, Listeners(progress, *log))
    for each in log:
        each.close()
    try:
        write_and_show([out], out / "report", text=True)
    finally:  # failures are listed even where the report can't be written
        if failed:
            warn(f"{counted(len(failed), 'cell')} failed (run again to retry; tracebacks in {out / 'failed'}):")
        for job in failed:
            warn(f"  {job.cell.slug}: {progress.errors[job.record.key]}")
    if failed:
        raise typer.Exit(1)


def opened_log(target: str | None, out: Path, suite: "Suite") -> list["LogListener"]:
    """Open what --log-to names, before anything is measured; nothing without it."""
    if target is None:
        return []
    from ..api.logs import LogListener, open_log

    dataset = suite.dataset.name if suite.dataset else "none"
    config = {"suite": suite.name, "protocol": suite.protocol, "dataset": dataset, "out": str(out)}
    return [LogListener(open_log(target, config), out, warn)]
