"""While a GPU is at work on the last batches of a sweep, the next begins. On a CPU, batches that are counted late.

Workers begin with the images of the next sweep before this one ends, on any device.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from small import assert_same_store, stored, write_suite

from robustbench_seg import stopping
from robustbench_seg.datasets import open_dataset
from robustbench_seg.measure.engines import local
from robustbench_seg.measure.evaluate import Screening, launch, load
from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Job, Options
from robustbench_seg.measure.runner import run
from robustbench_seg.measure.tally import IN_FLIGHT, Tally
from robustbench_seg.measure.workers import Loader
from robustbench_seg.store.cell import Condition
from robustbench_seg.store.folder import Store
from robustbench_seg.suites import read_suite


class Events(Listener):
    """Notes what begins and what is stored; a fault ends the run when the sweep, or cell, of that number does so."""

    def __init__(self, fault: BaseException | None = None, number: int = 0, when: str = "begins") -> None:
        self.events: list[tuple[str, str]] = []
        self.fault, self.number, self.when = fault, number, when

    def started(self, jobs: Sequence[Job]) -> None:
        self.note("begins", jobs[0])

    def finished(self, job: Job, error: Exception | None) -> None:
        self.note("failed" if error else "stored", job)

    def note(self, event: str, job: Job) -> None:
        self.events.append((event, job.cell.condition.corruption))
        if self.fault and event == self.when and sum(what == event for what, _ in self.events) == self.number:
            raise self.fault


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    def add(self: Tally, dataset: Any, batch: Any, pictured: Any, seen: Any) -> None:
        for part in batch.parts(self.most or len(batch)):
            self.launch(dataset, part, pictured)
            self.settle(dataset, seen, IN_FLIGHT)

    monkeypatch.setattr(Tally, "add", add)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("usual")
    assert not run(read_suite(str(write_suite(out))), out, Options(), Listener())
    return out


def note_shown(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """Note each batch that a model is shown."""
    flight = Tally.flight

    def notes(self: Tally, *arguments: Any) -> Any:
        events.events.append(("shown", self.setting.condition.corruption))
        return flight(self, *arguments)

    monkeypatch.setattr(Tally, "flight", notes)


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize("workers", [0, 2])
def test_the_store_is_that_of_one_sweep_after_the_other(
    workers: int, tmp_path: Path, usual: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = Events()
    note_shown(events, monkeypatch)
    assert not run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(workers=workers), events)
    assert_same_store(tmp_path, usual)
    first = events.events.index(("stored", "clean"))
    assert [what for what, _ in events.events[:first] if what != "shown"] == ["begins", "begins"]
    shown = events.events[events.events.index(("begins", "gaussian_noise")) : first].count(("shown", "gaussian_noise"))
    assert shown == IN_FLIGHT * 4, "stored when so many batches of the next are at work, in four cells"
    pictures = [sorted(path.name for path in out.glob("gallery/*/*.png")) for out in (tmp_path, usual)]
    assert pictures[0] == pictures[1]


def test_on_a_cpu_a_sweep_is_stored_before_the_next_begins(tmp_path: Path) -> None:
    events = Events()
    assert not run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(), events)
    assert [what for what, _ in events.events] == (["begins"] + ["stored"] * 4) * 4


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize("fault", [KeyboardInterrupt(), RuntimeError("a fault of the listener")])
def test_what_ends_a_sweep_loses_nothing_of_the_one_before(fault: BaseException, tmp_path: Path, usual: Path) -> None:
    with pytest.raises(type(fault)):
        run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(), Events(fault, 3))
    assert len(stored(tmp_path)) == 2 * 4
    assert not run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(), Listener())
    assert_same_store(tmp_path, usual)


@pytest.mark.usefixtures("late")
def test_what_ends_the_storing_of_a_cell_loses_no_other_cell_of_its_sweep(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(), Events(KeyboardInterrupt(), 1, "stored"))
    assert len(stored(tmp_path)) == 4


@pytest.mark.usefixtures("late")
def test_a_sweep_shows_as_many_images_at_a_time_as_did_fit_in_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most: list[int | None] = []

    def notes(self: Tally, *arguments: Any) -> None:
        if not self.rows and not self.flights:
            most.append(self.most)
        self.most = 2
        add(self, *arguments)

    add = Tally.add
    monkeypatch.setattr(Tally, "add", notes)
    assert not run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(), Listener())
    assert set(most[:4]) == {1}, "what a CPU takes at first"
    assert set(most[4:]) == {2}


def test_where_no_model_is_left_no_image_is_prepared(tmp_path: Path) -> None:
    dataset = open_dataset("streets")
    with Loader(1) as loader:
        screening = Screening(dataset, dataset.ids[:6], loader)
        samples = load(Condition(), screening)
        launch([], Condition(), screening, samples)
        with pytest.raises(StopIteration):
            next(samples)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Events:
    """Events, among them when the samples of a sweep are asked for."""
    events = Events()

    def notes(condition: Condition, screening: Screening) -> Any:
        events.events.append(("loads", condition.corruption))
        return load(condition, screening)

    monkeypatch.setattr(local, "load", notes)
    return events


@pytest.mark.parametrize("when", ["counted at once", "late"])
def test_workers_begin_with_the_next_sweep_before_this_one_ends(
    when: str, loads: Events, tmp_path: Path, usual: Path, request: pytest.FixtureRequest
) -> None:
    if when == "late":
        request.getfixturevalue("late")
    assert not run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(workers=1), loads)
    for place in (i for i, event in enumerate(loads.events) if event[0] == "begins"):
        begun, stored_before = (sum(what == name for what, _ in loads.events[:place]) for name in ("loads", "stored"))
        sweep = sum(what == "begins" for what, _ in loads.events[:place])
        assert begun == sweep + 1, "taken before its turn, but no two before"
        assert stored_before == 4 * (sweep if when == "counted at once" else max(0, sweep - 1))
    first = [i for i, (what, _) in enumerate(loads.events) if what == "loads"][1]
    assert ("stored", "clean") not in loads.events[:first]
    assert_same_store(tmp_path, usual)


def test_without_workers_a_sweep_is_taken_when_the_one_before_is_stored(loads: Events, tmp_path: Path) -> None:
    assert not run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(), loads)
    assert [what for what, _ in loads.events] == (["loads", "begins"] + ["stored"] * 4) * 4


def test_what_hinders_the_next_sweep_loses_nothing_of_this_one(
    tmp_path: Path, usual: Path, loads: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hinders(self: Store, *arguments: Any) -> None:
        if any(what == "begins" for what, _ in loads.events):
            raise RuntimeError("another process has stored other classes")

    monkeypatch.setattr(Store, "expect_others_alike", hinders)
    with pytest.raises(RuntimeError, match="other classes"):
        run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(workers=1), loads)
    assert [what for what, _ in loads.events] == ["loads", "begins"] + ["stored"] * 4
    monkeypatch.undo()
    assert not run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(), Listener())
    assert_same_store(tmp_path, usual)


def test_a_sweep_that_was_taken_early_does_not_begin_where_the_process_is_asked_to_end(
    tmp_path: Path, loads: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends() -> None:
        if stopping.FINISHING.is_set():
            raise KeyboardInterrupt

    monkeypatch.setattr(local, "end_if_asked", ends)
    monkeypatch.setattr(stopping, "FINISHING", threading.Event())
    monkeypatch.setattr(loads, "image", lambda: taken_early() and stopping.FINISHING.set())

    def taken_early() -> bool:
        return sum(what == "loads" for what, _ in loads.events) == 2

    with pytest.raises(KeyboardInterrupt):
        run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(workers=1), loads)
    assert [what for what, _ in loads.events] == ["loads", "begins", "loads"] + ["stored"] * 4
    assert not list((tmp_path / ".claims").glob("*.[0-9]*"))


def test_ctrl_c_while_a_sweep_is_taken_ends_the_run(
    tmp_path: Path, usual: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It did wait for ever, for the sweep that was not taken."""
    faults = [KeyboardInterrupt(), None]

    def stop(*arguments: Any) -> None:
        if fault := faults.pop():
            raise fault

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Store, "expect_others_alike", stop)
        run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(workers=1), Listener())
    assert not run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(), Listener())
    assert_same_store(tmp_path, usual)
