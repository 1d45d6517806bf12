"""Progress of a run: lines in a pipe, an output in a notebook."""

import io
import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pytest
from rich.console import Console

from robustbench_seg.api import progress
from robustbench_seg.api.pace import Pace
from robustbench_seg.api.progress import NotebookProgress, RunProgress, notebook_display, progress_for
from robustbench_seg.store.cell import QualityCell
from robustbench_seg.store.view import View


def job(slug: str, images: int, kind: str = "quality") -> SimpleNamespace:
    return SimpleNamespace(cell=SimpleNamespace(slug=slug), record=SimpleNamespace(images=images, kind=kind, key=slug))


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_time_left_is_that_of_the_images_left_at_the_pace_so_far() -> None:
    clock = Clock()
    pace = Pace(clock)
    jobs = [job("a", 4), job("b", 4), job("speed", 0, "latency")]
    pace.planned(1, jobs)
    assert pace.state == "1/4 cells, – images/s"
    pace.started(jobs[:1])
    for _ in range(4):
        clock.now += 2
        pace.image()
    pace.finished(jobs[0], None)
    assert pace.state == "2/4 cells, 0.5 images/s, 0:00:10 left"
    pace.started(jobs[1:2])
    assert pace.current == "b"
    pace.finished(jobs[1], ValueError("no"))
    assert pace.errors == {"b": "ValueError: no"}
    assert pace.state == "2/4 cells, 0.5 images/s, 0:00:02 left", "no time is left for images of a cell that failed"
    pace.started(jobs[2:])
    pace.finished(jobs[2], None)
    assert (pace.done, pace.current) == (3, "done")


def test_cells_of_a_sweep_are_shown_together_and_one_that_fails_takes_no_time() -> None:
    clock = Clock()
    pace = Pace(clock)
    cell = QualityCell(model="a", dataset="streets", split="test", corruption="fog", severity=3, view=View(),
                       precision="fp32", seed=0)  # fmt: skip
    jobs = [
        SimpleNamespace(cell=replace(cell, model=name), record=SimpleNamespace(images=4, kind="quality", key=name))
        for name in "abcd"
    ]
    pace.planned(0, jobs)
    pace.started(jobs[:3])
    assert pace.current == "streets fog-3, 3 cells"
    for number in range(1, 11):  # not 12, as b fails before its end
        clock.now += 1
        pace.image()
        if number == 5:
            pace.finished(jobs[1], OSError())
    pace.finished(jobs[0], None)
    pace.finished(jobs[2], None)
    assert (pace.images, pace.steps, pace.total) == (10, 10, 14)
    assert pace.state == "2/4 cells, 1.0 images/s, 0:00:04 left"
    pace.started(jobs[3:])
    assert pace.current == "d-streets-fog-3-whole"


def test_the_time_left_is_at_the_pace_of_all_processes() -> None:
    clock = Clock()
    pace = Pace(clock)
    jobs = [job(name, 10) for name in "abcd"]
    pace.planned(0, jobs)
    pace.started(jobs[:1])
    for _ in range(10):
        clock.now += 2
        pace.image()
    pace.finished(jobs[0], None)
    assert pace.state == "1/4 cells, 0.5 images/s, 0:01:00 left"
    pace.elsewhere(jobs[1], None)
    assert pace.state == "2/4 cells, 0.5 images/s, 0:00:20 left", "two processes share the other 20 images"
    pace.elsewhere(jobs[2], OSError())
    assert pace.state == "2/4 cells, 0.5 images/s, 0:00:10 left", "one that failed shows no pace"


def test_the_next_sweep_may_begin_before_one_is_finished() -> None:
    pace = Pace(Clock())
    jobs = [job(name, 4) for name in "abc"]
    pace.planned(0, jobs)
    pace.started(jobs[:2])
    for _ in range(4):
        pace.image()
    pace.finished(jobs[0], None)
    pace.started(jobs[2:])
    for _ in range(3):
        pace.image()
    pace.finished(jobs[1], OSError())
    assert (pace.done, pace.current) == (1, "c")
    for _ in range(4):
        pace.image()
    pace.finished(jobs[2], None)
    assert (pace.done, pace.total, pace.current) == (2, 11, "done")


