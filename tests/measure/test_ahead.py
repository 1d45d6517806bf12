"""While a GPU is at work on the last batches of a sweep, the next begins. On a CPU, batches that are counted late."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from small import assert_same_store, stored, write_suite

from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Job, Options
from robustbench_seg.measure.runner import run
from robustbench_seg.measure.tally import IN_FLIGHT, Tally
from robustbench_seg.suites import read_suite


class Events(Listener):
    """Notes what begins and what is stored; a fault ends the run when the sweep of that number begins."""

    def __init__(self, fault: BaseException | None = None, number: int = 0) -> None:
        self.events: list[tuple[str, str]] = []
        self.fault, self.number = fault, number

    def started(self, jobs: Sequence[Job]) -> None:
        self.events.append(("begins", jobs[0].cell.condition.corruption))
        if self.fault and sum(what == "begins" for what, _ in self.events) == self.number:
            raise self.fault

    def finished(self, job: Job, error: Exception | None) -> None:
        self.events.append(("failed" if error else "stored", job.cell.condition.corruption))


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
