"""`slurm`: its script is run here by bash, with the variables that Slurm sets and a stand-in for its commands."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import LINE
from program import ROOT, program
from shared_runs import begin_program, status_of, wait_until
from small import SUITE, assert_same_store, stored, write_suite

from robustbench_seg.cli.slurm import seconds
from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import run
from robustbench_seg.measure.shards import Shard
from robustbench_seg.suites import read_suite

CHANGES = {**SUITE, "models": [{"name": "constant"}], "views": ["whole"], "conditions": {"contrast": [1, 2, 3]}}


def script(tmp_path: Path, *arguments: str) -> Path:
    """What the command prints, as a file."""
    done = program("slurm", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    path = tmp_path / "job.sh"
    path.write_text(done.stdout)
    assert subprocess.run(["bash", "-n", str(path)], capture_output=True, check=True).stderr == b""
    return path


def start(path: Path, **environment: str) -> subprocess.Popen[str]:
    """Run a script as Slurm's daemon does; `scontrol` writes its arguments into a file."""
    place = path.parent / "bin"
    place.mkdir(exist_ok=True)
    (place / "scontrol").write_text(f'#!/bin/sh\necho "$@" >> {path.parent}/requeued\n')
    (place / "scontrol").chmod(0o755)
    own = {"PATH": f"{place}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "SLURM_JOB_ID": "77", **environment}
    return subprocess.Popen(
        ["bash", str(path)], env={**os.environ, **own}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def directives(path: Path) -> list[str]:
    return [line.removeprefix("#SBATCH ") for line in path.read_text().splitlines() if line.startswith("#SBATCH ")]


def test_the_tasks_of_the_array_together_measure_the_suite(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, **CHANGES)
    out = tmp_path / "it's $HOME; a `folder`"
    path = script(tmp_path, str(suite), "--array", "2", "--out", str(out), "--workers", "0")
    outputs = []
    for task in ("1", "2"):
        # as where each task is submitted alone
        numbers = {"ID": task, "COUNT": "1", "MIN": task, "MAX": task, "STEP": "1"}
        process = start(path, **{f"SLURM_ARRAY_TASK_{name}": value for name, value in numbers.items()})
        outputs.append(process.communicate(timeout=120)[0])
        assert process.returncode == 0, outputs
    assert "shard 1/2 is done; 2 cells of other shards missing: no report is written yet" in outputs[0]
    assert (out / "report/index.html").is_file(), "the last one writes the report"
    assert f"report: {out}/report/index.html" in outputs[1]
    assert not (tmp_path / "requeued").exists()
    run(read_suite(str(suite)), tmp_path / "single", Options(), Listener())
    assert len(stored(out)) == 4
    assert_same_store(tmp_path / "single", out)


def test_each_task_of_the_largest_array_has_a_shard(tmp_path: Path) -> None:
    assert "#SBATCH --array=1-4000000\n" in script(tmp_path, "demo", "--array", "4000000", "--out", "x").read_text()
    assert Shard.parse("4000000/4000000") == Shard(4_000_000, 4_000_000)


def test_what_sbatch_is_asked_for(tmp_path: Path) -> None:
    arguments = ["demo", "--array", "8", "--out", "x", "--time", "1-00:00:00", "--cpus", "16", "--grace", "900"]
    lines = directives(script(tmp_path, *arguments, "--sbatch", "--partition=a b", "--sbatch", "-A lab"))
    assert lines == [
        *("--job-name=robustbench-seg", "--array=1-8", "--ntasks=1", "--cpus-per-task=16", "--time=1-00:00:00"),
        *("--signal=B:USR1@900", "--requeue", "--open-mode=append", "--output=robustbench-seg-%A_%a.log"),
        *("--partition=a b", "-A lab"),
    ]
    assert "--gpus=1" in directives(script(tmp_path, *arguments, "--device", "cuda"))
    shard = '--shard "$SLURM_ARRAY_TASK_ID/8"'
    text = script(tmp_path, *arguments, "--plugin", "my own.py", "-q", "--model", "b=pkg:f").read_text()
    assert (
        f"\n{sys.executable} -m robustbench_seg run {shard} demo --out x --plugin 'my own.py' -q --model b=pkg:f &\n"
        in text
    )
    assert "sleep 840 &" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--array", "4"], "Missing option '--out'"),
        (["demo", "--out", "x"], "Missing option '--array'"),
        (["demo", "--array", "0", "--out", "x"], "Invalid value for '--array'"),
        (["demo", "--array", "4000001", "--out", "x"], "Invalid value for '--array'"),
        (["demo", "--array", "4", "--out", "x", "--address", "auto"], "--address auto: is for --engine ray"),
        (
            ["demo", "--array", "4", "--out", "x", "--engine", "ray", "--workers", "2"],
            "--workers is for --engine local: with ray, tasks on all CPUs",
        ),
        (["demo", "--array", "4", "--out", "x", "--worker", "2"], "No such option: --worker"),
        (["demo", "--array", "4", "--out", "x", "--workers", "two"], "Invalid value for '--workers'"),
        (["demo", "more", "--array", "4", "--out", "x"], "Got unexpected extra argument"),
        (["dema", "--array", "4", "--out", "x"], "dema: no such file, and not one of the shipped"),
        (["--array", "4", "--out", "x"], "name a suite (see `list suites`), or the data to measure on"),
        (
            ["demo", "--array", "4", "--out", "x", "--shard", "1/4"],
            "--shard 1/4: the tasks of the array are",
        ),
        (
            ["demo", "--array", "4", "--out", "x", "--device", "gpu"],
            "--device gpu: must be cpu or cuda here; each ta",
        ),
        (["demo", "--array", "4", "--out", "x", "--device", "cuda:1"], "--device cuda:1: must be cpu or cuda here; ea"),
        (["demo", "--array", "4", "--out", "x", "--view", "near"], "unknown view 'near'; views have names such as"),
        (["cityscapes-c", "--array", "4", "--out", "x"], "suite cityscapes-c names no model: use --model SOURCE or"),
        (
            ["demo", "--array", "4", "--out", "x", "--corruptions", "fogg"],
            "--corruptions: 'fogg' is none of gaussian_noise",
        ),
        (["demo", "--array", "4", "--out", "x", "--data", "city"], "--data takes NAME=PATH, got 'city'"),
        (["demo", "--array", "4", "--out", "x", "--weights", "b5"], "--weights takes NAME=PATH, got 'b5'"),
        (["demo", "--array", "4", "--out", "x", "--time", "soon"], "--time takes minutes, HH:MM:SS, D-HH:MM:SS or unl"),
        (["demo", "--array", "4", "--out", "x", "--time", "10"], "--time 10: is 600 s, and must be 900 s at least: "),
        (["demo", "--array", "4", "--out", "x", "--sbatch", "-p x\nrm -r y"], "--sbatch takes an option such as"),
    ],
)
def test_a_wrong_option_is_refused_before_the_script_is_printed(arguments: list[str], message: str) -> None:
    done = program("slurm", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


STAND_IN = """#!/bin/bash
# In the place of Python: a run that ends at the end of its sweep, or at once.
trap 'echo finishing; sleep {sweep} >/dev/null 2>&1 & wait $!; echo swept; exit 130' USR1
trap 'echo stopped; exit 130' TERM
echo "$@"
sleep 60 >/dev/null 2>&1 &
wait
exit 0
"""


def begin_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sweep: float, late: float, **environment: str
) -> subprocess.Popen[str]:
    """Start a script in the place of whose program is a stand-in that has begun to work."""
    program_file = tmp_path / "a program"
    program_file.write_text(STAND_IN.format(sweep=sweep))
    program_file.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program_file))
    path = script(tmp_path, "demo", "--array", "1", "--out", "x")
    path.write_text(path.read_text().replace("sleep 540", f"sleep {late}"))
    process = start(path, SLURM_ARRAY_TASK_ID="1", **environment)
    assert process.stdout
    assert process.stdout.readline() == "-m robustbench_seg run --shard 1/1 demo --out x\n"
    time.sleep(0.2)  # until bash waits
    return process


