"""A sweep: images are loaded and corrupted once for all models and views, and every cell is as if measured alone."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from drawn_models import Drawn
from six_scenes import IMAGES, Scenes
from small import SUITE, assert_same_store, stored, write_suite

import robustbench_seg as rb
from robustbench_seg.datasets import Sample
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.errors import DataError
from robustbench_seg.measure import prepare
from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Job, Options, make_jobs, open_data
from robustbench_seg.measure.runner import run
from robustbench_seg.measure.sweep import sweeps_of
from robustbench_seg.store.cell import Condition
from robustbench_seg.store.file import read_record
from robustbench_seg.suites import read_suite

CONDITIONS = {"gaussian_noise": [1, 3], "contrast": [2]}
VIEWS = ["whole", "slide-64-32"]


def measure(models: dict[str, Drawn], out: Path, data: Streets | None = None, **options: Any) -> rb.Results:
    how = {"corruptions": CONDITIONS, "views": VIEWS, "progress": False, "out": out, **options}
    return rb.evaluate(models, data or Scenes(), **how)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models 0 and 1, measured in runs of their own for each view and condition."""
    out = tmp_path_factory.mktemp("alone")
    for seed in (0, 1):
        for view in VIEWS:
            for name, severities in CONDITIONS.items():
                for severity in severities:
                    measure({f"m{seed}": Drawn(seed)}, out, views=[view], corruptions={name: [severity]})
    return out


def test_a_sweep_gives_what_runs_of_single_jobs_give(tmp_path: Path, alone: Path) -> None:
    measure({"m0": Drawn(0), "m1": Drawn(1)}, tmp_path)
    assert len(stored(tmp_path)) == 2 * 2 * 4
    assert_same_store(tmp_path, alone)


