"""Images of equal size go through a model together: counts stay, and so do the names of images in errors."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from drawn_models import Drawn
from six_scenes import IMAGES, Scenes
from small import assert_same_store, stored, write_suite
from test_sweep import CONDITIONS, VIEWS
from waiting import nothing_waits

import robustbench_seg as rb
from robustbench_seg.datasets import Sample
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.errors import UsageError
from robustbench_seg.measure import tally
from robustbench_seg.measure.batch import Batch, batches
from robustbench_seg.measure.evaluate import evaluate
from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import run
from robustbench_seg.measure.workers import Loader
from robustbench_seg.metrics import METRICS, OPTIONAL
from robustbench_seg.models import load_source
from robustbench_seg.models.source import Source
from robustbench_seg.store.cell import Setting
from robustbench_seg.store.view import View
from robustbench_seg.suites import read_suite

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
HEIGHTS = (64, 48, 64, 64, 48, 80)


class Sizes(Scenes):
    """Scenes of three sizes in turn."""

    def load(self, image_id: str) -> Sample:
        sample = super().load(image_id)
        height = HEIGHTS[self.ids.index(image_id)]
        rows = np.arange(height) % 64
        return Sample(image_id, sample.image[rows], sample.label[rows])


def measure(out: Path, data: Streets, models: int = 2, **options: Any) -> rb.Results:
    how = {"corruptions": CONDITIONS, "views": VIEWS, "progress": False, "out": out, **options}
    return rb.evaluate({f"m{seed}": Drawn(seed) for seed in range(models)}, data, **how)


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of images one by one, counted by the metrics' own code."""
    out = tmp_path_factory.mktemp("single")
    measure(out, Sizes())
    return out


def samples(heights: tuple[int, ...]) -> list[Sample]:
    return [
        Sample(str(k), np.full((height, 4, 3), k, np.uint8), np.full((height, 4), k, np.uint8))
        for k, height in enumerate(heights)
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
def test_batches_have_one_size_and_hold_every_sample_once(size: int) -> None:
    got = list(batches(iter(samples(HEIGHTS)), size))
    assert sorted(sample.image_id for batch in got for sample in batch.samples) == list("012345")
    for batch in got:
        assert 1 <= len(batch) <= size
        images, labels = batch.on(torch.device("cpu"))
        assert images.shape == (len(batch), *batch.samples[0].image.shape)
        for image, label, sample in zip(images, labels, batch.samples, strict=True):
            assert torch.equal(image, torch.from_numpy(sample.image))
            assert torch.equal(label, torch.from_numpy(sample.label))
    assert [[len(part) for part in Batch(samples((9,) * 7)).parts(size)] for size in (1, 3, 7)] == [
        *([1] * 7, [3, 3, 1], [7]),
    ]


def test_samples_of_many_sizes_do_not_pile_up() -> None:
    taken = 0

    def many() -> Any:
        nonlocal taken
        for sample in samples(tuple(range(32, 92))):
            taken += 1
            yield sample

    for number, _ in enumerate(batches(many(), 2)):
        assert taken <= number + 2 * 4
    assert number == 59


@pytest.mark.parametrize("batch", [2, 4, 16])
def test_the_size_of_batches_changes_no_count(tmp_path: Path, single: Path, batch: int) -> None:
    measure(tmp_path, Sizes(), batch=batch)
    assert_same_store(tmp_path, single)


class Reused(Sizes):
    """The same scenes, each in the memory of the one before."""

    def __init__(self) -> None:
        super().__init__()
        self.memory: dict[tuple[int, ...], np.ndarray] = {}

    def load(self, image_id: str) -> Sample:
        sample = super().load(image_id)
        image, label = (self.memory.setdefault(a.shape, a.copy()) for a in (sample.image, sample.label))
        image[:], label[:] = sample.image, sample.label
        return Sample(image_id, image, label)


def test_a_data_set_may_fill_the_same_memory_for_each_image(tmp_path: Path, single: Path) -> None:
    measure(tmp_path, Reused(), batch=4, cache=None)
    same = [pd.read_parquet(folder / "cells") for folder in (tmp_path, single)]
    counts = [frame.sort_values(["cell", "model", "image_id"])["intersection"].map(tuple).tolist() for frame in same]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("batch", [1, 3])
def test_counts_as_on_a_gpu_are_those_of_the_metrics(
    tmp_path: Path, single: Path, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "COUNTED_THERE", ("cpu",))
    measure(tmp_path, Sizes(), batch=batch)
    assert_same_store(tmp_path, single)


def test_so_are_pictures_and_a_metric_of_a_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METRICS, "members", dict(METRICS.members))
    monkeypatch.setattr(METRICS, "origins", dict(METRICS.origins))

    @rb.metric("sure", title="Sure", columns={"sure_pixels": "integer"}, value=lambda sums: sums["sure_pixels"],
               unit="", higher=True, probabilities=True, version="1")  # fmt: skip
    def sure(prediction: Any) -> dict[str, int]:
        assert prediction.classes.dtype == np.uint8
        assert isinstance(prediction.confidence, np.ndarray)
        return {"sure_pixels": int((prediction.confidence[prediction.valid] > 0.5).sum())}

    for name, there in (("one", ("cuda",)), ("two", ("cpu",))):
        monkeypatch.setattr(tally, "COUNTED_THERE", there)
        suite = read_suite(str(write_suite(tmp_path, metrics=["boundary", "sure"], conditions={})))
        assert not run(suite, tmp_path / name, Options(batch=4), Listener())
    assert_same_store(tmp_path / "one", tmp_path / "two")
    pictures = [sorted((tmp_path / name).glob("gallery/*/*.png")) for name in ("one", "two")]
    assert len(pictures[0]) == 4 * 3
    for one, two in zip(*pictures, strict=True):
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("there", ["cpu", "cuda"])
def test_an_image_of_a_batch_whose_logits_are_not_finite_is_named(there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "COUNTED_THERE", (there,))
    data = Scenes()
    data_ids = data.ids

    class Broken(Drawn):
        def __call__(self, images: torch.Tensor) -> torch.Tensor:
            logits = super().__call__(images)
            sums = images.flatten(1).long().sum(dim=1)
            logits[sums == int(data.load(data_ids[2]).image.astype(np.int64).sum()), 3, 0, 0] = float("nan")
            return logits

    for view in VIEWS[:1]:
        with pytest.raises(UsageError, match=rf"^{data_ids[2]}: drawn 0 gave logits that are not finite"):
            evaluate(Broken(0), data, data_ids, Loader(0), Setting(view=View.parse(view)), batch=4)