def test_before_the_time_limit_the_run_ends_with_its_sweep_and_the_task_is_queued_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = begin_stand_in(tmp_path, monkeypatch, sweep=0.2, late=540)
    process.send_signal(signal.SIGUSR1)
    output = process.communicate(timeout=60)[0]
    assert "finishing\nswept\n" in output
    assert "stopped" not in output
    assert process.returncode == 130
    assert (tmp_path / "requeued").read_text() == "requeue 77\n"


def test_a_long_sweep_is_stopped_before_the_time_limit_and_the_task_is_queued_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = begin_stand_in(tmp_path, monkeypatch, sweep=50, late=0.2)
    process.send_signal(signal.SIGUSR1)
    assert "finishing\nstopped\n" in process.communicate(timeout=40)[0]
    assert process.returncode == 130
    assert (tmp_path / "requeued").read_text() == "requeue 77\n"


@pytest.mark.parametrize(("count", "again"), [("19", True), ("20", False)])
def test_a_task_is_not_queued_again_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: str, again: bool
) -> None:
    process = begin_stand_in(tmp_path, monkeypatch, sweep=0.2, late=540, SLURM_RESTART_COUNT=count)
    process.send_signal(signal.SIGUSR1)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert (tmp_path / "requeued").exists() == again
    assert ("error: not queued again after 20 times" in output) != again


@pytest.mark.parametrize(
    ("time", "limit_s"),
    [
        ("90", 5400), ("90:30", 5430), ("4:00:00", 14400), ("1-0", 86400), ("2-3:04", 183840), ("1-02:03:04", 93784),
        ("0", None), ("0-0", None), ("UNLIMITED", None),
    ],
)  # fmt: skip
def test_a_limit_is_read_as_sbatch_reads_it(time: str, limit_s: int | None) -> None:
    """The forms are those of its manual: minutes, minutes:seconds, hours:minutes:seconds, days-hours and so on."""
    assert seconds(time) == limit_s


def test_a_job_that_is_cancelled_is_not_queued_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = begin_stand_in(tmp_path, monkeypatch, sweep=0, late=540)
    process.send_signal(signal.SIGTERM)
    assert "stopped" in process.communicate(timeout=40)[0]
    assert process.returncode == 130
    assert not (tmp_path / "requeued").exists()


def test_a_real_run_ends_after_its_sweep_when_it_is_asked_to(tmp_path: Path) -> None:
    suite, out = write_suite(tmp_path, **{**CHANGES, "models": SUITE["models"]}), tmp_path / "out"
    process = begin_program("run", str(suite), "--out", str(out), "--workers", "0", errors=tmp_path / "errors")
    assert wait_until(lambda: list(out.glob(".claims/*.[0-9]*")))
    os.kill(process.pid or 0, signal.SIGUSR1)
    assert status_of(process) == 130
    assert (tmp_path / "errors").read_text() == LINE
    assert len(stored(out)) in (2, 4, 6), "whole sweeps"
    assert list((out / ".claims").glob("*.[0-9]*")) == []
