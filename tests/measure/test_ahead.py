"""While a GPU is at work on the last batches of a sweep, the next begins. On a CPU, batches that are counted late."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from small import assert_same_store, stored, write_suite

from robustbench_seg.datasets import open_dataset
from robustbench_seg.measure.evaluate import Screening, launch, load
from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Job, Options
from robustbench_seg.measure.runner import run
from robustbench_seg.measure.tally import IN_FLIGHT, Tally
from robustbench_seg.measure.workers import Loader
from robustbench_seg.store.cell import Condition
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


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize("workers", [0, 2])
def test_the_store_is_that_of_one_sweep_after_the_other(workers: int, tmp_path: Path, usual: Path) -> None:
    events = Events()
    assert not run(read_suite(str(write_suite(tmp_path))), tmp_path, Options(workers=workers), events)
    assert_same_store(tmp_path, usual)
    first = events.events.index(("stored", "clean"))
    assert [what for what, _ in events.events[:first]] == ["begins", "begins"], "stored when the next is at work"
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
