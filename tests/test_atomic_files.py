"""Files written whole or not at all; whose temporary files are removed, and when; the lock on a folder."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from full_disk import REASONS, WAYS, mounted, scarce
from processes import start, wait_for
from shared_runs import begin_code, kill, status_of, wait_until

from robustbench_seg import temporary_files
from robustbench_seg.errors import MachineError, StoreError
from robustbench_seg.files import replacing, write_bytes, write_text, writing
from robustbench_seg.locks import locked
from robustbench_seg.temporary_files import remove_leftovers
from segformer import files as segformer_files
from segformer.files import write_atomically

DAY_S = 24 * 3600
OURS = "from robustbench_seg.files import write_bytes as write"
SEGFORMERS = "from segformer.files import write_atomically as write"
# It stops when the content is in the temporary file, and continues when the file `go` exists.
WRITER = """
import os, sys, time
from pathlib import Path
{writer}
folder, wait = Path(sys.argv[1]), os.fsync

def fsync(descriptor):
    (folder / "ready").touch()
    while not (folder / "go").exists():
        time.sleep(0.01)
    wait(descriptor)

os.fsync = fsync
write(folder / "a.bin", b"new")
"""
LOCK = """
import sys, time
from pathlib import Path
from robustbench_seg.locks import locked
with locked(Path(sys.argv[1])):"""
PATH = {"PYTHONPATH": str(Path(__file__).parents[1])}


def leftovers(folder: Path) -> list[Path]:
    return sorted(folder.rglob(".*.robustbench-seg.tmp"))


def writer_in(folder: Path, writer: str = OURS) -> BaseProcess:
    """A process that is writing a.bin, with the content in its temporary file."""
    process = begin_code(WRITER.format(writer=writer), str(folder))
    assert wait_until((folder / "ready").exists)
    return process


def in_namespace(*arguments: str) -> list[str]:
    """A command in its own PID namespace; the test is skipped where there can be none."""
    command = [shutil.which("unshare") or "unshare", "--pid", "--fork", "--kill-child"]
    try:
        subprocess.run([*command, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not make a PID namespace")
    return [*command, sys.executable, *arguments]


@pytest.mark.parametrize("writer", [OURS, SEGFORMERS], ids=["ours", "segformer's"])
def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path, writer: str) -> None:
    process = writer_in(tmp_path, writer)
    (left,) = leftovers(tmp_path)
    assert left.read_bytes() == b"new"
    with locked(tmp_path):
        assert left.exists()
    kill(process)
    with locked(tmp_path):
        assert not left.exists()
    assert not (tmp_path / "a.bin").exists()
    (tmp_path / "ready").unlink()
    process = writer_in(tmp_path, writer)
    with locked(tmp_path):
        (tmp_path / "go").touch()
        assert status_of(process) == 0
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    assert leftovers(tmp_path) == []


def test_a_writer_in_another_pid_namespace_lives(tmp_path: Path) -> None:
    command = in_namespace("-c", WRITER.format(writer=OURS), str(tmp_path))
    with subprocess.Popen(command, env={**os.environ, **PATH}) as process:
        while process.poll() is None and not (tmp_path / "ready").exists():
            time.sleep(0.01)
        (left,) = leftovers(tmp_path)
        with locked(tmp_path):
            assert left.exists()
        (tmp_path / "go").touch()
    assert (process.returncode, (tmp_path / "a.bin").read_bytes()) == (0, b"new")


def test_a_lock_in_another_pid_namespace_removes_no_file_that_is_being_written_here(tmp_path: Path) -> None:
    command = in_namespace("-c", f"{LOCK} pass", str(tmp_path))
    process = writer_in(tmp_path)
    subprocess.run(command, check=True, env={**os.environ, **PATH})
    assert len(leftovers(tmp_path)) == 1
    kill(process)
    subprocess.run(command, check=True, env={**os.environ, **PATH})
    assert leftovers(tmp_path) == [], "and what is left by a process of another namespace goes"


def aged(path: Path, seconds: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


@pytest.mark.parametrize(
    "name",
    [".x-0a1b2c3d.robustbench-seg.tmp", f".a-k3j9_xyz-{2**22 - 1}.robustbench-seg.tmp", ".a.robustbench-seg.tmp"],
    ids=["of another machine or boot", "of an older version, with the number of a process", "without an owner"],
)
def test_a_file_of_an_unknown_owner_is_removed_when_it_is_a_day_old(tmp_path: Path, name: str) -> None:
    new, old = aged(tmp_path / name, DAY_S - 60), aged(tmp_path / "deep/er" / name, DAY_S + 60)
    with locked(tmp_path):
        assert (new.exists(), old.exists()) == (True, False)
    os.truncate(new, 0)  # it changes again
    with locked(tmp_path):
        assert new.exists()


def test_an_old_file_that_is_locked_is_being_written(tmp_path: Path) -> None:
    path = aged(tmp_path / ".x-0a1b2c3d.robustbench-seg.tmp", 9 * DAY_S)
    with path.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with locked(tmp_path):
            assert path.exists()
    with locked(tmp_path):
        assert not path.exists()


def refuse_locks(handle: object, how: int) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


@pytest.mark.parametrize(
    ("what", "instead"),
    [("fcntl.flock", refuse_locks), ("robustbench_seg.temporary_files.boot", lambda: "")],
    ids=["locks", "boot"],
)
def test_where_the_system_lacks_a_means_to_tell_age_alone_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, instead: object
) -> None:
    with replacing(tmp_path / "a.txt") as temporary:
        name = temporary.name
        temporary.write_text("new")
    new, old = aged(tmp_path / "new" / name, 60), aged(tmp_path / "old" / name, DAY_S + 60)
    monkeypatch.setattr(what, instead)
    remove_leftovers(tmp_path, below=True)
    assert (new.exists(), old.exists()) == (True, False)
    write_text(tmp_path / "a.txt", "newer")
    assert (tmp_path / "a.txt").read_text() == "newer"


@pytest.mark.parametrize("write", [write_bytes, write_atomically])
def test_a_file_that_was_removed_as_a_leftover_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, bytes], None]
) -> None:
    lock, taken = fcntl.flock, []

    def late(handle: int, how: int) -> None:
        if not taken:
            taken.extend(leftovers(tmp_path))
            remove_leftovers(tmp_path)
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    monkeypatch.setattr(temporary_files, "remove_leftovers", None)
    write(tmp_path / "a.txt", b"new")
    assert len(taken) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"new"


@pytest.fixture
def as_on_windows(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No flock, and a file that is open here can neither be renamed nor removed. What was, by the calls' names."""
    done: list[str] = []
    for module in (temporary_files, segformer_files):
        monkeypatch.setattr(module, "fcntl", None)

    def refuse_open(name: str) -> None:
        call = getattr(Path, name)

        def checked(path: Path, *arguments: object, **options: object) -> object:
            for descriptor in Path("/proc/self/fd").iterdir():
                if descriptor.exists() and path.exists() and descriptor.samefile(path):
                    raise PermissionError(errno.EACCES, "used by another process", str(path))
            done.append(name)
            return call(path, *arguments, **options)

        monkeypatch.setattr(Path, name, checked)

    refuse_open("replace")
    refuse_open("unlink")
    return done