def test_what_other_processes_measure_takes_no_time_of_this_one_and_counts_as_done() -> None:
    console = Console(file=io.StringIO(), width=80)
    with RunProgress(console) as shown:
        jobs = [job(name, 4) for name in "abcd"]
        shown.planned(0, jobs)
        shown.started(jobs[:1])
        for _ in range(4):
            shown.image()
        shown.finished(jobs[0], None)
        shown.elsewhere(jobs[1], None)
        assert (shown.done, shown.steps, shown.total) == (2, 4, 12)
        shown.waits("waiting for fog-3 (process 7 on far)")
        assert shown.current == "waiting for fog-3 (process 7 on far)"
        shown.elsewhere(jobs[2], RuntimeError("ValueError: oh"))
        assert shown.errors == {"c": "ValueError: oh, in another process"}
        shown.elsewhere(jobs[3], None)
        assert (shown.done, shown.total, shown.current) == (3, 4, "done")
    lines = console.file.getvalue().splitlines()
    assert lines[:2] == ["waiting for fog-3 (process 7 on far)", "failed c: ValueError: oh, in another process"]
    assert lines[-1].startswith("3/4 cells, ")


def test_a_pipe_gets_a_line_a_minute_and_one_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, out = Clock(), io.StringIO()
    with RunProgress(Console(file=out, width=80)) as shown:
        shown.clock = clock
        jobs = [job("a", 3), job("[b]", 3)]
        shown.planned(2, jobs)
        for one in jobs:
            shown.started([one])
            for _ in range(3):
                clock.now += 25
                shown.image()
            shown.finished(one, None if one is jobs[0] else KeyError("x"))
    assert out.getvalue().splitlines() == [
        "2 of 4 cells here already; resuming",
        "2/4 cells, 0.0 images/s, 0:01:15 left: a",
        "3/4 cells, 0.0 images/s, 0:00:00 left: [b]",
        "failed [b]: KeyError: 'x'",
        "3/4 cells, 0.0 images/s, 0:00:00 left: done",
    ]


def test_a_notebook_has_one_output_that_is_replaced() -> None:
    shown: list[dict[str, str]] = []

    def display(data: dict[str, str], *, raw: bool, display_id: bool) -> SimpleNamespace:
        assert raw
        assert display_id
        shown.append(data)
        return SimpleNamespace(update=lambda data, raw: shown.append(data))

    listener = NotebookProgress(display)
    listener.noted("a <b> folder\nis left out")
    jobs = [job("a", 2)]
    listener.planned(0, jobs)
    listener.started(jobs)
    listener.image()
    listener.image()
    listener.finished(jobs[0], RuntimeError("no"))
    assert len(shown) == 2, "images so soon after each other are not shown one by one"
    assert shown[0]["text/plain"] == "a <b> folder is left out\na: 0/1 cells, – images/s"
    assert '<progress value="0" max="2">' in shown[0]["text/html"]
    assert "a &lt;b&gt; folder is left out" in shown[0]["text/html"]
    assert "failed a: RuntimeError: no" in shown[1]["text/plain"]
    assert '<progress value="2" max="2">' in shown[1]["text/html"]


@pytest.mark.parametrize(
    ("shell", "found"), [("ZMQInteractiveShell", True), ("TerminalInteractiveShell", False), ("", False)]
)
def test_a_notebook_is_told_from_a_terminal(monkeypatch: pytest.MonkeyPatch, shell: str, found: bool) -> None:
    ipython, module = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: type(shell, (), {})() if shell else None
    module.display = print
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    assert (notebook_display() is print) == found
    with progress_for(True) as listener:
        assert isinstance(listener, NotebookProgress if found else RunProgress)
    with progress_for(False) as listener:
        assert type(listener) is progress.Listener
