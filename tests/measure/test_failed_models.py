"""The error of a model is kept for the whole run, the memory of its tensors is not: the other models need it."""

import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import yaml
from drawn_models import Drawn
from six_scenes import Scenes

from robustbench_seg.errors import DataError, clear_locals
from robustbench_seg.measure.evaluate import Screening, show
from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Handed, Job, Options
from robustbench_seg.measure.runner import run
from robustbench_seg.measure.tally import Tally
from robustbench_seg.measure.workers import Loader
from robustbench_seg.store.cell import Setting
from robustbench_seg.suites import read_suite


class Failing:
    """What a model calls, and raises with a tensor at hand. held: references to the tensors."""

    def __init__(self) -> None:
        self.held: list[weakref.ref[torch.Tensor]] = []

    def __call__(self, images: torch.Tensor) -> None:
        features = torch.zeros(len(images))
        self.held.append(weakref.ref(features))
        raise ValueError("out of memory")

    def wrapped(self, images: torch.Tensor) -> None:
        try:
            self(images)
        except ValueError as error:
            raise RuntimeError("no features") from error

    def hidden(self, images: torch.Tensor) -> None:
        try:
            self(images)
        except ValueError:
            raise RuntimeError("no features") from None


@pytest.mark.parametrize("way", [Failing.__call__, Failing.wrapped, Failing.hidden])
def test_the_tensors_of_a_model_that_fails_are_gone_when_the_next_model_is_at_work(
    way: Callable[[Failing, torch.Tensor], None],
) -> None:
    failing, alive = Failing(), list[bool]()
    broken = Drawn(0, lambda images: way(failing, images))
    other = Drawn(1, lambda images: alive.append(any(each() is not None for each in failing.held)))
    data = Scenes()
    tallies = [Tally(model, Setting()) for model in (broken, other)]
    show(tallies, Setting().condition, Screening(data, data.ids, Loader(0)))
    assert isinstance(tallies[0].error, DataError | RuntimeError)
    assert len(failing.held) == 1
    assert alive == [False] * len(data.ids)


def test_so_are_those_of_a_speed_cell_that_fails(tmp_path: Path) -> None:
    latency = {"sizes": [[64, 96]], "min_samples": 10, "min_seconds": 0.01, "max_seconds": 1}
    (tmp_path / "speed.yaml").write_text(
        yaml.safe_dump({"name": "speed", "description": "for tests", "models": [], "latency": latency}), "utf-8"
    )
    failing, errors = Failing(), list[Exception]()

    class Keeping(Listener):
        def finished(self, job: Job, error: Exception | None) -> None:
            errors.extend([error] if error else [])

    handed = {"broken": Handed(lambda classes: Drawn(0, failing))}
    failed = run(read_suite(str(tmp_path / "speed.yaml")), tmp_path / "out", Options(handed=handed), Keeping())
    assert len(failed) == len(errors) == 1
    assert str(errors[0]) == "out of memory"
    assert [each() for each in failing.held] == [None]
    (note,) = (tmp_path / "out/failed").iterdir()
    assert "raise ValueError" in note.read_text("utf-8")


def test_a_generator_that_has_caught_the_error_goes_on() -> None:
    def each() -> Iterator[ValueError]:
        for k in range(3):
            try:
                raise ValueError(str(k))
            except ValueError as error:
                yield error

    errors = list[str]()
    for error in each():
        clear_locals(error)
        errors.append(str(error))
    assert errors == ["0", "1", "2"]
