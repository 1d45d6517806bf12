"""What a process claims of a shared folder, where its engine has sweeps under way while it asks for more."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from drawn_models import Drawn
from six_scenes import Scenes

import robustbench_seg as rb
from robustbench_seg import stopping
from robustbench_seg.locks import measuring
from robustbench_seg.measure import claimed as module
from robustbench_seg.measure.claimed import Shared, claimed
from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.sweep import Speed
from robustbench_seg.store.claims import Claims


@dataclass(frozen=True)
class Unit:
    """A sweep of one cell."""

    name: str

    @property
    def jobs(self) -> tuple[Any, ...]:
        return (SimpleNamespace(record=SimpleNamespace(key=self.name)),)


@dataclass
class Folder:
    """A store of cells without files."""

    folder: Path
    keys: set[str] = field(default_factory=set)

    def holds(self, record: Any) -> bool:
        return record.key in self.keys

    def failure_stamp(self, record: Any) -> None:
        return None


def shared(store: Any, claims: Claims) -> Shared:
    return Shared(store, claims, Listener(), {})


def drive(units: Iterator[Any], finish: Callable[[Any], object], ahead: int) -> None:
    """Measure as an engine with several sweeps under way does, see `Engine.measure`."""
    begun: list[Any] = []
    for unit in units:
        begun += [unit] if unit is not None else []
        while len(begun) > (0 if unit is None else ahead):
            finish(begun.pop(0))


def test_two_engines_with_sweeps_under_way_do_not_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.01)
    store, units, measured = Folder(tmp_path), [Unit(f"fog-{k}") for k in range(6)], []

    def finish(unit: Unit) -> None:
        time.sleep(0.02)
        measured.append(unit.name)
        store.keys.add(unit.name)

    def process() -> None:
        with Claims(tmp_path) as claims:
            drive(claimed(shared(store, claims), units), finish, ahead=1)

    threads = [threading.Thread(target=process, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert sorted(measured) == [unit.name for unit in units], "each once"


def test_the_claim_of_the_sweep_that_is_done_is_released_and_no_other(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    with Claims(tmp_path) as claims, Claims(tmp_path) as others:
        own = claimed(shared(store, claims), [Unit("fog-1"), Unit("fog-2"), Unit("fog-3")])
        assert [next(own), next(own)] == [Unit("fog-1"), Unit("fog-2")]
        store.keys.add("fog-2")  # the later one ends first
        assert next(own) == Unit("fog-3")
        assert others.take("fog-1", "") is None
        assert others.take("fog-2", "")


def test_what_another_process_has_stored_is_heard_of_before_the_next_sweep(tmp_path: Path) -> None:
    store, heard = Folder(tmp_path), list[str]()
    with Claims(tmp_path) as claims, Claims(tmp_path) as others:
        theirs = others.take("fog-1", "")
        own_shared = shared(store, claims)
        own_shared.listener.elsewhere = lambda job, error: heard.append(job.record.key)  # type: ignore[method-assign]
        own = claimed(own_shared, [Unit("fog-1"), Unit("fog-2"), Unit("fog-3")])
        assert next(own) == Unit("fog-2")
        store.keys |= {"fog-1", "fog-2"}
        others.release(theirs)
        assert (next(own), heard) == (Unit("fog-3"), ["fog-1"])
        store.keys.add("fog-3")
        assert (list(own), heard) == ([None], ["fog-1"])


def test_the_machine_is_held_until_all_that_was_begun_is_done(tmp_path: Path) -> None:
    store, lines = Folder(tmp_path), list[str]()
    with Claims(tmp_path) as claims:
        own = claimed(shared(store, claims), [Unit("fog-1"), Unit("fog-2")])
        assert [next(own), next(own)] == [Unit("fog-1"), Unit("fog-2")]
        store.keys.add("fog-2")
        assert next(own) is None
        free = threading.Event()

        def speed() -> None:
            with measuring(tmp_path, alone=True, wait=lines.append):
                free.set()

        thread = threading.Thread(target=speed)
        thread.start()
        while not lines:
            assert not free.is_set()
            time.sleep(0.01)
        store.keys.add("fog-1")
        assert next(own, "end") == "end"
        thread.join(20)
    assert free.is_set()
    assert lines == ["waiting while other processes measure on this machine"]


def test_a_speed_cell_without_a_trace_does_not_keep_the_next_one_waiting(tmp_path: Path) -> None:
    """Another process may remove the note of its failure: it has measured the cell with other weights."""

    def wait(line: str) -> None:
        raise AssertionError(line)

    with Claims(tmp_path) as claims:
        own_shared = shared(Folder(tmp_path), claims)
        own_shared.listener.waits = wait  # type: ignore[method-assign]
        jobs = [SimpleNamespace(record=SimpleNamespace(key=key), cell=SimpleNamespace(slug=key)) for key in "ab"]
        units = [Speed((job,)) for job in jobs]  # type: ignore[arg-type]
        assert list(claimed(own_shared, units)) == [*units, None]


class Refusing(Listener):
    """Is interrupted when a sweep begins."""

    def started(self, jobs: Any) -> None:
        raise KeyboardInterrupt


def test_a_program_that_keeps_an_error_of_a_run_holds_nothing_of_the_machine(tmp_path: Path) -> None:
    def wait(line: str) -> None:
        raise AssertionError(line)

    with pytest.raises(KeyboardInterrupt) as kept:
        rb.evaluate(Drawn(0), Scenes(), corruptions={"fog": [1]}, progress=Refusing(), out=tmp_path)
    with measuring(tmp_path, alone=True, wait=wait):  # as another process that measures speed
        assert kept.traceback


def test_a_process_that_was_asked_to_end_finishes_first_what_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Folder(tmp_path)
    monkeypatch.setattr(module, "end_if_asked", sys.exit)
    monkeypatch.setattr(stopping, "FINISHING", threading.Event())
    with Claims(tmp_path) as claims:
        own = claimed(shared(store, claims), [Unit("fog-1"), Unit("fog-2"), Unit("fog-3")])
        first = next(own)
        stopping.FINISHING.set()
        with pytest.raises(SystemExit):
            drive(chain([first], own), lambda unit: store.keys.add(unit.name), ahead=1)
    assert store.keys == {"fog-1"}
