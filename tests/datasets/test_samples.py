"""A sample of any data set has the arrays that are scored, or is refused by its name."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from small import write_suite

from robustbench_seg.datasets import DATASETS, DatasetEntry, Sample
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.errors import DataError
from robustbench_seg.measure.plan import Job, Options
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.suites import read_suite

IMAGE, LABEL = np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), np.uint8)


@pytest.mark.parametrize(
    ("image", "label", "reason"),
    [
        (IMAGE / 255, LABEL, r"its image must be uint8 \(H, W, 3\), of 0 \.\. 255; got float64 \(4, 5, 3\)"),
        (IMAGE[:, :, 0], LABEL, r"got uint8 \(4, 5\)"),
        (np.zeros((4, 5, 4), np.uint8), LABEL, r"got uint8 \(4, 5, 4\)"),
        (np.zeros((3, 4, 5), np.uint8), LABEL, r"got uint8 \(3, 4, 5\)"),
        (IMAGE, LABEL[:2], r"its label must be uint8 \(4, 5\), as its image; got uint8 \(2, 5\)"),
        (IMAGE, LABEL.astype(np.int64), r"its label must be uint8 \(4, 5\), as its image; got int64 \(4, 5\)"),
        (IMAGE, LABEL.astype(bool), r"got bool \(4, 5\)"),
        (Pillow.fromarray(IMAGE), LABEL, "its image must be uint8 .* got Image$"),
        (IMAGE, None, "its label must be uint8 .* got NoneType$"),
        (IMAGE, IMAGE, r"got uint8 \(4, 5, 3\)"),
    ],
)
def test_a_sample_of_another_type_or_shape_is_refused(image: Any, label: Any, reason: str) -> None:
    assert Sample("fine", IMAGE, LABEL).image_id == "fine"
    with pytest.raises(DataError, match=f"^frame 7: .*{reason}"):
        Sample("frame 7", image, label)


class Unknown(Streets):
    """Its labels have a class more than it names."""

    name = "unknown"

    def load(self, image_id: str) -> Sample:
        sample = super().load(image_id)
        label = sample.label.copy()
        label[0, 0] = len(self.class_names)
        return Sample(image_id, sample.image, label)


def test_a_label_beyond_the_classes_is_a_fault_of_its_image() -> None:
    dataset = Unknown(count=1)
    with pytest.raises(DataError, match=r"_2000000: its label has 19, neither a class \(0 \.\. 18\) nor 255$"):
        dataset.inspect(dataset.ids[0])


class Floats(Streets):
    """Images of 0 .. 1, as other libraries give them."""

    name = "floats"

    def load(self, image_id: str) -> Sample:
        sample = super().load(image_id)
        return Sample(image_id, sample.image / np.float32(255), sample.label)  # type: ignore[arg-type]


class Faults(Listener):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def finished(self, job: Job, error: Exception | None) -> None:
        self.lines.append(f"{type(error).__name__}: {error}")


def test_a_run_of_a_users_own_data_set_reports_it_for_each_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = DatasetEntry(name="floats", description="0 .. 1", kind=Floats, needs_folder=False)
    monkeypatch.setitem(DATASETS, "floats", entry)
    dataset = {"name": "floats", "split": "test", "count": 1, "size": [32, 64]}
    suite = read_suite(str(write_suite(tmp_path, dataset=dataset, gallery=[], models=[{"name": "constant"}])))
    listener = Faults()
    assert run(suite, tmp_path / "out", Options(), listener)
    assert all(
        re.fullmatch(r"DataError: streets_.*: its image must be .* got float32 .*", one) for one in listener.lines
    )