def test_each_image_is_corrupted_once_for_all_models_and_views(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corrupted: list[tuple[str, int, str]] = []
    usual = prepare.corrupt

    def counting(image: Any, corruption: Any, severity: int, **how: Any) -> Any:
        corrupted.append((corruption.name, severity, how["image_id"]))
        return usual(image, corruption, severity, **how)

    monkeypatch.setattr(prepare, "corrupt", counting)
    measure({f"m{seed}": Drawn(seed) for seed in range(3)}, tmp_path, Scenes())
    assert len(corrupted) == len(set(corrupted)) == IMAGES * 3


def test_a_job_that_raises_drops_out_and_the_others_continue(tmp_path: Path, alone: Path) -> None:
    broken = Drawn(2)

    def fail(images: torch.Tensor) -> None:
        if len(broken.seen) % 4 == 0:
            raise RuntimeError("out of registers")

    broken.before = fail
    with pytest.warns(UserWarning, match="4 cells failed: bad-streets-clean-whole"):
        measure({"bad": broken, "m0": Drawn(0), "m1": Drawn(1)}, tmp_path, views=["whole"])
    trial = [1, 1, 1, 3]  # before the run
    assert broken.seen == trial + [1] * (4 * 4), "it sees the first four images of each condition"
    others = {name: cell for name, cell in stored(alone).items() if "-whole-" in name}
    assert stored(tmp_path).keys() == others.keys()
    for name, (_, frame) in stored(tmp_path).items():
        assert frame.equals(others[name][1])
    notes = [json.loads(path.read_text()) for path in (tmp_path / "failed").iterdir()]
    assert {note["record"]["cell"]["model"] for note in notes} == {"bad"}
    assert all("RuntimeError: out of registers\nimage streets_" in note["traceback"] for note in notes)
    measure({"bad": Drawn(2), "m0": Drawn(0), "m1": Drawn(1)}, tmp_path, views=["whole"])
    assert len(stored(tmp_path)) == 3 * 4
    assert not list((tmp_path / "failed").iterdir())


def test_a_failure_is_reported_at_once_and_nothing_is_loaded_for_nobody(tmp_path: Path) -> None:
    events: list[str] = []

    class Watching(Listener):
        def started(self, jobs: Any) -> None:
            events.append(f"{len(jobs)} started")

        def image(self) -> None:
            events.append("image")

        def finished(self, job: Job, error: Exception | None) -> None:
            events.append(f"{job.cell.model} {error or 'stored'}")

    def fail(images: torch.Tensor) -> None:
        raise ZeroDivisionError("none")

    data = Scenes()
    options = {"views": ["whole"], "corruptions": {"contrast": [2]}, "progress": Watching()}
    with pytest.warns(UserWarning, match="2 cells failed"):
        measure({"bad": Drawn(0, fail), "m1": Drawn(1)}, tmp_path / "one", data, **options)
    one = ["2 started", "bad none", *["image"] * IMAGES, "m1 stored"]
    assert events == one * 2
    data = Scenes()
    with pytest.raises(ZeroDivisionError):
        measure({"bad": Drawn(0, fail), "worse": Drawn(1, fail)}, tmp_path / "two", data, **options)
    assert len(data.loaded) == 2, "one for each condition"


def test_a_fault_in_loading_fails_all_jobs_of_its_condition_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = prepare.corrupt

    def broken(image: Any, corruption: Any, severity: int, **how: Any) -> Any:
        if (corruption.name, how["image_id"][-1]) == ("contrast", "3"):
            raise DataError("frame 3 is broken")
        return usual(image, corruption, severity, **how)

    monkeypatch.setattr(prepare, "corrupt", broken)
    with pytest.warns(UserWarning, match="4 cells failed"):
        results = measure({"m0": Drawn(0), "m1": Drawn(1)}, tmp_path)
    assert sorted(results.failures) == [f"m{seed}-streets-contrast-2-{view}" for seed in (0, 1) for view in VIEWS[::-1]]
    assert all("frame 3 is broken" in message for message in results.failures.values())
    assert len(stored(tmp_path)) == 2 * 2 * 3


def test_a_model_that_writes_on_its_input_changes_it_for_no_other(tmp_path: Path, alone: Path) -> None:
    measure({"m0": Drawn(0, lambda images: images.fill_(0)), "m1": Drawn(1)}, tmp_path)
    assert_same_store(tmp_path, alone, keys=False)


def test_the_waiting_is_shared_and_each_model_has_its_own_time(tmp_path: Path) -> None:
    class Slow(Scenes):
        def load(self, image_id: str) -> Sample:
            time.sleep(0.05)
            return super().load(image_id)

    def rest(seconds: float) -> Callable[[torch.Tensor], None]:
        return lambda images: time.sleep(seconds)

    begin = time.perf_counter()
    results = measure(
        {"quick": Drawn(0), "slow": Drawn(1, rest(0.1))}, tmp_path, Slow(), views=["whole"], corruptions={}, metrics=[]
    )
    wall_s = time.perf_counter() - begin
    quick, slow = (read_record(path).timings for path in sorted((tmp_path / "cells").iterdir()))
    assert len(results.cells) == 2
    assert quick["waiting_s"] == pytest.approx(slow["waiting_s"])
    assert 2 * quick["waiting_s"] >= IMAGES * 0.05
    assert slow["model_s"] >= IMAGES * 0.1
    for one in (quick, slow):
        assert one["total_s"] >= one["model_s"] + one["waiting_s"]
    assert IMAGES * 0.15 <= quick["total_s"] + slow["total_s"] <= wall_s


def test_only_what_waits_is_in_a_sweep_and_each_reestimating_job_is_alone(tmp_path: Path) -> None:
    suite = read_suite(
        str(write_suite(tmp_path, models=[SUITE["models"][1]], batchnorm=["stored", "reestimated"], seeds=[0, 1]))
    )
    dataset, ids = open_data(suite, Options())
    _, jobs = make_jobs(suite, Options(), dataset, ids)
    sweeps = sweeps_of(jobs)
    assert sum(len(sweep.jobs) for sweep in sweeps) == len(jobs)
    conditions = [
        *(Condition("clean", 0, 0), Condition("gaussian_noise", 1, 0), Condition("gaussian_noise", 3, 0)),
        *(Condition("contrast", 2, 0), Condition("gaussian_noise", 1, 1), Condition("gaussian_noise", 3, 1)),
    ]
    assert [sweep.condition for sweep in sweeps if len(sweep.jobs) == 2] == conditions
    assert [sweep.condition for sweep in sweeps if len(sweep.jobs) == 1] == 2 * conditions
    for sweep in sweeps:
        assert {cell.condition for _, cell in sweep.cells} == {sweep.condition}
        assert len(sweep.jobs) == 1 or not any(cell.view.batchnorm for _, cell in sweep.cells)
    (left,) = sweeps_of(jobs[1:2])
    assert (left.condition, left.jobs) == (conditions[1], tuple(jobs[1:2]))


def test_a_second_run_measures_what_is_left_of_a_sweep(tmp_path: Path) -> None:
    suite, out = read_suite(str(write_suite(tmp_path, gallery=[]))), tmp_path / "out"
    run(suite, out, Options(), Listener())
    before = stored(out)
    for path in out.glob("cells/b0-*-contrast-2-*"):
        path.unlink()

    class Watching(Listener):
        def __init__(self) -> None:
            self.jobs: list[list[str]] = []

        def started(self, jobs: Any) -> None:
            self.jobs.append([job.cell.slug for job in jobs])

    run(suite, out, Options(), watching := Watching())
    assert watching.jobs == [["b0-streets-contrast-2-whole", "b0-streets-contrast-2-slide-64-32"]]
    after = stored(out)
    assert after.keys() == before.keys()
    for name, (_, frame) in after.items():
        assert frame.equals(before[name][1])
