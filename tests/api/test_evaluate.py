"""`rb.evaluate`: the same keys, store and numbers as the command line; networks and Segmenters that are handed over."""

import gc
import json
import signal
import warnings
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from networks import Scaled, Small, drawn
from program import program
from shared_runs import begin_code, status_of
from sklearn.metrics import jaccard_score
from torch import nn
from torch.nn import functional

import robustbench_seg as rb
from robustbench_seg.datasets.camvid import CamVid
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.errors import DataError, UsageError
from robustbench_seg.measure.runner import Listener
from robustbench_seg.models.base import NetworkSegmenter
from robustbench_seg.models.network_identity import identity_of
from robustbench_seg.report.sections import sections_of
from robustbench_seg.studies.regression import compare_stores

FOG = {"fog": [1, 3]}
ONE = {"corruptions": {"contrast": [2]}, "metrics": [], "progress": False}  # the fewest cells that have a mean
CHANGING = {"command", "time"}  # of a record's environment


def decided(folder: Path) -> dict[str, object]:
    """All of a store but clocks and commands, by file: plans, columns, values and records."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            record = json.loads(table.schema.metadata[b"robustbench_seg"])
            record["environment"] = {k: v for k, v in record["environment"].items() if k not in CHANGING}
            record["timings"] = sorted(record["timings"])
            found[path.name] = [table.schema.remove_metadata(), table.to_pydict(), record]
        elif path.parent.name == "plans":
            found[path.name] = {k: v for k, v in json.loads(path.read_text()).items() if k != "written"}
    return found


def test_a_source_gives_the_store_of_the_command_line(tmp_path: Path, camvid_folder: Path) -> None:
    results = rb.evaluate(
        "segformer-b0@random", f"camvid={camvid_folder}", corruptions=FOG, views=["whole", "slide-32-16"],
        out=tmp_path / "here", limit=2, name="segformer-b0", progress=False,
    )  # fmt: skip
    done = program(
        *("run", "--data", f"camvid={camvid_folder}", "--weights", "segformer-b0=random", "--limit", "2"),
        *("--corruptions", "fog", "--severities", "1,3", "--view", "whole", "--view", "slide-32-16"),
        *("--out", str(tmp_path / "there"), "--workers", "0"),
    )
    assert done.returncode == 0, done.stderr
    here, there = decided(tmp_path / "here"), decided(tmp_path / "there")
    assert len(here) == 2 * 3 + 1
    assert here == there
    assert sorted(results.frame()["key"]) == sorted(name[-40:-8] for name in here if name.endswith(".parquet"))


def test_a_network_that_is_handed_over_has_the_miou_of_its_own_predictions(camvid_folder: Path) -> None:
    data, network = CamVid(camvid_folder), drawn(Small(11)).train()
    mean, std = np.array([0.3, 0.4, 0.5]), np.array([0.2, 0.3, 0.1])
    results = rb.evaluate(
        network, data, "clean", preprocess={"mean": mean, "std": std, "channels": "bgr"}, metrics=[], progress=False
    )
    truth, found = [], []
    for sample in map(data.load, data.ids):
        pixels = (sample.image[:, :, ::-1] / 255 - mean) / std
        with torch.no_grad():
            logits = network(torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None])["out"]
            full = functional.interpolate(logits, sample.label.shape, mode="bilinear", align_corners=False)
        valid = sample.label != 255
        truth.append(sample.label[valid])
        found.append(full.argmax(1)[0].numpy()[valid])
    expected = jaccard_score(np.concatenate(truth), np.concatenate(found), average="macro")
    assert results.table()["clean"].item() == pytest.approx(expected, abs=1e-12)
    assert network.training, "and trains on as before"
    assert network.layer.training


def test_a_function_may_make_the_input(camvid_folder: Path) -> None:
    def normalise(images: torch.Tensor) -> torch.Tensor:
        assert images.dtype == torch.uint8
        mean, std = (torch.tensor(v)[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
        return (images / 255 - mean) / std

    data, network = CamVid(camvid_folder), drawn(Small(11))
    own = rb.evaluate(network, data, "clean", preprocess=normalise, version="1", metrics=[], progress=False)
    ours = rb.evaluate(network, data, "clean", metrics=[], progress=False)
    assert own.frame()["iou"].item() == pytest.approx(ours.frame()["iou"].item(), abs=1e-2)
    assert own.frame()["checkpoint_sha256"].item() != ours.frame()["checkpoint_sha256"].item()
    with pytest.raises(UsageError, match="has no source file"):
        rb.evaluate(network, data, "clean", preprocess=normalise, progress=False)


def test_a_segmenter_is_measured_under_a_name_and_stays_as_it_is(camvid_folder: Path) -> None:
    data = CamVid(camvid_folder)

    class Out(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = drawn(Small(11))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.inner(images)["out"]

    segmenter = NetworkSegmenter(
        name="theirs", network=Out(), class_names=data.class_names[::-1], licence="MIT", checkpoint_sha256="a",
        about="small",
    )  # fmt: skip
    results = rb.evaluate(segmenter, data, "clean", name="mine", version="1", metrics=[], progress=False)
    row = results.frame().iloc[0]
    assert (row["model"], row["licence"], segmenter.name, segmenter.checkpoint_sha256) == ("mine", "MIT", "theirs", "a")
    network = rb.evaluate(
        drawn(Small(11)), data, "clean", classes=data.class_names[::-1], metrics=[], progress=False
    ).frame()
    assert row["iou"] == network["iou"].item(), "classes in another order are aligned by name, in both"


def test_several_classes_of_a_network_may_stand_for_one(camvid_folder: Path) -> None:
    data, network = CamVid(camvid_folder), drawn(Small(12))
    names = {f"own {name}": name for name in data.class_names} | {"van": "car"}
    half = {**names, "van": None, "own sky": None}
    notes = rb.evaluate(network, data, "clean", classes=half, limit=1, metrics=[], progress=False).notes
    assert notes[0].startswith("Small: 2 of its 12 classes map to nothing in camvid")
    assert notes[1].startswith("camvid: 1 of its 11 classes are none of Small's")
    results = rb.evaluate(network, data, "clean", classes=names, metrics=[], progress=False)
    truth, found = [], []
    for sample in map(data.load, data.ids):
        pixels = (sample.image / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
        with torch.no_grad():
            logits = network(torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None])["out"]
            full = functional.interpolate(logits, sample.label.shape, mode="bilinear", align_corners=False)
        own = full.argmax(1)[0].numpy()
        truth.append(sample.label[sample.label != 255])
        found.append(np.where(own == 11, data.class_names.index("car"), own)[sample.label != 255])
    expected = jaccard_score(np.concatenate(truth), np.concatenate(found), average="macro")
    assert results.table()["clean"].item() == pytest.approx(expected, abs=1e-12)
    with pytest.raises(UsageError, match="model Small: has 12 classes, but the dataset has 11"):
        rb.evaluate(network, data, "clean", metrics=[], progress=False)
    with pytest.raises(UsageError, match="the data set has no class 'sofa'"):
        rb.evaluate(network, data, "clean", classes={**names, "van": "sofa"}, progress=False)


@pytest.mark.parametrize(
    "other",
    [
        lambda: drawn(Scaled(11, 2.0), seed=1),
        lambda: drawn(Scaled(11, 3.0)),
        lambda: drawn(Small(11)),
        lambda: shifted(drawn(Scaled(11, 2.0))),
        lambda: nn.Sequential(drawn(Scaled(11, 2.0))),
        lambda: hooked(drawn(Scaled(11, 2.0))),
    ],
    ids=["weights", "a number that is no weight", "class", "a buffer that is not saved", "structure", "a hook"],
)
def test_whatever_decides_logits_decides_the_identity(other) -> None:
    base = identity_of(drawn(Scaled(11, 2.0)))
    assert base == identity_of(drawn(Scaled(11, 2.0)).train()), "a mode decides nothing: all evaluate"
    assert base != identity_of(other())


def shifted(network: nn.Module) -> nn.Module:
    network.shift += 1
    return network


def hooked(network: nn.Module) -> nn.Module:
    network.register_forward_hook(same)
    return network


def same(module: nn.Module, inputs: object, output: object) -> object:
    return output


def test_a_class_of_a_notebook_needs_a_version() -> None:
    space: dict[str, object] = {"__name__": "__notebook__"}
    exec("from torch import nn\nclass Typed(nn.Conv2d): pass", space)
    network = space["Typed"](3, 11, 1)
    with pytest.raises(UsageError, match=r"Typed has no source file: .* give it a version"):
        identity_of(network)
    assert identity_of(network, "1") != identity_of(network, "2")


def test_several_models_are_measured_together_under_their_names(camvid_folder: Path) -> None:
    models = {"a": drawn(Small(11)), "b": drawn(Small(11), seed=1), "floor": "constant"}
    results = rb.evaluate(models, CamVid(camvid_folder), **ONE)
    assert sorted(results.table()["model"]) == ["a", "b", "floor"]
    assert results.table()[["clean", "contrast", "mean"]].notna().all(axis=None)


def test_a_source_is_loaded_for_a_program_that_feeds_it() -> None:
    images = torch.randint(256, (1, 3, 64, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    model = rb.load_model("mine=constant", ["a", "b"])
    assert (model.name, model.class_names) == ("mine", ("a", "b"))
    assert (model(images).argmax(1) == 0).all()
    with pytest.raises(UsageError, match="--model nothing: unknown model 'nothing'"):
        rb.load_model("nothing", ["a"])


@pytest.mark.parametrize("source", ["mine=constant", "mine=segformer-b0@random"])
def test_a_loaded_model_refuses_what_is_no_batch_of_uint8_images(source: str) -> None:
    model = rb.load_model(source, ["a", "b"])
    for images, got in [
        (torch.rand(1, 3, 64, 96), r"float32 \(1, 3, 64, 96\)"),
        (torch.zeros(1, 64, 96, 3, dtype=torch.uint8), r"uint8 \(1, 64, 96, 3\)"),
        (torch.zeros(3, 64, 96, dtype=torch.uint8), r"uint8 \(3, 64, 96\)"),
        (np.zeros((1, 3, 64, 96), np.uint8), "ndarray"),
    ]:
        with pytest.raises(UsageError, match=rf"^\S+ takes a tensor of uint8 RGB images \(B, 3, H, W\), got {got}$"):
            model(images)


def test_an_empty_folder_is_refused_where_it_would_be_the_working_folder(
    tmp_path: Path, camvid_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    results = rb.evaluate("constant", f"camvid={camvid_folder}", **ONE)
    for name, act in {
        "out": lambda: rb.evaluate("constant", f"camvid={camvid_folder}", **ONE, out=""),
        "cache": lambda: rb.evaluate("constant", f"camvid={camvid_folder}", **ONE, cache=" "),
        "path": lambda: results.report(""),
        "folder": lambda: rb.read_results(""),
    }.items():
        with pytest.raises(UsageError, match=f"^{name} must be a folder, and not empty, got ' ?'$"):
            act()
    with pytest.raises(UsageError, match=r"^unknown dataset ''; known: "):
        rb.open_dataset("")
    assert not [*Path().iterdir()]


def test_what_is_measured_already_is_not_measured_again(tmp_path: Path, camvid_folder: Path) -> None:
    class Counting(Listener):
        def __init__(self) -> None:
            self.images = 0

        def image(self) -> None:
            self.images += 1

    counts = []
    for _ in range(2):
        progress = Counting()
        options = {**ONE, "progress": progress}
        rb.evaluate(drawn(Small(11)), CamVid(camvid_folder), out=tmp_path, **options)
        counts.append(progress.images)
    assert counts == [6, 0]


def test_a_temporary_store_lives_as_long_as_its_results(camvid_folder: Path) -> None:
    results = rb.evaluate("constant", CamVid(camvid_folder), **ONE)
    folder = results.folder
    assert len(list((folder / "cells").iterdir())) == 2
    del results
    gc.collect()
    assert not folder.exists()


KILLED = """
import os, signal, sys, tempfile
import robustbench_seg as rb
from robustbench_seg.measure.runner import Listener

