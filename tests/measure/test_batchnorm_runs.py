"""Runs with re-estimated statistics of BatchNorm: what is counted, resumed, refused and estimated."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from program import program
from small import SUITE, assert_same_store, write_suite
from tiny_networks import Net, strengthened
from torch import nn

import robustbench_seg as rb
from robustbench_seg.corruptions import corrupt
from robustbench_seg.datasets import open_split, spaced
from robustbench_seg.errors import UsageError
from robustbench_seg.measure.estimate import estimate_seconds
from robustbench_seg.measure.plan import Job, Options, make_jobs, open_data
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.models.preprocessing import IMAGENET
from robustbench_seg.store.file import read_cell
from robustbench_seg.store.view import View
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.suites import expand, read_suite

BOTH = ["stored", "reestimated"]
B0 = {"models": [SUITE["models"][1]], "conditions": {"gaussian_noise": [3]}, "views": ["whole"]}
SMALL: dict[str, Any] = {**B0, "batchnorm": BOTH, "batchnorm_images": 4, "metrics": ["likelihood"]}
NAMES = ["whole", "whole-bn4-transductive"]


class Ran(Listener):
    def __init__(self) -> None:
        self.cells: list[str] = []

    def finished(self, job: Job, error: Exception | None) -> None:
        assert error is None
        self.cells.append(job.cell.slug)


def run_suite(folder: Path, out: Path, options: Options = Options(), **changes: Any) -> list[str]:  # noqa: B008
    ran = Ran()
    run(read_suite(str(write_suite(folder, **{**SMALL, **changes}))), out, options, ran)
    return ran.cells


def counts_in(folder: Path, **fields: Any) -> np.ndarray:
    frame = quality_frame(folder)
    for name, value in fields.items():
        frame = frame[frame[name] == value]
    (path,) = frame["path"]
    return np.stack([read_cell(path).arrays[name] for name in ("intersection", "predicted")])


@pytest.mark.parametrize("seed", [0, 7])
def test_counts_are_those_of_torchs_training_batch_of_the_corrupted_images(seed: int, tmp_path: Path) -> None:
    """By hand: all images under the seeded noise in one batch in training mode, and the usual rules after it."""
    data = open_split("streets", "test", {}, size=[64, 96], count=6)
    network = strengthened(Net(len(data.class_names)))
    samples = [data.load(image_id) for image_id in data.ids]
    noisy = [corrupt(one.image, "gaussian_noise", 3, seed=seed, image_id=one.image_id) for one in samples]
    batch = torch.from_numpy(np.stack(noisy)).permute(0, 3, 1, 2)
    with torch.no_grad():
        logits = deepcopy(network).train()(IMAGENET.normalise(batch))
    classes = nn.functional.interpolate(logits, (64, 96), mode="bilinear").argmax(dim=1).numpy()
    expected = np.zeros((2, 6, len(data.class_names)), int)
    for k, sample in enumerate(samples):
        seen = sample.label != 255
        right = seen & (classes[k] == sample.label)
        expected[:, k] = [np.bincount(classes[k][one], minlength=expected.shape[2]) for one in (right, seen)]
    before = deepcopy(network.state_dict())
    rb.evaluate(
        network, data, corruptions={"gaussian_noise": [3]}, views=["whole", "whole-bn6-transductive"], metrics=[],
        out=tmp_path, seeds=[seed], progress=False, preprocess={"mean": IMAGENET.mean, "std": IMAGENET.std},
    )  # fmt: skip
    got = counts_in(tmp_path, view="whole-bn6-transductive", corruption="gaussian_noise")
    usual = counts_in(tmp_path, view="whole", corruption="gaussian_noise")
    assert np.abs(got - expected).max() <= 3, "a pixel whose two best logits are equal except for rounding may differ"
    assert np.abs(usual - expected).max() > 100
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_a_suite_measures_both_resumes_and_does_not_depend_on_workers(tmp_path: Path) -> None:
    cells = run_suite(tmp_path, tmp_path / "one")
    assert cells == [f"b0-streets-{condition}-{view}" for view in NAMES for condition in ("clean", "gaussian_noise-3")]
    assert run_suite(tmp_path, tmp_path / "one") == []
    paths = {path.name: path for path in (tmp_path / "one/cells").iterdir()}
    (missing,) = (path for name, path in paths.items() if "noise-3-whole-bn4" in name)
    missing.unlink()
    assert run_suite(tmp_path, tmp_path / "one", Options(workers=1)) == [f"b0-streets-gaussian_noise-3-{NAMES[1]}"]
    usual = read_suite(str(write_suite(tmp_path, **B0, metrics=["likelihood"])))
    run(usual, tmp_path / "two", Options(), first := Ran())
    assert first.cells == cells[:2]
    assert run_suite(tmp_path, tmp_path / "two") == cells[2:], "in a store with the usual cells, the others are added"
    assert_same_store(tmp_path / "one", tmp_path / "two")


def test_gallery_images_that_are_not_counted_change_no_statistics(tmp_path: Path) -> None:
    for name, gallery in (("with", SUITE["gallery"]), ("without", [])):
        run_suite(tmp_path, tmp_path / name, Options(limit=2), gallery=gallery)
    assert_same_store(tmp_path / "with", tmp_path / "without")


def test_images_are_spaced_evenly_over_those_that_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from robustbench_seg.measure import evaluate

    seen: list[list[int]] = []
    usual = evaluate.reestimated

    def listen(model: Any, view: View, images: Any, precision: str) -> Any:
        images = list(images)
        seen.append([int(image.sum()) for image in images])
        return usual(model, view, iter(images), precision)

    monkeypatch.setattr(evaluate, "reestimated", listen)
    run_suite(tmp_path, tmp_path / "four", conditions={}, gallery=[])
    run_suite(tmp_path, tmp_path / "two", Options(limit=2), conditions={}, gallery=[])
    data = open_split("streets", "test", {}, size=[64, 96], count=6)
    for ids, got in zip((spaced(data.ids, 4), spaced(data.ids, 2)), seen, strict=True):
        assert got == [int(data.load(image_id).image.sum(dtype=np.int64)) for image_id in ids]


def test_the_estimate_of_time_counts_the_images_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from robustbench_seg.measure import estimate

    monkeypatch.setattr(estimate, "timed", lambda work, ids: 1.0)
    suite = read_suite(str(write_suite(tmp_path, **SMALL)))
    dataset, ids = open_data(suite, Options())
    _, jobs = make_jobs(suite, Options(), dataset, ids)
    assert estimate_seconds(jobs, dataset, ids, 0, None) == 2 * 6 + 2 * (6 + 4) + 6, "each is drawn once"


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown word": ({"batchnorm": "fresh"}, "batchnorm: must be 'stored' or 'reestimated', got 'fresh'"),
    "a word twice": ({"batchnorm": ["stored"] * 2}, "batchnorm must differ, got stored, stored"),
    "none": ({"batchnorm": []}, "batchnorm: must have 1 or more, got []"),
    "one image": ({"batchnorm": BOTH, "batchnorm_images": 1}, "batchnorm_images: must be 2 or more, got 1"),
    "a number without effect": ({"batchnorm_images": 9}, "batchnorm_images has no effect without batchnorm: reest"),
    "a view that has its own": (
        {"batchnorm": BOTH, "views": ["whole", NAMES[1]]},
        "view whole-bn4-transductive states its statistics, so that batchnorm has no place",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_suites_fault_is_one_line(name: str, tmp_path: Path) -> None:
    changes, message = FAULTS[name]
    with pytest.raises(UsageError, match=r"small\.yaml: ") as error:
        read_suite(str(write_suite(tmp_path, **changes)))
    assert message in str(error.value)


def test_a_suite_may_name_such_views_itself(tmp_path: Path) -> None:
    given = read_suite(str(write_suite(tmp_path, **SMALL)))
    by_name = read_suite(str(write_suite(tmp_path, **B0, metrics=["likelihood"])))
    plan = expand(by_name.model_copy(update={"views": (View(), View(batchnorm=4))}), {"b0": "cpu"})
    assert expand(given, {"b0": "cpu"}).to_measure() == plan.to_measure()
    assert read_suite(str(write_suite(tmp_path, views=[{"mode": "whole", "batchnorm": 4}]))).views == (
        replace(View(), batchnorm=4),
    )


def test_the_command_line_offers_it_and_says_what_it_is(tmp_path: Path) -> None:
    path = str(write_suite(tmp_path, **B0))
    for option, views in (
        ("reestimated", "whole-bn32-transductive"), ("stored,reestimated", "whole, whole-bn32-transductive"),
        ("stored", "whole"),
    ):  # fmt: skip
        planned = program("plan", path, "--batchnorm", option)
        assert f"views: {views}\n" in planned.stdout, planned.stderr
    own = str(write_suite(tmp_path, **SMALL))
    assert "views: whole-bn4-transductive\n" in program("plan", own, "--batchnorm", "reestimated").stdout
    assert "views: whole\n" in program("plan", own, "--batchnorm", "stored").stdout
    wrong = program("plan", own, "--batchnorm", "fresh")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--batchnorm: 'fresh' is none of stored, reestimated" in wrong.stderr
    assert "transductive" in program("run", "--help").stdout


def test_a_model_that_has_no_statistics_is_refused_before_the_first_cell(tmp_path: Path) -> None:
    suite = str(write_suite(tmp_path, **{**SMALL, "models": []}))
    done = program("run", suite, "--model", "constant", "--out", str(tmp_path / "out"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "constant: batchnorm reestimated needs a torch network" in done.stderr
    assert not list(tmp_path.glob("out/cells/*"))
