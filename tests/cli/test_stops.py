"""Every command that takes a while, stopped at random moments from its first line on."""

import getpass
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml
from full_disk import REASONS, scarce
from processes import LINE, ended, start, wait_for
from program import program
from small import SUITE, write_suite
from tiny_recipe import RECIPE

from robustbench_seg.corruptions import CORRUPTIONS
from robustbench_seg.files import replacing
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.suites import read_suite
from robustbench_seg.temporary_files import TEMPORARY, remove_leftovers

INT, TERM = signal.SIGINT, signal.SIGTERM
USER = getpass.getuser()  # torch makes a folder for each
STOPS = [(INT,), (TERM,), (INT, INT), (INT, TERM), (TERM, INT), (TERM, TERM)]
LONG = {"dataset": {**SUITE["dataset"], "count": 1000}, "gallery": []}
# The seconds in which a stop may come: in the start of a command, which takes about 3, or in its work.
COMMANDS = {"run": 5.0, "train": 5.0, "corrupt": 5.0, "report": 2.5, "compare": 1.5, "plan": 0.5}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("store")
    suite = write_suite(folder, models=[{"name": "constant"}, {"name": "again", "model": "constant"}], views=["whole"])
    assert not run(read_suite(str(suite)), folder / "out", Options(), Listener())
    return folder / "out"


def arguments(command: str, folder: Path, store: Path) -> list[str]:
    (folder / "recipe.yaml").write_text(yaml.safe_dump({**RECIPE, "iterations": 10_000}))
    return {
        "run": ["run", str(write_suite(folder, **LONG)), "--out", str(folder / "out"), "--workers", "2"],
        "train": ["train", str(folder / "recipe.yaml"), "--out", str(folder / "out"), "--workers", "1"],
        "corrupt": ["corrupt", "streets", "--out", str(folder / "out"), "--workers", "2"],
        "report": ["report", str(store), "--out", str(folder / "out")],
        "compare": ["compare", str(store), str(store)],
        "plan": ["plan", "demo"],
    }[command]


def listens(process: subprocess.Popen[str]) -> Callable[[], bool]:
    """Whether a process catches SIGTERM yet: before that Python itself is starting."""
    path, begin = Path(f"/proc/{process.pid}/status"), time.monotonic()

    def check() -> bool:
        if not path.exists():  # no Linux
            return time.monotonic() - begin > 1
        caught = next(line.split()[1] for line in path.read_text().splitlines() if line.startswith("SigCgt"))
        return bool(int(caught, 16) >> (TERM - 1) & 1)

    return check


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_stop_at_any_moment_is_one_line_and_leaves_nothing(
    tmp_path: Path, store: Path, command: str, seed: int
) -> None:
    draw = random.Random(f"{command} {seed}")
    stops, target = draw.choice(STOPS), draw.choice([os.kill, os.killpg])
    (tmp_path / "tmp").mkdir()
    process = start("-m", "robustbench_seg", *arguments(command, tmp_path, store), TMPDIR=str(tmp_path / "tmp"))
    wait_for(listens(process), process)
    time.sleep(draw.uniform(0, COMMANDS[command]))
    for number in stops:
        if process.poll() is None:
            target(process.pid, number)
            time.sleep(draw.uniform(0, 0.5))
    assert ended(process) in [(130, LINE, []), (0, "", [])]
    assert process.returncode == 130 or command in ("report", "compare", "plan"), "the others take longer"
    assert [path.name for path in (tmp_path / "tmp").iterdir() if path.name != f"torchinductor_{USER}"] == []
    remove_leftovers(tmp_path, below=True)
    assert not list(tmp_path.rglob(f"*{TEMPORARY}"))


def test_a_run_whose_output_nobody_reads_any_more_is_stopped(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does
    suite = write_suite(tmp_path, conditions={}, views=["whole"], gallery=[])
    process = start("-m", "robustbench_seg", "run", str(suite), "--out", str(tmp_path / "out"), stdout=writer)
    os.close(writer)
    assert ended(process) == (130, LINE, [])
    assert len(list(tmp_path.glob("out/cells/*.parquet"))) == 2, "what is finished is kept"


QUITTING = """import sys
from robustbench_seg import corruption

@corruption("quitting", category="own")
def quitting(image, severity, draws):
    sys.exit(0)

def build():
    sys.exit("none today")
"""


@pytest.fixture
def quits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file of a user's own, forgotten after the test."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    (file := tmp_path / "quits.py").write_text(QUITTING)
    yield file
    sys.modules.pop("quits", None)
    CORRUPTIONS.pop("quitting", None)


def test_code_of_a_users_own_that_would_end_a_run_is_an_error_with_its_place(tmp_path: Path, quits: Path) -> None:
    file = quits
    suite, out = write_suite(tmp_path, conditions={"quitting": [1]}, views=["whole"], gallery=[]), tmp_path / "out"
    run_it = partial(program, "run", str(suite), "--out", str(out), "--plugin", str(file))
    done = run_it("--workers", "0")
    assert (done.returncode, done.stderr) == (2, f"robustbench-seg: {file}:6: ends the program (SystemExit: 0)\n")
    assert len(list(out.glob("cells/*.parquet"))) == 2, "what is finished is kept"
    done = run_it("--workers", "1")
    assert done.returncode == 1
    assert f"b0-streets-quitting-1-whole: RuntimeError: {file}:6: ends the program (SystemExit: 0)\n" in done.stdout
    line = f"robustbench-seg: {file}:9: ends the program (SystemExit: none today)\n"
    for done in run_it("--model", f"{file}:build"), program("export", f"{file}:build", "--out", str(out / "net.onnx")):
        assert (done.returncode, done.stderr) == (2, line)


def test_a_report_removes_what_a_killed_report_left(tmp_path: Path, store: Path) -> None:
    out = tmp_path / "out"
    with replacing(out / "index.html") as temporary:
        temporary.write_text("part")
    (out / "index.html").rename(temporary)
    done = program("report", str(store), "--out", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(out.glob(f".*{TEMPORARY}"))


def test_a_report_says_in_one_line_that_a_disk_is_full(tmp_path: Path, store: Path) -> None:
    with scarce("limit", tmp_path, 9000):
        done = program("report", str(store), "--out", str(tmp_path / "out"))
    named = rf"robustbench-seg: {tmp_path}/out/[\w.-]+: can't be written: {REASONS['limit']}\n"
    assert re.fullmatch(named, done.stderr), done.stderr
    assert done.returncode == 2
