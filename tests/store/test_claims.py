"""Claims: exactly one process has a name at a time, and what a process that has ended held is taken over."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import start, wait_for

from robustbench_seg.errors import MachineError
from robustbench_seg.locks import locked, measuring
from robustbench_seg.store import claims as module
from robustbench_seg.store.claims import BEAT_S, LEFT_S, POLL_S, Claim, Claims

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys, time
from pathlib import Path
from robustbench_seg.store.claims import Claims
out = Path(sys.argv[1])
with Claims(out) as claims:
    assert claims.take("fog-3", "fog-3")
    (out / "ready").touch()
    time.sleep(100)
"""


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def holder(out: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the claim fog-3."""
    process = start("-c", HOLDER, str(out), PYTHONPATH=str(ROOT))
    wait_for((out / "ready").exists, process)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def foreign(out: Path, number: int = 0, host: str = "far") -> Path:
    """A claim of another machine's process."""
    path = out / ".claims" / f"fog-3.{number}"
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = {"what": "fog-3", "host": host, "process": 7, "boot": "0" * 8, "token": "t"}
    path.write_text(f"{json.dumps(owner)}\n")
    return path


def looks(claims: Claims, clock: Clock, seconds: float, beat: Callable[[], object] = lambda: None) -> Claim | None:
    """Try to take fog-3 as often as a waiting process does."""
    for _ in range(round(seconds / POLL_S)):
        clock.now += POLL_S
        beat()
        if claim := claims.take("fog-3", "mine"):
            return claim
    return None


def test_one_of_two_has_a_claim_until_it_is_released(tmp_path: Path) -> None:
    with Claims(tmp_path) as one, Claims(tmp_path) as other:
        claim = one.take("fog-3", "fog-3")
        assert claim
        assert other.take("fog-3", "fog-3") is None
        assert other.holder("fog-3") == f"fog-3 (process {os.getpid()} on {os.uname().nodename})"
        with one.holding(claim):
            assert not claim.lost
        assert other.take("fog-3", "fog-3")
        assert one.take("fog-2", "fog-2")
    assert list((tmp_path / ".claims").iterdir()) == []


def test_many_threads_get_a_claim_once(tmp_path: Path) -> None:
    every = [Claims(tmp_path) for _ in range(8)]
    barrier, won = threading.Barrier(8), []

    def race(claims: Claims) -> None:
        for number in range(20):
            barrier.wait()
            if claims.take(f"name-{number}", ""):
                won.append(number)

    threads = [threading.Thread(target=race, args=(claims,)) for claims in every]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == list(range(20))
    for claims in every:
        claims.end()


def test_what_a_killed_process_of_this_machine_held_is_free_at_once(tmp_path: Path) -> None:
    with Claims(tmp_path) as claims:
        with holder(tmp_path) as process:
            assert claims.take("fog-3", "mine") is None
            process.kill()
            process.wait()
            claim = claims.take("fog-3", "mine")
            assert claim
            assert claim.path.name == "fog-3.1"
        with claims.holding(claim):
            assert not claim.lost
    assert list((tmp_path / ".claims").iterdir()) == [], "what the killed process left is removed, too"


def test_a_stopped_process_gives_its_claims_back(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        process.wait()
    assert [path.name for path in (tmp_path / ".claims").iterdir()] == ["fog-3.0"], "this one does not listen for stops"
    listening = HOLDER.replace("out = Path", "from robustbench_seg.stopping import listen\nlisten()\nout = Path")
    (tmp_path / "ready").unlink()
    process = start("-c", listening, str(tmp_path), PYTHONPATH=str(ROOT))
    wait_for((tmp_path / "ready").exists, process)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[1].startswith("robustbench-seg: stopped")
    assert list((tmp_path / ".claims").iterdir()) == []


def test_a_claim_of_another_machine_is_taken_over_when_it_has_not_changed_for_long(tmp_path: Path) -> None:
    foreign(tmp_path)
    clock = Clock()
    with Claims(tmp_path, clock) as claims:
        assert looks(claims, clock, LEFT_S - 2 * POLL_S) is None
        assert looks(claims, clock, 4 * POLL_S)


def test_a_claim_that_beats_is_never_taken_over(tmp_path: Path) -> None:
    path, clock, times = foreign(tmp_path), Clock(), []

    def beat() -> None:
        times.append(clock.now)
        if len(times) % round(BEAT_S / POLL_S) == 0:
            path.write_bytes(path.read_bytes() + b".")

    with Claims(tmp_path, clock) as claims:
        assert looks(claims, clock, 5 * LEFT_S, beat) is None
        assert looks(claims, clock, 2 * LEFT_S)


@pytest.mark.parametrize("jump", [-1e9, 1e9, 2 * LEFT_S, -2 * LEFT_S])
def test_a_clock_that_jumps_takes_nothing_over_and_delays_nothing(tmp_path: Path, jump: float) -> None:
    """As after a correction of the time, a suspended machine, or a pause of this process."""
    path, clock = foreign(tmp_path), Clock()
    for name in (path, tmp_path):
        os.utime(name, (clock.now + jump, clock.now + jump))  # the time of the other machine's files does not matter
    with Claims(tmp_path, clock) as claims:
        assert looks(claims, clock, 3 * POLL_S) is None
        clock.now += jump
        assert looks(claims, clock, LEFT_S / 2) is None
        clock.now -= jump
        assert looks(claims, clock, LEFT_S / 2 + 4 * POLL_S)


def test_of_two_that_see_a_claim_end_one_takes_it_over(tmp_path: Path) -> None:
    foreign(tmp_path)
    clock = Clock()
    with Claims(tmp_path, clock) as one, Claims(tmp_path, clock) as other:
        won = [looks(one, clock, 2 * POLL_S), looks(other, clock, 2 * POLL_S)]
        for _ in range(round(LEFT_S)):
            clock.now += POLL_S
            won += [one.take("fog-3", "one"), other.take("fog-3", "other")]
        assert len([claim for claim in won if claim]) == 1


def test_a_claim_that_was_released_and_taken_again_is_another_one(tmp_path: Path) -> None:
    clock = Clock()
    with Claims(tmp_path, clock) as claims:
        for token in range(4):
            path = foreign(tmp_path, host=f"far-{token}")
            assert looks(claims, clock, LEFT_S - 3 * POLL_S) is None
            path.unlink()
        assert claims.take("fog-3", "mine")


def test_a_paused_process_notices_that_it_has_lost_its_claim_and_removes_no_others(tmp_path: Path) -> None:
    clock = Clock()
    with Claims(tmp_path, clock) as paused, Claims(tmp_path, clock) as other:
        claim = paused.take("fog-3", "paused")
        assert claim
        assert not claim.lost
        with open(claim.path, "rb+") as file:  # noqa: PTH123  as another machine would see it: not by the lock
            content = file.read()
            file.seek(0)
            file.write(content.replace(module.boot().encode(), b"0" * 8))
        second = looks(other, clock, LEFT_S + 4 * POLL_S)
        assert second
        assert second.path.name == "fog-3.1"
        claim.beat()
        assert claim.lost
        with paused.holding(claim):
            pass
        assert not second.lost
        assert other.holder("fog-3").startswith("mine (process")
        assert paused.take("fog-3", "again") is None
        with other.holding(second):
            pass
    assert list((tmp_path / ".claims").iterdir()) == []


def test_beats_are_written_while_a_claim_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_S", 0.01)
    with Claims(tmp_path) as claims:
        claim = claims.take("fog-3", "fog-3")
        assert claim
        begin = time.monotonic()
        while len(claim.path.read_bytes().partition(b"\n")[2]) < 3:
            assert time.monotonic() - begin < 60
            time.sleep(0.01)


@pytest.mark.parametrize("content", [b"", b"{", b"[]\n", b'{"boot": 1}\n', b"\xff\n"])
def test_a_claim_that_a_kill_left_half_written_is_taken_over_in_the_end(tmp_path: Path, content: bytes) -> None:
    foreign(tmp_path).write_bytes(content)
    clock = Clock()
    with Claims(tmp_path, clock) as claims:
        assert claims.holder("fog-3") == ""
        assert looks(claims, clock, LEFT_S - 2 * POLL_S) is None
        assert looks(claims, clock, 4 * POLL_S)


def test_a_folder_for_claims_that_can_not_be_made_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / ".claims").touch()
    with Claims(tmp_path) as claims, pytest.raises(MachineError, match=r"\.claims: can't be written: a file stands"):
        claims.take("fog-3", "fog-3")


def test_without_locks_of_files_claims_hold_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fcntl", None)
    clock = Clock()
    with Claims(tmp_path, clock) as claims, holder(tmp_path) as process:
        assert claims.take("fog-3", "mine") is None
        process.kill()
        process.wait()
        assert looks(claims, clock, LEFT_S - 2 * POLL_S) is None
        assert looks(claims, clock, 4 * POLL_S)


def test_a_claim_names_its_owner_where_files_have_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with Claims(tmp_path) as one, Claims(tmp_path) as other:
        assert one.take("fog-3", "fog-3")
        assert other.take("fog-3", "fog-3") is None
        assert other.holder("fog-3").startswith(f"fog-3 (process {os.getpid()} on ")


def test_what_measures_speed_is_alone_on_its_machine(tmp_path: Path) -> None:
    lines: list[str] = []
    inside: list[str] = []

    def measure(name: str, *, alone: bool, until: threading.Event) -> None:
        with measuring(tmp_path, alone=alone, wait=lines.append):
            inside.append(name)
            until.wait(60)
            inside.append(f"{name} ends")

    first, second = threading.Event(), threading.Event()
    second.set()
    with measuring(tmp_path, alone=False, wait=lines.append):  # sweeps do not wait for each other
        sweep = threading.Thread(target=measure, args=("sweep",), kwargs={"alone": False, "until": first})
        sweep.start()
        while not inside:
            time.sleep(0.01)
    speed = threading.Thread(target=measure, args=("speed",), kwargs={"alone": True, "until": second})
    speed.start()
    while not lines:
        time.sleep(0.01)
    assert inside == ["sweep"]
    first.set()
    speed.join(60)
    sweep.join(60)
    assert inside == ["sweep", "sweep ends", "speed", "speed ends"]
    assert lines == ["waiting while other processes measure on this machine"]


def test_a_lock_over_nfs_needs_a_file_that_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its client makes a lock alone of bytes, as flock(2) states: EBADF for a file that is open for reading only."""
    system = fcntl.flock

    def over_nfs(handle: int, how: int) -> None:
        if how & fcntl.LOCK_EX and fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        system(handle, how)

    monkeypatch.setattr(fcntl, "flock", over_nfs)
    lines: list[str] = []

    def stop(line: str) -> None:
        lines.append(line)
        raise InterruptedError

    with measuring(tmp_path, alone=False, wait=stop):
        with pytest.raises(InterruptedError), measuring(tmp_path, alone=True, wait=stop):
            lines.append("measured")
        path = next((tmp_path / ".claims").iterdir())
        with (
            monkeypatch.context() as other_user,
            pytest.raises(MachineError, match=f"^{path}: can't be locked .Bad file descriptor"),
        ):
            reading = os.open(path, os.O_RDONLY)
            other_user.setattr("robustbench_seg.locks.open_to_lock", lambda path: reading)
            with measuring(tmp_path, alone=True, wait=stop):
                lines.append("measured")
    assert lines == ["waiting while other processes measure on this machine"]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL])
def test_without_locks_a_line_states_that_speed_waits_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(handle: int, how: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    lines: list[str] = []
    with measuring(tmp_path, alone=False, wait=lines.append), measuring(tmp_path, alone=True, wait=lines.append):
        pass
    assert [line.partition(": ")[2] for line in lines] == [
        "has no locks of files, so a speed cell does not wait for other processes of this machine"
    ]


def test_a_folder_that_the_system_does_not_lock_leaves_no_open_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handles: list[int] = []

    def refuse(handle: int, how: int) -> None:
        handles.append(handle)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(MachineError, match=r"can't be locked .Input/output error"), locked(tmp_path, shared=True):
        pass
    (handle,) = handles
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)