class Killing(Listener):
    def finished(self, job, error):
        os.kill(os.getpid(), signal.SIGKILL)

tempfile.tempdir = sys.argv[2]
rb.evaluate("constant", "camvid=" + sys.argv[1], corruptions={}, progress=Killing())
"""


def test_the_temporary_store_of_a_killed_program_is_removed_by_the_next(
    tmp_path: Path, camvid_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (temporary := tmp_path / "temporary").mkdir()
    assert status_of(begin_code(KILLED, str(camvid_folder), str(temporary))) == -signal.SIGKILL
    monkeypatch.setattr("tempfile.tempdir", str(temporary))  # not before: multiprocessing would keep its sockets there
    (left,) = temporary.iterdir()
    results = rb.evaluate("constant", CamVid(camvid_folder), **ONE)
    assert list(results.folder.parents)[:2] == [*temporary.iterdir(), temporary]
    assert not left.exists()


def test_draws_of_a_corruption_share_their_clean_images(camvid_folder: Path) -> None:
    how = {"corruptions": {"gaussian_noise": [3]}, "metrics": [], "progress": False}
    network, data = drawn(Small(11)), CamVid(camvid_folder)
    results = rb.evaluate(network, data, seeds=[4, 5, 6], **how)
    frame = results.frame()
    assert sorted(zip(frame["corruption"], frame["seed"], strict=True)) == [
        *(("clean", 4), ("gaussian_noise", 4), ("gaussian_noise", 5), ("gaussian_noise", 6)),
    ]
    alone = [rb.evaluate(network, data, seeds=[seed], **how).table().iloc[0] for seed in (4, 5, 6)]
    row = results.table().iloc[0]
    assert (sorted(row["seeds"]), row["draws"], row["missing"]) == ([4, 5, 6], 3, 0)
    scores = [one["mean"] for one in alone]
    assert row["mean"] == pytest.approx(np.mean(scores), abs=1e-15)
    assert row["mean_spread"] == pytest.approx(np.std(scores, ddof=1), abs=1e-15)
    assert row["mean_spread"] > 0
    kept = [one["retention"] for one in alone]
    assert row["retention_spread"] == pytest.approx(np.std(kept, ddof=1), abs=1e-15)
    assert np.isnan(alone[0]["mean_spread"])
    (section,) = sections_of([results.folder], pictures=False)
    assert section.missing == ()
    spread = next(table for table in section.tables if table.file == "draws")
    shown = {column.name: cell.value for column, cell in zip(spread.columns, spread.rows[0].cells, strict=True)}
    assert shown["mean"] == pytest.approx(np.mean(scores), abs=1e-15)
    assert shown["mean_spread"] == pytest.approx(np.std(scores, ddof=1), abs=1e-15)
    main = next(table for table in section.tables if table.main and table.file != "draws")
    first = {column.name: cell.value for column, cell in zip(main.columns, main.rows[0].cells, strict=True)}
    drawn_first = alone[row["seeds"][0] - 4]
    assert first["mean"] == pytest.approx(drawn_first["mean"], abs=1e-15), "of the first draw"
    same = results.compare(results).table
    assert set(same["seed"]) == {4, 5, 6}
    assert (same["estimate"] == 0).all()
    assert (same["quantity"] == "clean").sum() == 3


def test_a_network_that_fails_is_named_with_its_error(camvid_folder: Path) -> None:
    network = drawn(Small(11))
    network.layer.register_forward_hook(lambda module, inputs, logits: 1 / 0)
    with pytest.raises(UsageError, match=r"model Small: its network can't be run .*\(ZeroDivisionError: division by z"):
        rb.evaluate(network, CamVid(camvid_folder), version="1", **ONE)


def test_where_all_cells_fail_the_first_error_is_raised(camvid_folder: Path) -> None:
    network = drawn(Small(11))
    network.layer.register_forward_hook(lambda module, inputs, logits: refuse(inputs[0], logits))
    with pytest.raises(RuntimeError, match="no windows"):
        rb.evaluate(network, CamVid(camvid_folder), views=["slide-32-16"], version="1", **ONE)


def test_whole_numbers_may_be_of_numpy(camvid_folder: Path) -> None:
    how = {"seeds": np.arange(2), "limit": np.int64(1), "metrics": [], "progress": False}
    results = rb.evaluate("constant", CamVid(camvid_folder), corruptions={"gaussian_noise": [1]}, **how)
    assert sorted(results.frame()["seed"]) == [0, 0, 1]


def test_images_are_padded_for_a_network_that_takes_multiples_alone(camvid_folder: Path) -> None:
    class Picky(Small):
        def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
            assert images.shape[2] % 16 == images.shape[3] % 16 == 0
            return super().forward(images)

    results = rb.evaluate(drawn(Picky(11)), CamVid(camvid_folder), version="1", **ONE)
    about = results.frame()["about"].iloc[0]
    assert about.endswith(
        "Picky, input ImageNet's mean and std (nothing is stated of it), images padded to a multiple of 16 (found by a "
        "trial), its logits named as the data set's classes"
    )


def test_cells_that_fail_are_named_in_a_warning_and_in_the_results(camvid_folder: Path) -> None:
    network = drawn(Small(11))
    with pytest.warns(UserWarning, match=r"2 cells failed: Small-camvid-clean-slide-32-16, .*; see results\.failures"):
        network.layer.register_forward_hook(lambda module, inputs, logits: refuse(inputs[0], logits))
        results = rb.evaluate(network, CamVid(camvid_folder), views=["whole", "slide-32-16"], version="1", **ONE)
    assert sorted(results.failures) == ["Small-camvid-clean-slide-32-16", "Small-camvid-contrast-2-slide-32-16"]
    assert "no windows" in results.failures["Small-camvid-clean-slide-32-16"]
    assert "failed: Small-camvid-clean-slide-32-16" in repr(results)


def refuse(images: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    if images.shape[2] == 32:
        raise RuntimeError("no windows")
    return logits


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"data": "nowhere"}, UsageError, "unknown dataset 'nowhere'; known: streets"),
        ({"data": 3}, UsageError, "data must be a dataset, a name or a folder, got int"),
        ({"data": "camvid=/nowhere"}, DataError, "/nowhere/test: no such folder"),
        ({"model": "segformer-b9"}, UsageError, "unknown model 'segformer-b9'; known: segformer-b0"),
        ({"model": "segformer-b0"}, UsageError, "model segformer-b0 needs weights"),
        ({"model": 3}, UsageError, "model int: expected a network, a Segmenter or a source, got int"),
        ({"classes": ["a"]}, UsageError, "preprocess, classes and version are of a network that is handed over"),
        ({"model": {"a": "constant"}, "name": "b"}, UsageError, "several models have the names that they are given by"),
        ({"name": "../x"}, UsageError, "model '../x': a name has up to 64 letters, digits"),
        ({"views": ["sideways"]}, UsageError, "views: unknown view 'sideways'"),
        ({"views": ["whole", "whole"]}, UsageError, "views must differ, got whole twice"),
        ({"metrics": ["boundary", "boundary"]}, UsageError, "metrics must differ, got 'boundary' twice"),
        ({"metrics": ["boundry"]}, UsageError, "each of metrics must be miou, boundary, calibration or likelihood"),
        ({"void": "scored"}, UsageError, "void must be ignored or counted, got 'scored'"),
        (
            {"corruptions": {"fog": [6]}},
            UsageError,
            "corruptions['fog']: a severity must be a whole number from 1 to 5",
        ),
        ({"corruptions": {"fog": []}}, UsageError, "corruptions['fog'] must have 1 or more, such as [1, 3], got none"),
        ({"views": "sideways"}, UsageError, "unknown view 'sideways'"),
        ({"limit": 0}, UsageError, "limit must be a whole number of 1 or more, or None for all images, got 0"),
        ({"limit": 2.5}, UsageError, "limit must be a whole number of 1 or more, or None for all images, got 2.5"),
        ({"limit": "2"}, UsageError, "got '2'"),
        ({"limit": True}, UsageError, "limit must be a whole number of 1 or more, or None for all images, got True"),
        ({"batch": 1.5}, UsageError, "batch must be a whole number of 1 or more, or None, got 1.5"),
        ({"workers": -1}, UsageError, "workers must be a whole number of 0 or more, got -1"),
        ({"workers": 1.5}, UsageError, "workers must be a whole number of 0 or more, got 1.5"),
        ({"seeds": 1}, UsageError, "seeds must be a list, such as [0, 1], got 1"),
        ({"seeds": []}, UsageError, "seeds must have 1 or more, such as [0, 1], got none"),
        ({"seeds": [0.5]}, UsageError, f"each of seeds must be a whole number from 0 to {2**63 - 1}, got 0.5"),
        ({"seeds": [2**63]}, UsageError, f"each of seeds must be a whole number from 0 to {2**63 - 1}, got {2**63}"),
        ({"views": []}, UsageError, "views must have 1 or more, such as ['whole'], got none"),
        ({"views": 3}, UsageError, "views must be a list, such as ['whole'], got 3"),
        ({"views": {"whole"}}, UsageError, "views must be a list, such as ['whole'], got {'whole'}"),
        ({"views": [3]}, UsageError, "a view must be a name, such as 'whole', or a View, got 3"),
        ({"metrics": "boundary"}, UsageError, "metrics must be a list, such as ['boundary'], got 'boundary'"),
        ({"precision": "fp64"}, UsageError, "precision must be fp32, bf16 or fp16, got 'fp64'"),
        ({"precision": "BF16"}, UsageError, "precision must be fp32, bf16 or fp16, got 'BF16'"),
        ({"engine": "x"}, UsageError, "engine must be local or ray, got 'x'"),
        ({"model": {}}, UsageError, "model must be one, or several by name, got none"),
        ({"model": {1: "constant"}}, UsageError, "model 1: a name has up to 64 letters, digits"),
        ({"model": {"": "constant"}}, UsageError, "model '': a name has up to 64 letters, digits"),
        (
            {"corruptions": {"fog": [True]}},
            UsageError,
            "corruptions['fog']: a severity must be a whole number from 1 to 5, got True",
        ),
        ({"corruptions": {"fog": 3}}, UsageError, "corruptions['fog'] must be a list, such as [1, 3], got 3"),
        ({"corruptions": ["fog"]}, UsageError, "such as {'fog': [1, 3]}, got ['fog']"),
        ({"corruptions": {"fogg": [1]}}, UsageError, "corruptions: unknown corruption 'fogg'; the nearest is fog"),
        ({"corruptions": {"fog": [1, 1]}}, UsageError, "corruptions['fog']: severities must differ, got 1 twice"),
        (
            {"protocol": "x", "corruptions": None},
            UsageError,
            "protocol must be segformer, michaelis, fan, semsegbench, level5 or clean, got 'x'",
        ),
        ({"seeds": [1, 1]}, UsageError, "seeds must differ, got 1 twice"),
        ({"device": "tpu"}, UsageError, "must be cpu, cuda or cuda:N, got 'tpu'"),
    ],
)
def test_what_can_t_be_measured_is_named_before_the_first_image(
    tmp_path: Path, camvid_folder: Path, change: dict, error: type[Exception], message: str
) -> None:
    how = {"model": "constant", "data": f"camvid={camvid_folder}", "out": tmp_path / "out", **ONE, **change}
    with pytest.raises(error) as raised:
        rb.evaluate(how.pop("model"), how.pop("data"), **how)
    assert message in str(raised.value)
    assert not (tmp_path / "out/cells").exists()


@pytest.mark.parametrize("classes", [{"road", "sky"}, "road", [1, 2], {1: "road"}, iter(["road"])])
def test_classes_without_an_order_or_a_name_are_refused(camvid_folder: Path, classes: object) -> None:
    with pytest.raises(UsageError, match="classes must be a list of names in the order of the logits, or a mapping"):
        rb.evaluate(drawn(Small(2)), CamVid(camvid_folder), classes=classes, **ONE)


class Threshold:
    """A Segmenter whose weights no file has, with the identity that its user states."""

    name, licence, about, parameters, device = "threshold", "MIT", "a threshold", 1, torch.device("cpu")
    class_names = CamVid.class_names

    def __init__(self, weight: float, checkpoint_sha256: str = "none") -> None:
        self.weight = torch.tensor([weight])
        self.checkpoint_sha256 = checkpoint_sha256

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.weight * images[:, 0] + place for place in range(11)], 1)


@pytest.mark.parametrize("stated", ["none", "0" * 64])
def test_segmenters_of_other_weights_are_told_apart_whatever_they_state(camvid_folder: Path, stated: str) -> None:
    data = CamVid(camvid_folder)
    found = [
        rb.evaluate(Threshold(weight, stated), data, name=name, **ONE).frame()["checkpoint_sha256"].iloc[0]
        for weight, name in ((1.0, "a"), (2.0, "a"), (1.0, "b"))
    ]
    assert found[0] == found[2] != found[1]


def test_a_segmenter_that_can_t_be_hashed_needs_an_identity_or_a_version(camvid_folder: Path) -> None:
    data = CamVid(camvid_folder)
    segmenter = Threshold(1.0)
    segmenter.session = (one for one in "a")
    with pytest.raises(UsageError, match=r"Threshold\.session: a generator can't be hashed; give it a version"):
        rb.evaluate(segmenter, data, **ONE)
    rb.evaluate(segmenter, data, version="1", **ONE)
    segmenter.checkpoint_sha256 = "0" * 64
    rb.evaluate(segmenter, data, **ONE)


@pytest.mark.parametrize("total", [2, "3"])
def test_a_data_set_with_a_wrong_total_is_refused_before_the_first_image(
    tmp_path: Path, camvid_folder: Path, total: int | str
) -> None:
    class Fewer(CamVid):
        pass

    Fewer.total = total
    with pytest.raises(DataError) as raised:
        rb.evaluate("constant", Fewer(camvid_folder), out=tmp_path / "out", **ONE)
    line = f"camvid test: its total must be the number of its ids, 3, or more; got {total!r}"
    assert str(raised.value) == line
    assert not (tmp_path / "out").exists()


def test_a_total_of_numpy_is_a_number(tmp_path: Path, camvid_folder: Path) -> None:
    class More(CamVid):
        total, version = np.int64(100), "1"

    results = rb.evaluate("constant", More(camvid_folder), out=tmp_path, **ONE)
    assert set(results.frame()["of"]) == {100}


def test_the_home_of_an_unknown_user_is_one_line_for_results(tmp_path: Path, camvid_folder: Path) -> None:
    results = rb.evaluate("constant", CamVid(camvid_folder), out=tmp_path, **ONE)
    for call in (rb.read_results, results.report, results.compare):
        with pytest.raises(UsageError, match="~nobody-of-that-name is not a home folder on this machine"):
            call("~nobody-of-that-name/out")


def test_results_read_again_are_the_same_and_write_the_report(tmp_path: Path, camvid_folder: Path) -> None:
    first = rb.evaluate({"a": drawn(Small(11)), "b": "constant"}, CamVid(camvid_folder), out=tmp_path / "out", **ONE)
    again = rb.read_results(tmp_path / "out")
    assert again.table().equals(first.table())
    assert again.frame().equals(first.frame())
    changes = rb.compare(tmp_path / "out", again)
    assert (changes.table["estimate"] == 0).all()
    assert changes.table.equals(compare_stores(first.cells, again.cells, [*first.plans, *again.plans]).table)
    assert again.report(tmp_path / "page") == tmp_path / "page/index.html"
    assert "robustbench_seg.evaluate in " in (tmp_path / "page/report.md").read_text()
    html = first._repr_html_()
    assert f"<td>{100 * first.table()['mean'].iloc[0]:.1f}</td>" in html
    assert "3 of 3" in html
    assert "chosen" in html


def test_a_table_is_of_one_protocol_and_names_the_others(tmp_path: Path, camvid_folder: Path) -> None:
    data = CamVid(camvid_folder)
    for corruptions in (None, {"contrast": [2]}):
        rb.evaluate("constant", data, "clean", corruptions, out=tmp_path, limit=1, metrics=[], progress=False)
    results = rb.read_results(tmp_path)
    with pytest.raises(UsageError, match=r"camvid-clean \(protocol clean\).* name one of them, suite=\.\.\."):
        results.table()
    assert "contrast" not in results.table("camvid-clean")
    assert "contrast" in results.table("camvid-chosen")
    assert list(results.brief()["protocol"]) == ["chosen", "clean"], "the last run leads, as in a report"


def test_without_a_terminal_nothing_is_written_but_lines(
    camvid_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rb.evaluate("constant", CamVid(camvid_folder), **{**ONE, "progress": True})
    assert capfd.readouterr().out == ""


def test_results_are_of_this_evaluation_whatever_the_folder_has_of_earlier_ones(tmp_path: Path) -> None:
    """As after each epoch of a training, into one folder."""
    network = Small(19)
    data = Streets("test", size=(64, 96), count=2)
    states = []
    for seed in (0, 1, 2, 1):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.normal_(generator=torch.Generator().manual_seed(seed))
        results = rb.evaluate(network, data, out=tmp_path, corruptions={}, progress=False)
        alone = rb.evaluate(network, data, corruptions={}, progress=False)
        (row,), (expected,) = results.table().itertuples(), alone.table().itertuples()
        assert (row.clean, row.checkpoint_sha256) == (expected.clean, expected.checkpoint_sha256)
        assert results.frame()["nll"].tolist() == alone.frame()["nll"].tolist()
        states.append(row.checkpoint_sha256)
    every = rb.read_results(tmp_path)
    assert list(every.table()["checkpoint_sha256"]) == [states[1], states[0], states[2]], "the last one leads"
    assert list(every.brief()["model"]) == ["Small", "Small (2)", "Small (3)"]