@pytest.mark.parametrize("write", [write_bytes, write_atomically])
def test_no_file_is_renamed_or_removed_while_it_is_open_where_the_system_forbids_it(
    tmp_path: Path, as_on_windows: list[str], write: Callable[[Path, bytes], None]
) -> None:
    write(tmp_path / "a.bin", b"old")
    write(tmp_path / "a.bin", b"new")
    assert as_on_windows == ["replace", "replace"]
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    (tmp_path / "folder").mkdir()
    with pytest.raises((OSError, MachineError)):
        write(tmp_path / "folder", b"a folder can't be replaced by a file")
    assert as_on_windows[-1] == "unlink"
    assert leftovers(tmp_path) == []
    new, old = (
        aged(tmp_path / name, age)
        for name, age in ((".a.robustbench-seg.tmp", 60), (".b.robustbench-seg.tmp", DAY_S + 60))
    )
    remove_leftovers(tmp_path)
    assert (new.exists(), old.exists()) == (True, False)


def test_a_lock_removes_no_file_of_anyone_else(tmp_path: Path) -> None:
    names = (".a.tmp", "deep/.b.tmp", "c.tmp", "d.robustbench-seg.tmp", ".e.robustbench-seg.tmp.txt")
    for name in names:
        aged(tmp_path / name, 9 * DAY_S).write_text("mine")
        aged(tmp_path / name, 9 * DAY_S)
    for name in (".f.tmp", ".g.robustbench-seg.tmp"):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / ".h.robustbench-seg.tmp").symlink_to(tmp_path / "c.tmp")
    with locked(tmp_path):
        assert all((tmp_path / name).read_text() == "mine" for name in (*names, ".h.robustbench-seg.tmp"))
        assert (tmp_path / ".f.tmp").is_dir()
        assert (tmp_path / ".g.robustbench-seg.tmp").is_dir()


def test_leftovers_of_a_folder_alone_are_not_looked_for_below_it(tmp_path: Path) -> None:
    here, below = (aged(tmp_path / name, 9 * DAY_S) for name in (".a.robustbench-seg.tmp", "b/.a.robustbench-seg.tmp"))
    remove_leftovers(tmp_path)
    assert (here.exists(), below.exists()) == (False, True)


def test_a_block_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def test_a_name_as_long_as_the_system_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127)
    write_text(path, "new")
    assert path.read_text() == "new"