@pytest.mark.parametrize("metrics", [(), OPTIONAL])
def test_an_error_names_the_image_of_a_batch_that_has_the_fault(metrics: tuple[str, ...]) -> None:
    data = Scenes()
    wrong = int(data.load(data.ids[3]).image.astype(np.int64).sum())

    def fail(images: torch.Tensor) -> None:
        if wrong in images.flatten(1).long().sum(dim=1).tolist():
            raise UsageError("bad logits")

    with pytest.raises(UsageError, match=rf"^{data.ids[3]}: bad logits$"):
        evaluate(Drawn(0, fail), data, data.ids, Loader(0), Setting(metrics=metrics), batch=6)


@pytest.mark.parametrize("fault", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("INT_MAX elements")])
@pytest.mark.parametrize(("batch", "seen"), [(5, [5, 3, 2, 1, 2, 1]), (3, [3, 2, 1, 2, 1])])
def test_a_batch_that_does_not_fit_is_halved_and_the_next_ones_are_smaller(
    batch: int, seen: list[int], fault: Exception
) -> None:
    def fail(images: torch.Tensor) -> None:
        if len(images) > 2:
            raise fault

    data, model = Scenes(), Drawn(0, fail)
    rows, _ = evaluate(model, data, data.ids, Loader(0), batch=batch)
    assert model.seen == seen
    expected, _ = evaluate(Drawn(0), data, data.ids, Loader(0))
    assert [row.image_id for row in rows] == list(data.ids)
    for row, other in zip(rows, expected, strict=True):
        assert all(np.array_equal(row.counts[name], other.counts[name]) for name in other.counts)


def test_labels_outside_of_the_classes_are_named_with_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "COUNTED_THERE", ("cpu",))

    class Few(Drawn):
        class_names = ("a", "b", "c")

    data = Scenes()
    model = Few(0)
    model.weight = model.weight[:3]
    with pytest.raises(Exception, match=rf"^{data.ids[0]}: class \d+ is outside 0 \.\. 2$"):
        evaluate(model, data, data.ids, Loader(0), batch=3)


@CUDA
@pytest.mark.parametrize("name", ["whole", "slide-64-32", "whole-x1_1.5-flip"])
def test_nothing_waits_for_a_gpu_but_for_results_and_counts_are_those_of_its_logits(name: str) -> None:
    device, data = torch.device("cuda"), Scenes()
    model = load_source(Source(model="segformer-b0", weights="random"), "b0", Streets.class_names, device)
    setting = Setting(view=View.parse(name), metrics=OPTIONAL)
    warm, _ = evaluate(model, data, data.ids, Loader(0), setting, batch=2)
    with nothing_waits():
        rows, timings = evaluate(model, data, data.ids, Loader(0), setting, batch=2)
    assert timings["model_s"] > 0
    usual, tally.COUNTED_THERE = tally.COUNTED_THERE, ()
    try:
        expected, _ = evaluate(model, data, data.ids, Loader(0), setting, batch=2)
    finally:
        tally.COUNTED_THERE = usual
    for row, other, first in zip(rows, expected, warm, strict=True):
        for column, values in other.counts.items():
            assert np.array_equal(row.counts[column], values), column
            assert np.array_equal(first.counts[column], values), column


@CUDA
def test_a_gpu_takes_as_many_images_as_fit_and_counts_all(tmp_path: Path) -> None:
    suite = read_suite(str(write_suite(tmp_path)))
    assert not run(suite, tmp_path / "out", Options(device="cuda"), Listener())
    for _, frame in stored(tmp_path / "out").values():
        assert len(frame) == IMAGES
        assert isinstance(frame, pd.DataFrame)
