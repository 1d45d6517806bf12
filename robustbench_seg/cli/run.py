"""`run` measures a suite, or a protocol on a data set, and writes the report."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from ..locks import measuring
from ..stopping import end_if_asked, is_unread, stop
from ..wording import counted
from .choice import Choice, choose, options_for, shard_for
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
    ShardText,
    Split,
    SuiteName,
    Views,
    VoidRule,
    Weights,
    Workers,
)
from .report import write_and_show
from .terminal import console, say, warn

if TYPE_CHECKING:
    from ..measure.listener import Listener
    from ..measure.plan import Options
    from ..suites import Suite

__all__ = ["run"]


@contextmanager
def while_read() -> Iterator[None]:
    """Hold a block that ends as at a stop when the reader of the output has gone, such as `head`."""
    try:
        yield
    except SystemExit as end:
        if is_unread(end):
            stop()
        raise


@while_read()
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
    shard: ShardText = None,
    full: Full = False,
    log_to: LogTo = None,
) -> None:
    """Measure what a suite asks for, then write its report into OUT/report."""
    from ..api.progress import RunProgress
    from ..measure.runner import Listeners
    from ..measure.runner import run as run_suite
    from .own_plan import OwnPlan

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
        shard=(part := shard_for(shard, address)),
    )
    warn_of_absent_arms(target.suite, options)
    own = OwnPlan(out)
    with logged(log_to, out, target.suite) as log, RunProgress(console) as progress:
        failed = run_suite(target.suite, out, options, Listeners(progress, log, own))
    try:
        if part is None or not (lacking := own.missing()):
            with turn_for(out, "report"), measuring(out, alone=False, wait=say):
                write_and_show([out], out / "report", text=True)
        else:
            say(f"shard {part} is done; {counted(lacking, 'cell')} of other shards missing: no report is written yet")
    finally:  # failures are listed even where the report can't be written
        if failed:
            warn(f"{counted(len(failed), 'cell')} failed (run again to retry; tracebacks in {out / 'failed'}):")
        for job in failed:
            warn(f"  {job.cell.slug}: {progress.errors[job.record.key]}")
    if failed:
        raise typer.Exit(1)


def warn_of_absent_arms(suite: "Suite", options: "Options") -> None:
    """Name the primary comparisons that no result of this run can decide. Suites are run with other models, too."""
    from ..studies.arms import arms_of
    from ..suites import with_weights

    if not suite.primary:
        return
    try:
        arms = arms_of(model.name for model in with_weights(suite, options.weights, options.models))
    except UsageError:  # the run raises it too, after faults of the data
        return
    if absent := [str(each.comparison) for each in suite.primary if not arms.keys() >= {*each.arms}]:
        line = f"primary comparisons that this run has no models for: {'; '.join(absent)}"
        warn(f"{line}; the arms of its models are {', '.join(arms)}")


@contextmanager
def turn_for(out: Path, name: str) -> Iterator[None]:
    """Hold a block that one process at a time may run in a folder; the others wait, so that the last sees all."""
    from ..store.claims import POLL_S, Claims

    with Claims(out) as claims:
        if (claim := claims.take(name, f"the {name}")) is None:
            say(f"waiting for {claims.holder(name) or name}")
        while claim is None:
            end_if_asked()
            time.sleep(POLL_S)
            claim = claims.take(name, f"the {name}")
        with claims.holding(claim):
            yield


@contextmanager
def logged(target: str | None, out: Path, suite: "Suite") -> Iterator["Listener"]:
    """Hold a run to what --log-to names, which is opened before anything is measured; to nothing without it."""
    from ..measure.listener import Listener

    if target is None:
        yield Listener()
        return
    from ..api.logs import logging_to, open_log

    dataset = suite.dataset.name if suite.dataset else "none"
    config = {"suite": suite.name, "protocol": suite.protocol, "dataset": dataset, "out": str(out)}
    with logging_to(open_log(target, config), out, warn) as listener:
        yield listener
