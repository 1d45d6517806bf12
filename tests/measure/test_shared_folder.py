"""Several processes on one folder: whatever happens to some of them, the store is that of one uninterrupted run."""

import os
import random
import signal
from pathlib import Path

import pytest
from shared_runs import CORRUPTIONS, REFUSED, SUITE, How, begin, kill, status_of, wait_until
from small import assert_same_store, stored, write_suite

from robustbench_seg.store.claims import Claims
from robustbench_seg.store.folder import Store
from robustbench_seg.studies.integrity import verify

MANY = {name: [1, 2, 3, 4, 5] for name in CORRUPTIONS}
FEW = {"contrast": [1, 2], "brightness": [3]}
CELLS = 2 * (1 + 20)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of one uninterrupted run of many sweeps."""
    folder = tmp_path_factory.mktemp("finished")
    process = begin(write_suite(folder, **SUITE, conditions=MANY), folder / "out", folder / "log")
    assert status_of(process) == 0
    return folder / "out"


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of four sweeps."""
    folder = tmp_path_factory.mktemp("few")
    process = begin(write_suite(folder, **SUITE, conditions=FEW), folder / "out", folder / "log")
    assert status_of(process) == 0
    return folder / "out"


def cells(out: Path) -> int:
    return len(list(out.glob("cells/[!.]*.parquet")))


def expect_same(out: Path, single: Path) -> None:
    """The same cells with the same counts, the same plans, and nothing that is wrong."""
    assert_same_store(single, out)
    for name in ("plans", "failed", "latency", "gallery"):
        assert {path.name for path in (out / name).glob("*")} == {path.name for path in (single / name).glob("*")}
    assert list(verify(out).faults) == []


@pytest.mark.parametrize(("processes", "kills"), [(2, 10), (4, 20)])
def test_processes_that_are_killed_at_random_moments_leave_the_store_of_one_run(
    tmp_path: Path, finished: Path, processes: int, kills: int
) -> None:
    suite, out = write_suite(tmp_path, **SUITE, conditions=MANY), tmp_path / "out"
    moments, number, how = random.Random(processes), 0, How(pause_s=0.02)

    def start() -> object:
        nonlocal number
        number += 1
        return begin(suite, out, tmp_path / f"log-{number}", how)

    running = [start() for _ in range(processes)]
    in_progress = 0
    for turn in range(kills):
        wait_until(lambda turn=turn: cells(out) >= CELLS * turn / (kills + 2), seconds=30)
        wait_until(lambda: False, seconds=moments.uniform(0, 0.1))
        place = moments.randrange(processes)
        if running[place].exitcode is None:
            claimed = any((out / ".claims").glob("*.[0-9]*"))
            kill(running[place])
            assert running[place].exitcode in (-signal.SIGKILL, 0), "it may have ended just before"
            in_progress += claimed and running[place].exitcode == -signal.SIGKILL
        running[place] = start()
    assert in_progress > kills / 2, "most of them were killed while something was measured"
    assert [status_of(process) for process in running] == [0] * processes
    expect_same(out, finished)
    last = begin(suite, out, tmp_path / "last")
    assert status_of(last) == 0
    assert not (tmp_path / "last").exists(), "nothing is left to measure"
    assert list(out.rglob(".*.tmp")) == []


def test_two_processes_divide_the_sweeps_and_measure_none_twice(tmp_path: Path, finished: Path) -> None:
    suite, out = write_suite(tmp_path, **SUITE, conditions=MANY), tmp_path / "out"
    running = [begin(suite, out, tmp_path / f"log-{k}", How(pause_s=0.02)) for k in range(2)]
    assert [status_of(process) for process in running] == [0, 0]
    logs = [(tmp_path / f"log-{k}").read_text().splitlines() for k in range(2)]
    measured = [{line for line in log if line.startswith("started")} for log in logs]
    assert measured[0]
    assert measured[1]
    assert not measured[0] & measured[1]
    for log in logs:  # each has seen the end of every cell
        ends = [line.split()[1] for line in log if line.split()[0] in ("finished", "elsewhere")]
        assert len(ends) == len(set(ends)) == CELLS
    expect_same(out, finished)


def test_shards_measure_disjoint_parts_and_together_all(tmp_path: Path, finished: Path) -> None:
    suite, out = write_suite(tmp_path, **SUITE, conditions=MANY), tmp_path / "out"
    counts = []
    for k in (1, 2, 3):
        assert status_of(begin(suite, out, tmp_path / "log", How(shard=f"{k}/3"))) == 0
        counts.append(cells(out) - sum(counts))
    assert counts == [14, 14, 14]
    assert "elsewhere" not in (tmp_path / "log").read_text()
    expect_same(out, finished)


