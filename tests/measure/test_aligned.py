"""A model of other classes than the data set's, against loops over pixels."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from small import stored, write_suite
from torch.nn import functional

from robustbench_seg.alignment import SHIPPED
from robustbench_seg.cli.report import write_and_show
from robustbench_seg.datasets import IGNORE, open_dataset
from robustbench_seg.datasets.camvid import CamVid
from robustbench_seg.datasets.cityscapes import CLASS_NAMES
from robustbench_seg.errors import UsageError
from robustbench_seg.measure import plan
from robustbench_seg.measure.aligned import align_model, alignment_of, outputs_of
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.measure.views import predict, rated_prediction
from robustbench_seg.models import load_source
from robustbench_seg.models.source import Source
from robustbench_seg.store.file import read_record
from robustbench_seg.store.view import View
from robustbench_seg.suites import read_suite

CLASSES = ("sky", "way", "tree", "car")
TABLE = {"road": "way", "path": "way", "heaven": "sky", "boat": None, "car": "car"}
TO = [1, 4, 0, 3, 1]  # of road, boat, heaven, car, path; 4 is nothing; tree is reached by none
SIZE = (37, 50)


class Five:
    """A model of five classes whose logits at 1/4 depend on pixels."""

    def __init__(self) -> None:
        self.name, self.licence, self.checkpoint_sha256, self.about, self.parameters = "five", "", "abc", "five", 0
        self.class_names: tuple[str, ...] = ("road", "boat", "heaven", "car", "path")
        self.device = torch.device("cpu")

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        pooled = functional.avg_pool2d(images.float(), 4, ceil_mode=True) / 40
        mixed = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0], [0, 0.4, 0.7]])
        return torch.einsum("kc,bchw->bkhw", mixed, pooled)


def aligned() -> Five:
    model = Five()
    align_model(model, CLASSES, TABLE)
    return model


def random_pair() -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(2)
    image = torch.randint(256, (40, 52, 3), dtype=torch.uint8, generator=draws)
    label = torch.randint(4, SIZE, dtype=torch.uint8, generator=draws)
    label[:3] = 255
    return image, label


def probabilities_slowly(image: torch.Tensor, scales: tuple[float, ...]) -> np.ndarray:
    """The model's own probabilities at the label's size, the mean over scales, (5, H, W) in double precision."""
    found = []
    for scale in scales:
        pixels = image.permute(2, 0, 1)[None].float()
        if scale != 1:
            size = (round(scale * 40), round(scale * 52))
            pixels = functional.interpolate(pixels, size, mode="bilinear", align_corners=False).round()
        logits = functional.interpolate(Five()(pixels), SIZE, mode="bilinear", align_corners=False)[0].double()
        found.append(logits.softmax(dim=0).numpy())
    return np.mean(found, axis=0)


@pytest.mark.parametrize("scales", [(1.0,), (0.8, 1.0, 1.5)])
def test_predictions_confidence_and_likelihood_are_those_of_a_loop_over_pixels(scales: tuple[float, ...]) -> None:
    image, label = random_pair()
    view = View(scale=scales)
    rated = rated_prediction(aligned(), image, view, label, "fp32")
    assert torch.equal(predict(aligned(), image, view, SIZE, "fp32"), rated.classes)
    own = probabilities_slowly(image, scales)
    chosen = set()
    for row, column in np.ndindex(*SIZE):
        values = own[:, row, column]
        best = int(values.argmax())
        chosen.add(best)
        assert rated.classes[row, column] == TO[best]
        sure = sum(values[k] for k in range(5) if TO[k] == TO[best])
        assert rated.confidence[row, column] == pytest.approx(sure, abs=2e-6)
        if (right := int(label[row, column])) != 255:
            probability = sum(values[k] for k in range(5) if TO[k] == right)
            expected = math.log(probability) if probability else math.log(torch.finfo(torch.float32).tiny)
            assert rated.log_likelihood[row, column] == pytest.approx(expected, abs=2e-5)
    assert len(chosen) >= 3


def test_windows_have_as_many_scores_as_the_model_has_logits() -> None:
    image, _ = random_pair()
    view = View(mode="slide", crop=40, stride=12)
    own = predict(Five(), image, view, SIZE, "fp32")
    assert torch.equal(predict(aligned(), image, view, SIZE, "fp32"), torch.tensor(TO)[own])


def test_an_aligned_model_has_the_data_sets_classes_and_another_identity() -> None:
    model, other, same = aligned(), Five(), Five()
    assert model.class_names == CLASSES
    assert outputs_of(model) == 5
    align_model(other, CLASSES, {**TABLE, "boat": "tree"})
    assert len({model.checkpoint_sha256, other.checkpoint_sha256, "abc"}) == 3
    assert align_model(same, ("road", "boat", "heaven", "car", "path")).is_identity
    assert (same.checkpoint_sha256, same.about, alignment_of(same)) == ("abc", "five", None)
    reordered = Five()
    align_model(reordered, ("path", "road", "boat", "heaven", "car"))
    assert reordered.checkpoint_sha256 != "abc"


@pytest.mark.parametrize("table", [None, dict(zip(Five().class_names, "abcde", strict=True))])
def test_a_model_whose_names_are_written_otherwise_has_the_data_sets_and_no_other_identity(
    table: dict[str, str] | None,
) -> None:
    model = Five()
    classes = tuple("abcde") if table else ("Road", "BOAT", "heaven", "car", "path")
    assert align_model(model, classes, table).is_identity
    assert (model.class_names, model.checkpoint_sha256, alignment_of(model)) == (classes, "abc", None)


def test_a_model_without_a_common_class_is_refused() -> None:
    with pytest.raises(UsageError, match="no class of the model"):
        align_model(Five(), CLASSES[:1])


class Noted(Listener):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def noted(self, line: str) -> None:
        self.lines.append(line)


CAMVID: dict[str, Any] = {
    "dataset": {"name": "camvid", "split": "test"},
    "gallery": ["frame_1"],
    "views": ["whole"],
    "conditions": {"contrast": [2]},
}
TO_CAMVID = {"road": "road", "path": "pavement", "heaven": "sky", "boat": None, "car": "car"}


def count_slowly(root: Path, image_id: str, table: dict[str, str | None]) -> dict[str, list[int]]:
    """Counts of Five on one clean image, pixel by pixel."""
    sample = open_dataset("camvid", root).load(image_id)
    logits = Five()(torch.from_numpy(sample.image).permute(2, 0, 1)[None])
    size = sample.label.shape
    chosen = functional.interpolate(logits, size, mode="bilinear", align_corners=False)[0].argmax(dim=0).numpy()
    counts = {name: [0] * 11 for name in ("intersection", "predicted", "labelled")}
    for row, column in np.ndindex(*size):
        if (right := sample.label[row, column]) == IGNORE:
            continue
        counts["labelled"][right] += 1
        target = table[Five().class_names[chosen[row, column]]]
        if target is not None:
            given = CamVid.class_names.index(target)
            counts["predicted"][given] += 1
            counts["intersection"][given] += given == right
    return counts


def cells_of(out: Path) -> dict[str, pd.DataFrame]:
    return {table["corruption"][0]: table for _, table in stored(out).values()}


def test_an_aligned_models_cells_are_counted_stored_read_and_reported(
    camvid_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "load_source", lambda source, name, classes, device: Five())
    model = {"name": "five", "model": "constant", "classes": TO_CAMVID}
    suite, listener = read_suite(str(write_suite(tmp_path, models=[model], **CAMVID))), Noted()
    assert not run(suite, tmp_path / "out", Options(data={"camvid": camvid_folder}), listener)
    assert listener.lines[0] == (
        "five: 1 of its 5 classes map to nothing in camvid, and count as wrong where they are predicted: boat"
    )
    assert listener.lines[1].startswith("camvid: 7 of its 11 classes are none of five's, so their IoU is 0: building, ")
    clean = cells_of(tmp_path / "out")["clean"]
    for image_id, *counts in clean[["image_id", "intersection", "predicted", "labelled"]].itertuples(index=False):
        expected = count_slowly(camvid_folder, image_id, TO_CAMVID)
        assert [list(one) for one in counts] == list(expected.values())
    lacking = clean["labelled"].map(sum) - clean["predicted"].map(sum)
    assert (lacking > 0).any(), "some pixels are given the class that maps to nothing"
    path = next((tmp_path / "out/cells").glob("*clean*"))
    record = read_record(path)
    assert record.class_names == CamVid.class_names
    assert dict(record.alignment) == TO_CAMVID
    write_and_show([tmp_path / "out"], tmp_path / "report", text=False)
    assert not run(suite, tmp_path / "out", Options(data={"camvid": camvid_folder}), listener), "resumes"


def test_the_alignment_is_a_part_of_the_key_only_where_it_maps_something(
    camvid_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = []
    for number, table in enumerate((TO_CAMVID, {**TO_CAMVID, "boat": "tree"}, TO_CAMVID)):
        monkeypatch.setattr(plan, "load_source", lambda source, name, classes, device: Five())
        place = tmp_path / str(number)
        place.mkdir()
        model = {"name": "five", "model": "constant", "classes": table}
        changes = {**CAMVID, "conditions": {}}
        suite = read_suite(str(write_suite(place, models=[model], **changes)))
        assert not run(suite, place / "out", Options(data={"camvid": camvid_folder}), Listener())
        (path,) = (place / "out/cells").iterdir()
        keys.append(read_record(path).key)
    assert keys[0] == keys[2] != keys[1]


def test_a_model_of_cityscapes_classes_runs_on_camvid_by_the_shipped_map(camvid_folder: Path, tmp_path: Path) -> None:
    model = {"name": "b0", "model": "segformer-b0", "weights": "builtin:streets-b0"}
    changes = {**CAMVID, "conditions": {}}
    suite, listener = read_suite(str(write_suite(tmp_path, models=[model], **changes))), Noted()
    assert not run(suite, tmp_path / "out", Options(data={"camvid": camvid_folder}), listener)
    assert listener.lines == []
    table = cells_of(tmp_path / "out")["clean"]
    own = load_source(Source.parse("builtin:streets-b0"), "b0", CLASS_NAMES, torch.device("cpu"))
    dataset = open_dataset("camvid", camvid_folder)
    for image_id, predicted in table[["image_id", "predicted"]].itertuples(index=False):
        sample = dataset.load(image_id)
        classes = predict(own, torch.from_numpy(sample.image), View(), sample.label.shape, "fp32").numpy()
        named = [SHIPPED["cityscapes-to-camvid"][CLASS_NAMES[k]] for k in classes[sample.label != IGNORE]]
        assert list(predicted) == [named.count(name) for name in CamVid.class_names]


def test_a_model_of_any_classes_is_timed_without_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "load_source", lambda source, name, classes, device: Five())
    latency = {"sizes": [[64, 96]], "min_samples": 10, "min_seconds": 0.01, "max_seconds": 1}
    content = {"name": "speed", "description": "for tests", "models": [{"name": "constant"}], "latency": latency}
    path = tmp_path / "speed.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert not run(read_suite(str(path)), tmp_path / "out", Options(), Listener())
    (cell,) = (read_record(path).cell for path in (tmp_path / "out/latency").iterdir())
    assert cell.num_classes == 5
