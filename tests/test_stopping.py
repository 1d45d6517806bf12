"""Stops of processes that are in a known state: each makes a file `ready` when it is."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import LINE, commands_of, ended, start, wait_for

from robustbench_seg.locks import locked, measuring
from robustbench_seg.store.claims import Claims

INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
Send = Callable[[int, signal.Signals], None]
TESTS = Path(__file__).parent
BEGIN = """
import atexit, functools, sys, time
from pathlib import Path
from robustbench_seg.files import write_text
from robustbench_seg.measure.workers import Loader
from robustbench_seg.stopping import listen
from stops import in_library, quick, quick_or_slow, slow_write

folder = Path(sys.argv[1])
listen()

def wait():
    (folder / "ready").touch()
    time.sleep(100)
"""
STATES = {
    "in an import or any other call": "wait()",
    "in a library's code": "in_library(folder)",
    "in code that swallows what is raised": """
while True:
    try:
        wait()
    except BaseException:
        pass
""",
    "while workers start": """
with Loader(3) as loader:
    results = loader.map(quick, range(100))
    (folder / "ready").touch()
    next(results)
    time.sleep(100)
""",
    "while workers are idle": """
with Loader(2) as loader:
    list(loader.map(quick, range(9)))
    wait()
""",
    "while workers are in a library's code": """
with Loader(2) as loader:
    list(loader.map(in_library, [folder] * 9))
""",
    "while a loader is left": """
with Loader(2) as loader:
    results = loader.map(functools.partial(quick_or_slow, folder), range(9))
    next(results)
    while not (folder / "ready").exists():
        time.sleep(0.01)
""",
    "at the end of the program": "atexit.register(wait)",
}


def begin(
    script: str, folder: Path, *ignored: signal.Signals, stdout: int = subprocess.DEVNULL, before: str = ""
) -> subprocess.Popen[str]:
    """A process that has come as far as being ready, or to its end."""
    path = os.pathsep.join(map(str, (TESTS, TESTS.parent)))
    process = start("-c", before + BEGIN + script, str(folder), ignored=ignored, stdout=stdout, PYTHONPATH=path)
    wait_for((folder / "ready").exists, process)
    return process


@pytest.mark.parametrize(("target", "number"), [(os.kill, INT), (os.killpg, TERM)])
@pytest.mark.parametrize("state", STATES)
def test_a_stop_ends_a_process_in_any_state(tmp_path: Path, state: str, target: Send, number: signal.Signals) -> None:
    process = begin(STATES[state], tmp_path)
    target(process.pid, number)
    assert ended(process) == (130, LINE, [])


def test_a_closed_terminal_is_a_stop(tmp_path: Path) -> None:
    process = begin(STATES["while workers start"], tmp_path)
    os.killpg(process.pid, HUP)
    assert ended(process) == (130, LINE, [])


@pytest.mark.parametrize("target", [os.kill, os.killpg])
@pytest.mark.parametrize(
    "write",
    [
        "slow_write(folder, 1)",
        "with Loader(1) as loader:\n    list(loader.map(functools.partial(slow_write, seconds=1), [folder]))",
    ],
)
def test_what_is_being_written_is_finished_and_nothing_is_begun(tmp_path: Path, write: str, target: Send) -> None:
    process = begin(f"{write}\nwrite_text(folder / 'b.txt', 'new')", tmp_path)
    for _ in range(2):  # as timeout(1) does: to the process and to its group
        target(process.pid, TERM)
    assert ended(process) == (130, LINE, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "ready"]
    assert (tmp_path / "a.txt").read_text() == "new"


@pytest.mark.parametrize("target", [os.kill, os.killpg])
@pytest.mark.parametrize("pair", [(INT, INT), (INT, TERM), (TERM, INT), (TERM, TERM), (HUP, INT)])
def test_a_second_stop_does_not_wait_for_what_is_being_written(
    tmp_path: Path, pair: tuple[signal.Signals, signal.Signals], target: Send
) -> None:
    (tmp_path / "a.txt").write_text("old")
    process = begin("slow_write(folder, 100)", tmp_path)
    target(process.pid, pair[0])
    time.sleep(0.3)
    assert process.poll() is None
    target(process.pid, pair[1])
    assert ended(process) == (130, LINE, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "ready"]
    assert (tmp_path / "a.txt").read_text() == "old"


@pytest.mark.parametrize("target", [os.kill, os.killpg])
def test_a_second_stop_ends_workers_that_write_and_the_next_command_removes_what_they_leave(
    tmp_path: Path, target: Send
) -> None:
    script = "with Loader(2) as loader:\n    list(loader.map(functools.partial(slow_write, seconds=100), [folder] * 9))"
    process = begin(script, tmp_path)
    target(process.pid, INT)
    time.sleep(0.3)
    assert process.poll() is None
    target(process.pid, INT)
    assert ended(process) == (130, LINE, [])
    with locked(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "ready"]


def test_a_process_that_a_library_forks_and_ends_is_no_stop_of_this_one(tmp_path: Path) -> None:
    script = """
