"""Private folders: each goes with its process, and what a killed one has left with the next."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import LINE, ended, start, wait_for

from robustbench_seg.errors import MachineError
from robustbench_seg.private_folders import PREFIX, private_folder

BEGIN = """
import sys, time
from pathlib import Path
from robustbench_seg import private_folders, stopping

ready, temporary = map(Path, sys.argv[1:])
stopping.listen()
"""
MAKING = """
class Slow(set):
    def add(self, end):
        ready.touch()
        time.sleep(1)
        super().add(end)

stopping.ENDINGS = private_folders.ENDINGS = Slow()
with private_folders.private_folder(temporary):
    time.sleep(100)
"""
REMOVING = """
def slow(folder, usual=private_folders.shutil.rmtree, **how):
    ready.touch()
    time.sleep(1)
    usual(folder, **how)

private_folders.shutil.rmtree = slow
with private_folders.private_folder(temporary):
    pass
time.sleep(100)
"""


@pytest.mark.parametrize("work", [MAKING, REMOVING], ids=["made", "removed"])
def test_a_stop_while_it_is_made_or_removed_leaves_nothing(tmp_path: Path, work: str) -> None:
    ready, temporary = tmp_path / "ready", tmp_path / "temporary"
    process = start("-c", BEGIN + work, str(ready), str(temporary), PYTHONPATH=str(Path(__file__).parents[1]))
    wait_for(ready.exists, process)
    os.kill(process.pid, signal.SIGINT)
    assert ended(process) == (130, LINE, [])
    assert not list(temporary.iterdir())


def test_a_folder_of_a_killed_run_is_removed_by_the_next_and_one_in_use_is_not(tmp_path: Path) -> None:
    program = f"""
import os, signal
from pathlib import Path
from robustbench_seg.private_folders import private_folder
with private_folder(Path({str(tmp_path)!r})) as folder:
    (folder / "part").write_text("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    with private_folder(tmp_path) as one:
        assert not left.exists()
        with private_folder(tmp_path) as two:
            assert {one, two} == set(tmp_path.iterdir())
            assert all(folder.name.startswith(PREFIX) for folder in (one, two))
        assert not two.exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fault", [OSError(37, "No locks available"), NotImplementedError("no locks")])
def test_where_there_are_no_locks_it_ends_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with pytest.raises(MachineError, match="has no locks"), private_folder(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_link_to_a_folder_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "theirs")
    with private_folder(tmp_path):
        assert (tmp_path / f"{PREFIX}link").is_symlink()
    assert not list((tmp_path / "theirs").iterdir())
