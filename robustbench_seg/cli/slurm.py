"""`slurm`: a script for a cluster's scheduler, in which each task of an array measures its part of a suite."""

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any

import typer

from ..errors import UsageError
from .choice import Choice, choose
from .options import weights_given

__all__ = ["EXTRA", "USAGE", "read_run", "slurm"]

USAGE = "SUITE --array N --out DIR [OPTIONS] [OPTIONS OF run]"
EXTRA = {"allow_extra_args": True, "ignore_unknown_options": True}  # the options of `run`
TIME = re.compile(r"(?:(?P<days>\d{1,6})-)?(?P<parts>\d{1,6}(?::\d{1,6}){0,2})", re.ASCII)
UNLIMITED = "unlimited"
DAY_S = 24 * 3600
REST_S = 60  # between a stop and the limit: enough to finish a file, and to go back into the queue
LEAST_GRACE_S = 60
LEAST_WORK_S = 300  # between the start and the signal: enough to read a suite and its models
REQUEUES = 20
MOST_TASKS = 4_000_000  # of an array, whatever the MaxArraySize of a cluster
HEAD = """\
#!/bin/bash
#SBATCH --job-name=robustbench-seg
#SBATCH --array=1-{array}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={cpus}
{gpus}#SBATCH --time={time}
#SBATCH --signal=B:USR1@{grace}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=robustbench-seg-%A_%a.log
{more}
# Each task of the array measures its part of the plan, all into the same folder. Some time before the limit Slurm sends
# USR1. The run then ends after the sweep in progress, or a minute before the limit, with status 130. What is finished
# is kept, and the task goes back into the queue, where it resumes, {requeues} times at most. Status 0 (all done),
# 1 (failed cells) and 2 (a wrong option) are final.
"""
BODY = """
limit=
{program} run --shard "$SLURM_ARRAY_TASK_ID/{array}" {arguments} &
run=$!
stop_late() {{
    trap 'kill "$!"; exit' TERM
    sleep {wait} &
    wait
    kill -TERM "$run"
}}
trap 'limit=reached; kill -USR1 "$run"; stop_late & late=$!' USR1
trap 'kill -TERM "$run"' TERM INT
wait "$run"
status=$?
while kill -0 "$run" 2>/dev/null; do # a signal has ended the wait, and not the run
    wait "$run"
    status=$?
done
wait "$run" 2>/dev/null
last=$?
[ "$last" -eq 127 ] || status=$last # 127: an earlier wait has seen the end
if [ -n "$limit" ]; then
    kill "$late" 2>/dev/null
    if [ "$status" -gt 2 ]; then
        if [ "${{SLURM_RESTART_COUNT:-0}}" -ge {requeues} ]; then
            echo "error: not queued again after {requeues} times; perhaps a sweep takes longer than --time allows" >&2
        else
            scontrol requeue "$SLURM_JOB_ID"
        fi
    fi
fi
exit "$status"
"""


def slurm(
    context: typer.Context,
    *,
    array: Annotated[
        int, typer.Option(min=1, max=MOST_TASKS, metavar="N", help="Tasks of the array; each measures 1 part of N.")
    ],
    time: Annotated[str, typer.Option(metavar="TIME", help="Limit of a task, as sbatch takes it.")] = "04:00:00",
    cpus: Annotated[int, typer.Option(min=1, help="Cores of a task.")] = 8,
    grace: Annotated[
        int,
        typer.Option(
            min=LEAST_GRACE_S + REST_S,
            metavar="SECONDS",
            help="So long before the limit a run begins no other sweep; a minute before it, it is stopped.",
        ),
    ] = 600,
    sbatch: Annotated[
        list[str] | None,
        typer.Option(metavar="OPTION", help="Another option of sbatch, such as --partition=gpu; repeatable."),
    ] = None,
) -> None:
    """Print a script for sbatch: an array of jobs, each for a part of SUITE. It takes all options of run."""
    if (limit_s := seconds(time)) is not None and limit_s < grace + LEAST_WORK_S:
        raise UsageError(
            f"--time {time}: is {limit_s} s, and must be {grace + LEAST_WORK_S} s at least: {LEAST_WORK_S} s to work, "
            f"and --grace {grace}"
        )
    for option in sbatch or ():
        if not option.startswith("-") or not option.isprintable():
            raise UsageError(f"--sbatch takes an option such as --partition=gpu, got {option!r:.60}")
    given = read_run(context, context.args)
    expect_runnable(given)
    head = HEAD.format(
        array=array,
        cpus=cpus,
        gpus="" if given["device"].partition(":")[0] == "cpu" else "#SBATCH --gpus=1\n",
        time=time,
        grace=grace,
        requeues=REQUEUES,
        more="".join(f"#SBATCH {option}\n" for option in sbatch or ()),
    )
    body = BODY.format(
        program=shlex.join([sys.executable, "-m", "robustbench_seg"]),
        array=array,
        arguments=shlex.join(context.args),
        wait=grace - REST_S,
        requeues=REQUEUES,
    )
    sys.stdout.write(head + body)


def expect_runnable(given: Mapping[str, Any]) -> None:
    """Raise UsageError, as `run` would in hours, for what needs neither data nor a GPU to be seen as wrong.

    given: see `read_run`. What a file of --plugin registers is not there yet.
    """
    from ..measure.engines.fitting import expect_fitting
    from ..suites import with_weights

    expect_fitting(given["engine"], given["workers"], given["address"])
    if given["shard"] is not None:
        raise UsageError(f"--shard {given['shard']}: the tasks of the array are the shards")
    if given["device"] not in ("cpu", "cuda", "cuda:0"):
        raise UsageError(f"--device {given['device']}: must be cpu or cuda here; each task has one GPU")
    weights = weights_given(given["weights"])
    if given["suite"] is None and not given["data"]:
        raise UsageError("name a suite (see `list suites`), or the data to measure on: --data NAME=PATH")
    if given["suite"] is not None and not given["plugins"]:
        names = [field.name for field in fields(Choice)]
        target = choose(given["suite"], Choice(**{name: given[name] for name in names if given[name] is not None}))
        with_weights(target.suite, weights, given["model"] or ())


def seconds(time: str) -> int | None:
    """Read a limit as sbatch does: M, M:S, H:M:S, D-H, D-H:M or D-H:M:S; None for 0 and "unlimited".

    Raises UsageError for other text.
    """
    if time.lower() == UNLIMITED:
        return None
    if (form := TIME.fullmatch(time)) is None:
        raise UsageError(f"--time takes minutes, HH:MM:SS, D-HH:MM:SS or {UNLIMITED}, got {time!r:.60}")
    parts = [int(part) for part in form["parts"].split(":")]
    if form["days"] is not None or len(parts) == 3:
        hours, minutes, rest = [*parts, 0, 0][:3]
    else:
        hours, minutes, rest = 0, *[*parts, 0][:2]
    return (int(form["days"] or 0) * DAY_S + hours * 3600 + minutes * 60 + rest) or None


def read_run(context: typer.Context, words: Sequence[str]) -> dict[str, Any]:
    """Read the arguments of `run` without running it, by the names of its parameters.

    context: of any command of the program. Raises what `run` raises for an option that it does not have.
    """
    group: Any = context.find_root().command
    return dict(group.commands["run"].make_context("run", [*words]).params)