import os, signal, warnings
warnings.simplefilter("ignore")  # newer Pythons': threads may hold locks in a fork
child = os.fork()
if not child:
    time.sleep(100)
os.kill(child, signal.SIGTERM)
write_text(folder / "status", str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
time.sleep(0.3)
"""
    assert ended(begin(script, tmp_path)) == (0, "", [])
    assert (tmp_path / "status").read_text() == "-15"


def test_exit_functions_run_before_the_end_with_a_status(tmp_path: Path) -> None:
    script = """
from robustbench_seg.stopping import end_with
atexit.register(write_text, folder / "last", "written")
print("kept", end="")
end_with(3)
"""
    reader, writer = os.pipe()
    assert ended(begin(script, tmp_path, stdout=writer)) == (3, "", [])
    os.close(writer)
    with open(reader) as printed:  # noqa: PTH123  not a path
        assert printed.read() == "kept"
    assert (tmp_path / "last").read_text() == "written"


def test_a_stop_waits_for_no_reader_of_its_line(tmp_path: Path) -> None:
    script = """
import os
os.set_blocking(2, False)
try:
    while os.write(2, bytes(4096)):
        pass
except BlockingIOError:
    os.set_blocking(2, True)
wait()
"""
    process = begin(script, tmp_path)
    process.send_signal(INT)
    assert process.wait(timeout=60) == 130
    assert ended(process)[2] == []


def test_a_stop_needs_neither_set_blocking_nor_select(tmp_path: Path) -> None:
    """As on Windows, which has the one since Python 3.12, and the other for sockets only."""
    before = """
import os, select

def refuse(*arguments):
    raise OSError(10038, "an operation was attempted on something that is not a socket")

def pipe(blocking=os.set_blocking, pipe=os.pipe):
    reader, writer = pipe()
    blocking(writer, False)
    return reader, writer

os.pipe, select.select = pipe, refuse
del os.set_blocking
"""
    process = begin("wait()", tmp_path, before=before)
    process.send_signal(INT)
    assert ended(process) == (130, LINE, [])


WAITS = {
    "for the machine": """
from robustbench_seg.locks import measuring
with measuring(folder, alone=True, wait=ready):
    pass
""",
    "for the report of another run": """
from robustbench_seg.cli import run
run.say = ready
with run.turn_for(folder, "report"):
    pass
""",
    "for the sweep of another run": """
from types import SimpleNamespace
from robustbench_seg.measure.claimed import Shared, claimed
from robustbench_seg.store.claims import Claims
job = SimpleNamespace(record=SimpleNamespace(key=""))
store = SimpleNamespace(folder=folder, holds=lambda record: False, failure_stamp=lambda record: None)
with Claims(folder) as claims:
    shared = Shared(store, claims, SimpleNamespace(waits=ready), {})
    list(claimed(shared, [SimpleNamespace(name="fog-3", jobs=[job])]))
""",
}


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="only POSIX has it")
@pytest.mark.parametrize("wait", WAITS)
def test_a_process_that_is_asked_to_end_while_it_waits_for_another_ends(tmp_path: Path, wait: str) -> None:
    with measuring(tmp_path, alone=False, wait=print), Claims(tmp_path) as claims:
        assert claims.take("report", "the report")
        assert claims.take("fog-3", "fog-3")
        process = begin("ready = lambda line: (folder / 'ready').touch()" + WAITS[wait], tmp_path)
        process.send_signal(signal.SIGUSR1)
        assert ended(process, seconds=20) == (130, LINE, [])


def test_a_terminal_gets_its_cursor_back(tmp_path: Path) -> None:
    reader, terminal = os.openpty()
    process = begin("wait()", tmp_path, stdout=terminal)
    os.close(terminal)
    process.send_signal(INT)
    assert ended(process) == (130, LINE, [])
    assert os.read(reader, 64) == b"\x1b[?25h\r\n"
    os.close(reader)


@pytest.mark.parametrize("ignored", [INT, HUP])
def test_a_signal_that_is_ignored_stays_so(tmp_path: Path, ignored: signal.Signals) -> None:
    process = begin(STATES["while workers are idle"], tmp_path, ignored)
    os.killpg(process.pid, ignored)
    time.sleep(0.3)
    assert process.poll() is None
    os.killpg(process.pid, TERM)
    assert ended(process) == (130, LINE, [])


def test_workers_of_a_killed_process_end_too(tmp_path: Path) -> None:
    process = begin(STATES["while workers are in a library's code"], tmp_path)
    process.kill()
    process.wait()
    patience = time.monotonic() + 10
    while commands_of(process.pid) and time.monotonic() < patience:
        time.sleep(0.02)
    assert ended(process) == (-signal.SIGKILL, "", [])
