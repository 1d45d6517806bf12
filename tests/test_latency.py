from pathlib import Path

import pytest
import torch

from robustbench_seg import latency
from robustbench_seg.latency import Budget, measure_latency
from robustbench_seg.models import load_model
from robustbench_seg.record import LatencyCell
from robustbench_seg.store import Store
from robustbench_seg.studies.frame import latency_frame

CELL = LatencyCell(model="constant", num_classes=2, height=32, width=48, batch=2, precision="fp32", device="cpu")


class Clock:
    """Time that passes only inside the model."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds, self.calls = 0.0, seconds, 0

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        assert images.shape == (2, 3, 32, 48)
        assert images.dtype == torch.uint8
        self.calls += 1
        self.now += self.seconds
        return images

    device = torch.device("cpu")


@pytest.mark.parametrize(
    ("seconds", "samples"),
    [
        (0.125, 77),  # until 10 seconds have passed, three of the calls are warm-up
        (1.0, 30),  # 30 samples take longer than that
        (5.0, 21),  # stopped at 120 seconds: a call more or less may be under way
        (50.0, 10),  # no fewer than ten
    ],
)
def test_samples_are_enough_and_no_more(monkeypatch: pytest.MonkeyPatch, seconds: float, samples: int) -> None:
    clock = Clock(seconds)
    monkeypatch.setattr(latency.time, "perf_counter", lambda: clock.now)
    measured = measure_latency(clock, CELL, Budget())
    assert len(measured) == samples == clock.calls - latency.WARM_UP
    assert measured == pytest.approx([1000 * seconds] * samples)


def test_a_speed_cells_table_has_median_p90_and_images_per_second(tmp_path: Path) -> None:
    from test_store import record

    samples = [10.0, 20.0, 30.0, 40.0, 100.0]
    Store(tmp_path).write_latency(CELL, samples, record(kind="latency", cell=vars(CELL)))
    row = latency_frame(tmp_path).iloc[0]
    assert row["median_ms"] == 30
    assert row["p90_ms"] == pytest.approx(76)
    assert row["images_per_s"] == pytest.approx(2 / 0.030)
    assert row["samples"] == 5


def test_a_real_model_is_timed() -> None:
    model = load_model("constant", ("a", "b"), None, torch.device("cpu"))
    samples = measure_latency(model, CELL, Budget(min_samples=10, min_seconds=0.01, max_seconds=1))
    assert len(samples) >= 10
    assert all(sample > 0 for sample in samples)