@pytest.mark.parametrize("way", WAYS)
def test_a_full_disk_is_reported_with_the_file_and_the_remedy_and_the_old_file_stays(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "out"
    with scarce(way, folder, 200_000):
        write_bytes(folder / "a.bin", b"old")
        with pytest.raises(MachineError, match=rf"^{folder}/a\.bin: can't be written: {REASONS[way]}$"):
            write_bytes(folder / "a.bin", bytes(300_000))
        assert [path.name for path in folder.iterdir()] == ["a.bin"]
        assert (folder / "a.bin").read_bytes() == b"old"
        write_bytes(folder / "a.bin", b"new")
        assert (folder / "a.bin").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EDQUOT, "the quota of its disk is used up; make room, then give the same command again"),
        (errno.EROFS, "its disk is read-only; choose another place"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_the_system_refuses_is_one_line_that_names_the_file(tmp_path: Path, number: int, reason: str) -> None:
    def write() -> None:
        with writing(tmp_path / "a.bin"), writing(tmp_path / "b.bin"):
            raise OSError(number, "in the system's words")

    with pytest.raises(MachineError, match=rf"^{tmp_path}/b\.bin: can't be written: {reason}$"):
        write()


def test_an_error_that_a_library_raises_over_a_full_disk_is_reported_as_the_full_disk(tmp_path: Path) -> None:
    def write(number: int) -> None:
        with writing(tmp_path / "a.bin"):
            try:
                raise OSError(number, "in the system's words")
            finally:
                raise RuntimeError("unexpected pos 704 vs 598")

    with pytest.raises(MachineError, match=r"a\.bin: can't be written: no room is left on its disk"):
        write(errno.ENOSPC)
    with pytest.raises(RuntimeError, match="unexpected pos"):
        write(errno.ENOENT)


def test_a_folder_in_use_is_refused_in_every_namespace_until_its_user_is_gone(tmp_path: Path) -> None:
    command = in_namespace("-c", f"{LOCK} pass", str(tmp_path))
    holder = start("-c", f"{LOCK} (Path(sys.argv[1]) / 'ready').touch(); time.sleep(100)", str(tmp_path), **PATH)
    wait_for((tmp_path / "ready").exists, holder)
    with pytest.raises(StoreError, match=f"^{tmp_path}: another run is using this folder$"), locked(tmp_path):
        pass
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **PATH})
    assert "StoreError" in done.stderr
    holder.kill()
    holder.communicate()
    with locked(tmp_path):
        pass
    subprocess.run(command, check=True, env={**os.environ, **PATH})


def test_a_folder_can_be_shared_and_is_then_refused_to_who_wants_it_alone(tmp_path: Path) -> None:
    refused = pytest.raises(StoreError, match="another run is using this folder")
    with locked(tmp_path, shared=True), locked(tmp_path, shared=True), refused, locked(tmp_path):
        pass
    with locked(tmp_path), refused, locked(tmp_path, shared=True):
        pass


@pytest.mark.parametrize("vanish", [shutil.rmtree, lambda folder: folder.rename(folder.with_name("other"))])
def test_a_folder_that_vanished_while_it_was_in_use_is_reported(
    tmp_path: Path, vanish: Callable[[Path], object]
) -> None:
    out = tmp_path / "out"
    with pytest.raises(StoreError, match=f"^{out}: was removed or renamed while it was in use"), locked(out):
        vanish(out)
        write_text(out / "a.txt", "what comes later makes the folder again, but without its lock")


def test_a_folder_that_cannot_be_made_or_written_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file/below"):
        expected = rf"^{out}: can't be written: a file stands where its folder should be; choose another place$"
        with pytest.raises(MachineError, match=expected), locked(out):
            pass
    with mounted(tmp_path / "fixed", "ro"):
        expected = rf"^{tmp_path}/fixed: can't be written: its disk is read-only; choose another place$"
        with pytest.raises(MachineError, match=expected), locked(tmp_path / "fixed"):
            pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be someone else for a while")
def test_a_folder_of_someone_else_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o755)
    os.seteuid(65534)
    try:
        expected = rf"^{tmp_path}/out: can't be written: this user may not write there; choose another place$"
        with pytest.raises(MachineError, match=expected), locked(tmp_path / "out"):
            pass
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("answer", "boot_id"), [("echo 0A1B2C3D-0000-4000-8000-000000000000", "0a1b2c3d"), ("exit 1", "")]
)
def test_the_boot_id_of_macos_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, boot_id: str
) -> None:
    """Without /proc; a script stands for its sysctl."""
    sysctl = tmp_path / "sysctl"
    sysctl.write_text(f'#!/bin/sh\n[ "$*" = "-n kern.bootsessionuuid" ] || exit 2\n{answer}\n')
    sysctl.chmod(0o755)
    monkeypatch.setattr(temporary_files, "BOOT_ID", tmp_path / "missing")
    monkeypatch.setattr(temporary_files, "MACOS_BOOT_ID", [str(sysctl), *temporary_files.MACOS_BOOT_ID[1:]])
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert temporary_files.boot.__wrapped__() == boot_id
    monkeypatch.setattr("platform.system", lambda: "Windows")
    assert temporary_files.boot.__wrapped__() == ""