def test_a_paused_process_loses_its_sweep_and_breaks_nothing_when_it_continues(tmp_path: Path, few: Path) -> None:
    suite, out = write_suite(tmp_path, **SUITE, conditions=FEW), tmp_path / "out"
    paused = begin(suite, out, tmp_path / "paused", How(pause_s=0.1))
    assert wait_until((tmp_path / "paused").exists)
    os.kill(paused.pid, signal.SIGSTOP)
    other = begin(suite, out, tmp_path / "other", How(left_s=0.5))
    assert status_of(other) == 0
    log = (tmp_path / "other").read_text()
    assert f"waits waiting for clean (process {paused.pid} on " in log
    assert "started constant-streets-clean-whole again-streets-clean-whole" in log
    expect_same(out, few)
    os.kill(paused.pid, signal.SIGCONT)
    assert status_of(paused) == 0
    lines = (tmp_path / "paused").read_text().splitlines()
    assert "waits clean: another process took this over while this one was paused" in lines
    assert len([line for line in lines if line.startswith("started")]) == 1
    expect_same(out, few)


def test_what_another_machine_left_is_measured_after_a_while(tmp_path: Path, few: Path) -> None:
    suite, out = write_suite(tmp_path, **SUITE, conditions=FEW), tmp_path / "out"
    killed = begin(suite, out, tmp_path / "killed", How(pause_s=0.1))
    assert wait_until((tmp_path / "killed").exists)
    kill(killed)
    (claim,) = (out / ".claims").glob("clean-*.0")
    claim.write_text('{"what": "clean", "host": "far", "process": 7, "boot": "00000000", "token": ""}\n.')
    assert status_of(begin(suite, out, tmp_path / "log", How(left_s=0.5))) == 0
    log = (tmp_path / "log").read_text().splitlines()
    assert log[-4] == "waits waiting for clean (process 7 on far)"
    assert log[-3].startswith("started constant-streets-clean-whole")
    expect_same(out, few)
    assert list((out / ".claims").glob("*.[0-9]*")) == []


def test_a_disk_that_is_full_for_one_of_two_stops_that_one_alone(tmp_path: Path, few: Path) -> None:
    suite, out = write_suite(tmp_path, **SUITE, conditions=FEW), tmp_path / "out"
    smallest = min(path.stat().st_size for path in (few / "cells").iterdir())
    full = begin(suite, out, tmp_path / "full", How(largest=smallest - 1))
    assert status_of(full) == REFUSED
    other = begin(suite, out, tmp_path / "other", How(pause_s=0.05))
    assert wait_until((tmp_path / "other").exists)
    again = begin(suite, out, tmp_path / "again", How(largest=smallest - 1))
    assert [status_of(process) for process in (again, other)] == [REFUSED, 0]
    for name in ("full", "again"):
        assert "cells/" in (last := (tmp_path / name).read_text().splitlines()[-1])
        assert last.startswith("refused")
        assert "can't be written: it is larger than its disk or the shell (ulimit -f) allows" in last
    expect_same(out, few)


def test_a_cell_that_fails_in_one_process_is_not_tried_by_the_other_and_fails_it_too(tmp_path: Path) -> None:
    suite, out = write_suite(tmp_path, **SUITE, conditions=FEW), tmp_path / "out"
    first = begin(suite, out, tmp_path / "first", How(pause_s=0.5, broken="contrast"))
    assert wait_until((tmp_path / "first").exists)  # it measures clean images
    second = begin(suite, out, tmp_path / "second", How(broken="contrast"))
    assert [status_of(process) for process in (first, second)] == [1, 1]
    logs = [(tmp_path / name).read_text() for name in ("first", "second")]
    assert "started constant-streets-contrast-1" not in logs[0]
    assert "elsewhere constant-streets-contrast-1-whole RuntimeError: no contrast today" in logs[0]
    assert "finished constant-streets-contrast-1-whole no contrast today" in logs[1]
    assert len(Store(out).failures()) == 4
    assert status_of(begin(suite, out, tmp_path / "next")) == 0, "the next run tries them again"
    assert Store(out).failures() == {}


def test_runs_of_different_metrics_do_not_mix(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    out = tmp_path / "out"
    one = begin(write_suite(tmp_path / "one", **SUITE, conditions=FEW), out, tmp_path / "log", How(pause_s=0.1))
    assert wait_until((tmp_path / "log").exists)
    changed = {**SUITE, "metrics": []}
    other = begin(
        write_suite(tmp_path / "other", **changed, conditions=FEW), out, tmp_path / "log-2", How(pause_s=0.01)
    )
    assert 2 in [status_of(process) for process in (one, other)]
    lines = (tmp_path / "log").read_text() + (tmp_path / "log-2").read_text()
    assert f"refused {out}: holds cells with the metrics" in lines


def test_a_run_leaves_no_claim(tmp_path: Path, few: Path) -> None:
    assert list((few / ".claims").glob("*.[0-9]*")) == []
    with Claims(few) as claims:
        assert claims.take("clean", "clean")
    assert len(stored(few)) == 8
