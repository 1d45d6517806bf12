"""`plan` shows what `run` would measure, checks data and models where their files are given, and estimates the time."""

from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..wording import counted
from .choice import Choice, Target, choose, options_for, shard_for
from .options import (
    BatchNorm,
    Corruptions,
    Data,
    Device,
    Full,
    Limit,
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
    weights_given,
)
from .terminal import console, say

if TYPE_CHECKING:
    from ..measure.plan import Options
    from ..measure.shards import Shard
    from ..store.cell import QualityCell
    from ..store.plan import Plan
    from ..suites import Suite

__all__ = ["plan"]


def plan(  # noqa: PLR0913 (each is an option of the command)
    suite: SuiteName = None,
    *,
    out: Annotated[Path | None, typer.Option(help="Folder of the results: what is there is not counted again.")] = None,
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
    limit: Limit = None,
    shard: ShardText = None,
    full: Full = False,
) -> None:
    """Show what a suite would measure; with --data, read its images and models, and estimate the time."""
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
    part = shard_for(shard)
    show(target.suite, weights_given(weights), model or (), part)
    if not (target.folders or target.dataset):
        return
    options = options_for(
        target,
        weights=weights,
        models=model,
        workers=workers,
        device=device,
        precision=precision,
        limit=limit,
        shard=part,
    )
    check(target, options, out)


def show(suite: "Suite", weights: dict[str, str], sources: Sequence[str], shard: "Shard | None") -> None:
    """Print what a suite asks for, without torch, data or weights."""
    from ..corruptions import is_drawn
    from ..store.cell import CLEAN, LatencyCell, QualityCell
    from ..suites import expand, with_weights

    given = suite.models or weights or sources
    models = [model.name for model in with_weights(suite, weights, sources)] if given else []
    names = models or ["NAME"]  # a stand-in, so that the cells of one model can be counted
    planned = expand(suite, dict.fromkeys(names, "cpu"))
    cells = [cell for cell in planned.to_measure() if cell.model == names[0]]
    quality = [cell for cell in cells if isinstance(cell, QualityCell)]
    latency = [cell for cell in cells if isinstance(cell, LatencyCell)]
    say(f"{planned.suite}: {planned.description}")
    say(f"models: {', '.join(models) or 'those named with --model or --weights'}")
    if suite.dataset is not None:
        table = Table("corruption", "severities")
        table.add_row(CLEAN, "0")
        for name, severities in planned.conditions:
            table.add_row(name, " ".join(map(str, severities)))
        console.print(table)
        draws = "seed" if len(suite.draws) == 1 else "seeds"
        seeds = ", ".join(map(str, suite.draws))
        say(f"dataset: {suite.dataset.name} {suite.dataset.split}; protocol: {planned.protocol}; {draws}: {seeds}")
        say(f"views: {', '.join(planned.views)}")
        if suite.void != "ignored":
            say(f"void: {suite.void}")
        conditions = counted(len({cell.condition for cell in quality}), "condition")
        views = counted(len({cell.view for cell in quality}), "view")
        once = ", ".join([CLEAN, *(name for name, _ in planned.conditions if not is_drawn(name))])
        of_draws = f" ({once} once, each other in {len(suite.draws)} draws)" if len(suite.draws) > 1 else ""
        say(f"quality cells per model: {conditions}{of_draws} x {views} = {len(quality)}")
    if latency:
        sizes = dict.fromkeys(f"{cell.height}x{cell.width}" for cell in latency)
        say(f"latency cells per model: {len(latency)} ({', '.join(sizes)})")
    if shard is not None and models:
        show_shard(planned, shard)
    elif shard is not None:
        say(f"shard {shard}: its part depends on the models, and none is given")


def show_shard(plan: "Plan", shard: "Shard") -> None:
    """Print the part of a plan that a shard is."""
    from ..measure.shards import assign
    from ..store.cell import LatencyCell

    cells = plan.to_measure()
    own = [cell for cell, part in zip(cells, assign(cells, shard.of), strict=True) if part == shard.number]
    names = dict.fromkeys(cell.slug if isinstance(cell, LatencyCell) else condition_name(cell) for cell in own)
    say(f"shard {shard}: {len(own)} of {counted(len(cells), 'cell')}: {', '.join(names) or 'none'}")


def condition_name(cell: "QualityCell") -> str:
    return f"{cell.condition}, seed {cell.seed}" if cell.seed else str(cell.condition)


def check(target: Target, options: "Options", out: Path | None) -> None:
    """Read data and models as `run` does before its first cell, and time a few images."""
    from ..datasets.first_pass import first_pass
    from ..measure.estimate import estimate_seconds
    from ..measure.plan import make_jobs, open_data
    from ..measure.shards import part_of
    from ..store.folder import Store

    suite = target.suite
    dataset, ids = open_data(suite, options)
    if dataset is not None:
        say(f"data: {dataset.name} {dataset.split}, {len(ids)} of {counted(dataset.total, 'image')}")
    if not (suite.models or options.weights or options.models):
        if dataset is not None:
            first_pass(dataset, ids, say)
        say("no model is given, so that neither classes nor the time are known")
        return
    _, jobs = make_jobs(suite, options, dataset, ids, say)
    for model in {job.cell.model: job.model for job in jobs}.values():
        say(f"{model.name}: {model.about}; {model.parameters:,} parameters; licence: {model.licence}")
    own = part_of(jobs, options.shard)
    waiting = [job for job in own if out is None or not Store(out).has(job.record.kind, job.cell.slug, job.record.key)]
    if len(waiting) < len(own):
        say(f"{len(own) - len(waiting)} of {counted(len(own), 'cell')} are in {out} already")
    seconds = estimate_seconds(waiting, dataset, ids, options.workers, suite.latency)
    how = f"{options.device}, {options.precision}, {counted(options.workers, 'worker')}"
    say(f"time: about {timedelta(seconds=ceil(seconds))} (h:mm:ss) on this machine as it is now ({how})")
