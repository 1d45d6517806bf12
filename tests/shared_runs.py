"""Processes that run one suite on one folder at the same time, the program, or other code: forked from a server
that has imported torch once.
"""

import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest import mock

from robustbench_seg.__main__ import main
from robustbench_seg.errors import RobustBenchError
from robustbench_seg.measure import claimed, prepare
from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import run
from robustbench_seg.measure.shards import Shard
from robustbench_seg.stopping import end_with
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
    """Writes a line per event into a file. pause_s: after each image. gate: a file without which no image passes."""

    log: Path
    pause_s: float = 0.0
    gate: Path | None = None

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
        while self.gate and not self.gate.exists():
            time.sleep(0.005)

    def finished(self, job: Any, error: Exception | None) -> None:
        self.write("finished", job.cell.slug, error or "")


@dataclass(frozen=True, kw_only=True)
class How:
    """pause_s, gate: see `Told`. left_s: see `claims.LEFT_S`. largest: bytes of a file. broken: a corruption that
    raises. address: of a Ray cluster that measures. variables: of the environment, such as those by which Ray admits a
    driver; the server may have begun before they were set.
    """

    pause_s: float = 0.0
    gate: Path | None = None
    left_s: float | None = None
    largest: int | None = None
    broken: str = ""
    shard: str = "all"
    address: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


def measure(suite: str, out: str, log: str, how: How) -> None:
    """Run a suite in this process, which then ends with the command's status."""
    os.environ.update(how.variables)
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
    told = Told(Path(log), how.pause_s, how.gate)
    engine = "ray" if how.address else "local"
    options = Options(shard=Shard.parse(how.shard), engine=engine, address=how.address)
    try:
        failed = run(read_suite(suite), Path(out), options, told)
    except RobustBenchError as error:
        told.write("refused", error)
        os._exit(REFUSED)
    os._exit(1 if failed else 0)


def fork(function: Callable[..., None], *arguments: object) -> BaseProcess:
    """Call a function in a process of the server's."""
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(map(str, (TESTS, TESTS.parent)))):
        forkserver.ensure_running()  # with this path, else it could import nothing before it forks
    process = CONTEXT.Process(target=function, args=arguments, daemon=True)
    process.start()
    return process


def begin(suite: Path, out: Path, log: Path, how: How = How()) -> BaseProcess:
    """Start a process that measures."""
    return fork(measure, str(suite), str(out), str(log), how)


def begin_program(*arguments: str, errors: Path) -> BaseProcess:
    """Start the program in a session of its own; the file gets what it writes to stderr.

    Stops during its imports are in test_stops.py.
    """
    return fork(run_program, arguments, errors)


def run_program(arguments: Sequence[str], errors: Path) -> None:
    """Be the program, to its end."""
    os.setsid()
    multiprocessing.current_process().daemon = False  # it may start workers
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it, and so would what it starts
    for path, number in ((Path(os.devnull), 1), (errors, 2)):
        with path.open("w") as file:
            os.dup2(file.fileno(), number)
    sys.argv = ["robustbench-seg", *arguments]
    try:
        main()
    except SystemExit as end:
        end_with(int(end.code or 0))


def begin_code(code: str, *arguments: str) -> BaseProcess:
    """Start Python code, as `python -c` does."""
    return fork(run_code, code, arguments)


def run_code(code: str, arguments: Sequence[str]) -> None:
    """Run Python code as the main module."""
    sys.argv = ["-c", *arguments]
    exec(code, {"__name__": "__main__"})


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
