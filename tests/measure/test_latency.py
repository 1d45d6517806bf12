from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from robustbench_seg.measure import latency
from robustbench_seg.measure.latency import measure_latency
from robustbench_seg.models import load_source
from robustbench_seg.models.source import Source
from robustbench_seg.store.cell import LatencyCell
from robustbench_seg.store.folder import Store
from robustbench_seg.store.record import Record, latency_key
from robustbench_seg.studies.frame import latency_frame
from robustbench_seg.suites import LatencySpec

CELL = LatencyCell(model="constant", num_classes=2, height=32, width=48, batch=2, precision="fp32", device="cpu")
SIZES = [(CELL.height, CELL.width)]


class Clock:
    """Time that passes only inside the model."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds, self.calls = 0.0, seconds, 0

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        assert images.shape == (2, 3, 32, 48)
        assert images.dtype == torch.uint8
        self.calls += 1
        self.now += self.seconds
        return images[:, :2, ::4, ::4].float()

    device = torch.device("cpu")


@pytest.mark.parametrize(
    ("seconds", "samples"),
    [
        (0.125, 76),  # until 10 seconds have passed; memory takes the first call, warm-up three
        (1.0, 30),  # 30 samples take longer than that
        (5.0, 20),  # stopped at 120 seconds: a call more or less may be under way
        (50.0, 10),  # no fewer than ten
    ],
)
def test_samples_are_enough_and_no_more(monkeypatch: pytest.MonkeyPatch, seconds: float, samples: int) -> None:
    clock = Clock(seconds)
    monkeypatch.setattr(latency.time, "perf_counter", lambda: clock.now)
    speed = measure_latency(clock, CELL, LatencySpec(sizes=SIZES))
    assert len(speed.latency_ms) == len(speed.classify_ms) == samples == clock.calls - latency.WARM_UP - 1
    assert speed.latency_ms == pytest.approx([1000 * seconds] * samples)
    assert speed.classify_ms == [0.0] * samples


def test_resize_and_argmax_are_timed_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(0.5)

    def slow_classify(logits: list[torch.Tensor], size: tuple[int, int]) -> None:
        assert logits[0].shape == (2, 2, 8, 12)
        assert size == (32, 48)
        clock.now += 0.25

    monkeypatch.setattr(latency.time, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(latency, "classify", slow_classify)
    speed = measure_latency(clock, CELL, LatencySpec(sizes=SIZES, min_seconds=1))
    assert set(speed.latency_ms) == {500.0}
    assert set(speed.classify_ms) == {250.0}


def test_a_speed_cells_table_has_medians_quantiles_and_images_per_second(tmp_path: Path) -> None:
    samples = {"latency_ms": [10.0, 20.0, 30.0, 40.0, 100.0], "classify_ms": [5.0, 1.0, 2.0, 3.0, 4.0]}
    row = stored_row(tmp_path, samples)
    assert row["median_ms"] == 30
    assert row["p90_ms"] == pytest.approx(76)
    assert np.isnan(row["p99_ms"])  # of five samples there is no 99th percentile
    assert row["classify_ms"] == 3
    assert row["total_ms"] == 32  # the median of 15, 21, 32, 43, 104, not the sum of medians
    assert row["images_per_s"] == pytest.approx(2 / 0.030)
    assert row["samples"] == 5
    assert row["peak_memory_mib"] == 7.5


def test_the_99th_percentile_needs_100_samples(tmp_path: Path) -> None:
    for number, known in ((99, False), (100, True)):
        samples = [float(ms) for ms in range(1, number + 1)]
        row = stored_row(tmp_path / str(number), {"latency_ms": samples, "classify_ms": samples})
        assert np.isnan(row["p99_ms"]) != known


@pytest.mark.parametrize(("step", "noisy"), [(0.19, False), (0.21, True)])
def test_samples_that_spread_over_a_tenth_of_the_median_are_called_noisy(
    step: float, noisy: bool, tmp_path: Path
) -> None:
    samples = [100 * (1 + step * k / 100) for k in range(-50, 51)]  # the quartiles are half of 100 step apart
    row = stored_row(tmp_path, {"latency_ms": samples, "classify_ms": samples})
    assert row["spread"] == pytest.approx(step / 2)
    assert row["noisy"] == noisy


def stored_row(folder: Path, samples: dict[str, list[float]]) -> pd.Series:
    sha256, machine = "0" * 64, "none, 1 thread"
    record = Record(
        kind="latency", key=latency_key(CELL, checkpoint_sha256=sha256, machine=machine), cell=CELL,
        class_names=("a", "b"), checkpoint_sha256=sha256, licence="", about="", parameters=1,
        environment={"machine": "none", "packages": {}}, timings={}, machine=machine, peak_memory_mib=7.5,
    )  # fmt: skip
    Store(folder).write_latency(samples, record)
    return latency_frame(folder).iloc[0]


def test_memory_at_the_peak_counts_what_a_call_holds_for_a_moment() -> None:
    held = 64 * 2**20

    def call() -> None:
        torch.ones(held // 4).sum()  # written to, or the system gives no memory

    peak = latency.peak_memory_mib(call, torch.device("cpu"))
    assert 60 <= peak <= 80


def test_memory_that_was_free_before_the_call_counts_too() -> None:
    held = [torch.ones(2**14) for _ in range(1024)]  # 64 MiB in pieces so small that they are not given back at once
    del held

    def call() -> None:
        _ = [torch.ones(2**14) for _ in range(1024)]

    peak = latency.peak_memory_mib(call, torch.device("cpu"))
    assert 55 <= peak <= 85


def test_what_stays_after_the_first_pass_is_not_its_peak_memory() -> None:
    """Libraries that load with the first call would make the first cell of a run look larger than the others."""

    class Loads(Clock):
        def __call__(self, images: torch.Tensor) -> torch.Tensor:
            if not self.calls:
                self.held = torch.ones(2**24)  # 64 MiB
            return super().__call__(images)

    spec = LatencySpec(sizes=SIZES, min_samples=10, min_seconds=0.001, max_seconds=1)
    speed = measure_latency(Loads(0.0), CELL, spec)
    assert speed.peak_memory_mib < 32


def test_a_real_model_is_timed() -> None:
    model = load_source(Source(model="constant"), "constant", ("a", "b"), torch.device("cpu"))
    speed = measure_latency(model, CELL, LatencySpec(sizes=SIZES, min_samples=10, min_seconds=0.01, max_seconds=1))
    for samples in (speed.latency_ms, speed.classify_ms):
        assert len(samples) >= 10
        assert all(sample > 0 for sample in samples)
