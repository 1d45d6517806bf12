"""Processes that run one suite on one folder at the same time: forked from a server that has imported torch once."""

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest import mock

from robustbench_seg.errors import RobustBenchError
from robustbench_seg.measure import claimed, prepare
from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import run
from robustbench_seg.measure.shards import Shard
from robustbench_seg.store import claims
from robustbench_seg.suites import read_suite

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["shared_runs_warm"])
TESTS = Path(__file__).parent
REFUSED = 2
CORRUPTIONS = ("contrast", "brightness", "gaussian_noise", "saturate")
SUITE: dict[str, Any] = {
    "models": [{"name": "constant"}, {"name": "again", "model": "constant"}],
    "dataset": {"name": "streets", "split": "test", "size": [64, 96], "count": 3},
    "views": ["whole"],
    "gallery": [],
    "metrics": ["calibration"],
}


@dataclass(frozen=True)
class Told(Listener):
    """Writes a line per event into a file. pause_s: after each image."""

    log: Path
    pause_s: float = 0.0

    def write(self, *words: object) -> None:
        with self.log.open("a", encoding="utf-8") as file:
            file.write(" ".join(map(str, words)) + "\n")

    def waits(self, line: str) -> None:
        self.write("waits", line)

    def elsewhere(self, job: Any, error: Exception | None) -> None:
        self.write("elsewhere", job.cell.slug, error or "")

    def started(self, jobs: Any) -> None:
        self.write("started", *(job.cell.slug for job in jobs))

    def image(self) -> None:
        time.sleep(self.pause_s)

    def finished(self, job: Any, error: Exception | None) -> None:
        self.write("finished", job.cell.slug, error or "")


@dataclass(frozen=True, kw_only=True)
class How:
    """left_s: see `claims.LEFT_S`. largest: bytes of a file. broken: a corruption that raises."""

    pause_s: float = 0.0
    left_s: float | None = None
    largest: int | None = None
    broken: str = ""
    shard: str = "all"


def measure(suite: str, out: str, log: str, how: How) -> None:
    """Run a suite in this process, which then ends with the command's status."""
    if how.left_s is not None:
        claims.LEFT_S, claims.POLL_S, claimed.POLL_S = how.left_s, how.left_s / 5, how.left_s / 5
    if how.largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (how.largest, how.largest))
    if how.broken:
        usual = prepare.corrupt

        def corrupt(image: Any, entry: Any, *arguments: Any, **others: Any) -> Any:
            if entry.name == how.broken:
                raise RuntimeError(f"no {how.broken} today")
            return usual(image, entry, *arguments, **others)

        prepare.corrupt = corrupt
    told = Told(Path(log), how.pause_s)
    try:
        failed = run(read_suite(suite), Path(out), Options(shard=Shard.parse(how.shard)), told)
    except RobustBenchError as error:
        told.write("refused", error)
        os._exit(REFUSED)
    os._exit(1 if failed else 0)


def begin(suite: Path, out: Path, log: Path, how: How = How()) -> BaseProcess:
    """Start a process that measures."""
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(map(str, (TESTS, TESTS.parent)))):
        forkserver.ensure_running()  # with this path, else it could import nothing before it forks
    process = CONTEXT.Process(target=measure, args=(str(suite), str(out), str(log), how), daemon=True)
    process.start()
    return process


def kill(process: BaseProcess) -> None:
    """Kill a process as the system does."""
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()


def status_of(process: BaseProcess) -> int | None:
    """Wait for the end."""
    process.join(timeout=120)
    return process.exitcode


def wait_until(there: Callable[[], object], seconds: float = 60.0) -> bool:
    """Wait until something is so; whether it was within the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if there():
            return True
        time.sleep(0.005)
    return False
