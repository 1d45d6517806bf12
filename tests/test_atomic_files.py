import os
import subprocess
import sys
from pathlib import Path

import pytest

from robustbench_seg.files import locked, replacing


def left_by_a_killed_run(path: Path) -> Path:
    """The temporary file that a kill while `path` is written would leave."""
    with replacing(path) as temporary:
        name = temporary
        temporary.write_text("part")
    path.rename(name)
    return name


def test_a_lock_removes_what_a_killed_run_left(tmp_path: Path) -> None:
    left = [left_by_a_killed_run(tmp_path / name) for name in ("a.png", "deep/er/b.json")]
    assert all(path.is_file() and path.name.endswith(".robustbench-seg.tmp") for path in left)
    with locked(tmp_path):
        assert not any(path.exists() for path in left)


def test_a_lock_leaves_what_another_process_is_writing(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    written, left = (tmp_path / f".a-{number}.robustbench-seg.tmp" for number in (os.getppid(), gone.pid))
    written.touch()
    left.touch()
    with replacing(tmp_path / "b.txt") as temporary:
        assert temporary.name.endswith(f"-{os.getpid()}.robustbench-seg.tmp")
    with locked(tmp_path):
        assert (written.exists(), left.exists()) == (True, False)


def test_a_lock_removes_no_file_of_anyone_else(tmp_path: Path) -> None:
    names = (".a.tmp", "deep/.b.tmp", "c.tmp", "d.robustbench-seg.tmp", ".e.robustbench-seg.tmp.txt")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    for name in (".f.tmp", ".g.robustbench-seg.tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / ".h.robustbench-seg.tmp").symlink_to(tmp_path / "c.tmp")
    with locked(tmp_path):
        assert all((tmp_path / name).read_text() == "mine" for name in (*names, ".h.robustbench-seg.tmp"))
        assert (tmp_path / ".f.tmp").is_dir()
        assert (tmp_path / ".g.robustbench-seg.tmp").is_dir()


def test_a_block_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [found.name for found in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"
