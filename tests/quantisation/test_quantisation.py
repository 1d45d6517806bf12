"""Export and int8: against the torch network, and against arithmetic by hand."""

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from graphs import NAMES, small_segformer, write_graph
from program import program
from shared_runs import begin_code, status_of, wait_until

from robustbench_seg.datasets.streets import Streets
from robustbench_seg.errors import MachineError, UsageError
from robustbench_seg.measure.views import predict, view_logits
from robustbench_seg.models import build_network, load_source
from robustbench_seg.models.base import NetworkSegmenter
from robustbench_seg.models.foreign import Foreign
from robustbench_seg.models.onnx import OnnxSegmenter
from robustbench_seg.models.preprocessing import IMAGENET, Preprocessing
from robustbench_seg.models.source import Source
from robustbench_seg.quantisation import Calibration, Scheme, float_graph, quantise
from robustbench_seg.store.view import View

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

CPU = torch.device("cpu")
PADDED = View.parse("pad-32")
REPEATED = (5, 6, 8, 9, 10, 12, 13, 15, 16)  # blocks of MobileNetV2 like block 3: nothing new, and half of the export
TRAINING = Streets("train", size=(72, 104), count=6)
# Deprecations within torch's exporter and its translators are theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def opened(path: Path, names: tuple[str, ...] = NAMES) -> OnnxSegmenter:
    model = load_source(Source(model="onnx", weights=str(path)), "graph", names, CPU)
    assert isinstance(model, OnnxSegmenter)
    return model


def make_int8(path: Path, out: Path, **fields: Any) -> None:
    scheme = Scheme(**{name: fields.pop(name) for name in ("method", "per_channel", "operators") if name in fields})
    calibration = Calibration(**{"dataset": TRAINING, "view": PADDED, **fields})
    quantise(opened(path), path, calibration, scheme, out, lambda line: None)


def scene(k: int) -> torch.Tensor:
    """A drawn street scene that no calibration sees, uint8 (72, 104, 3)."""
    data = Streets("test", size=(72, 104), count=4)
    return torch.from_numpy(data.load(data.ids[k]).image)


def segformer() -> NetworkSegmenter:
    return segmenter(small_segformer())


def deeplab() -> NetworkSegmenter:
    network = build_network("deeplabv3plus-mobilenet_v2", NAMES).eval()
    for k in REPEATED:
        network.inner.encoder.features[k] = torch.nn.Identity()
    images = IMAGENET.normalise(torch.stack([scene(k) for k in range(4)]).permute(0, 3, 1, 2))
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    with torch.no_grad():  # BatchNorm gets statistics, without which activations vanish, and no class is ahead overall
        for norm in norms:
            norm.train()  # these alone: Dropout would draw from the global generator
        for _ in range(20):
            network(images)
        network.inner.segmentation_head[0].bias -= network.eval()(images).mean(dim=(0, 2, 3))
    return segmenter(network)


def segmenter(network: torch.nn.Module) -> NetworkSegmenter:
    return NetworkSegmenter(
        name="torch", network=network, class_names=NAMES, licence="free", checkpoint_sha256="0" * 64, about="a network"
    )


@pytest.fixture(scope="module", params=[segformer, deeplab], ids=["segformer", "deeplabv3plus"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[NetworkSegmenter, Path]:
    model, path = request.param(), tmp_path_factory.mktemp("graphs") / "float.onnx"
    float_graph(model, path)
    return model, path


@pytest.fixture(scope="module")
def int8(pair: tuple[NetworkSegmenter, Path]) -> Path:
    path = pair[1].with_name("int8.onnx")
    make_int8(pair[1], path)
    return path


@pytest.mark.parametrize("frozen", [True, False], ids=["in evaluation", "with a norm in training"])
def test_an_export_changes_no_mode_of_the_network_of_a_model(tmp_path: Path, frozen: bool) -> None:
    norm = torch.nn.BatchNorm2d(5)
    model = segmenter(Foreign(torch.nn.Sequential(torch.nn.Conv2d(3, 5, 1), norm, torch.nn.Dropout())))
    norm.train(not frozen)
    modes = [module.training for module in model.network.modules()]
    before = model(scene(0).permute(2, 0, 1)[None]) if frozen else None
    float_graph(model, tmp_path / "float.onnx")
    assert [module.training for module in model.network.modules()] == modes
    if before is not None:
        assert torch.equal(model(scene(0).permute(2, 0, 1)[None]), before)


@pytest.mark.parametrize("view", ["whole", "pad-32", "whole-x0.75", "slide-64-48"])
def test_a_graph_gives_the_network_s_logits_in_every_view(pair: tuple[NetworkSegmenter, Path], view: str) -> None:
    model, path = pair
    graph, images = opened(path), scene(0).permute(2, 0, 1)[None]
    with torch.inference_mode():
        (ours,), (theirs,) = (view_logits(each, images, View.parse(view)) for each in (model, graph))
    torch.testing.assert_close(theirs, ours, atol=1e-4, rtol=1e-5)
    assert graph.licence == "free"
    assert "a network" in graph.about


def test_int8_agrees_with_float_on_images_that_it_has_not_seen(pair: tuple[NetworkSegmenter, Path], int8: Path) -> None:
    model, graph = pair[0], opened(int8)
    classes = [torch.stack([predict(m, scene(k), PADDED, (72, 104), "fp32") for k in range(4)]) for m in (model, graph)]
    assert classes[0].unique().numel() >= 3
    agreement = float((classes[0] == classes[1]).float().mean())
    assert 0.8 < agreement < 1  # many pixels of random weights are close to a tie
    assert int8.stat().st_size < 0.6 * pair[1].stat().st_size
    assert "weights 000000000000" in graph.about
    assert "activations by MinMax on 6 images of streets train, view pad-32" in graph.about


def test_int8_is_the_same_again(pair: tuple[NetworkSegmenter, Path], int8: Path, tmp_path: Path) -> None:
    make_int8(pair[1], tmp_path / "int8.onnx")
    assert (tmp_path / "int8.onnx").read_bytes() == int8.read_bytes()
    assert str(Path(__file__).parents[2]).encode() not in int8.read_bytes(), "no place of this machine travels along"


@pytest.mark.parametrize("pair", [segformer], indirect=True, ids=["segformer"])
def test_the_same_graph_is_exported_again(
    pair: tuple[NetworkSegmenter, Path], exported_segformer: Path, tmp_path: Path
) -> None:
    """Whichever function exports it, only the description differs."""
    again = onnx.load(exported_segformer)
    del again.metadata_props[:]
    again.metadata_props.extend(onnx.load(pair[1]).metadata_props)
    assert again.SerializeToString() == pair[1].read_bytes()


# One convolution, by hand

WEIGHTS = np.random.default_rng(0).normal(size=(5, 3, 1, 1)).astype(np.float32)


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return write_graph(tmp_path / "one.onnx", onnx.numpy_helper.from_array(WEIGHTS, "w"))


def normalised(image: np.ndarray) -> np.ndarray:
    """The input that pad-32 makes of uint8 (72, 104, 3): (3, 96, 128), with the mean colour, 0, right and below."""
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    padded = np.zeros((96, 128, 3))
    padded[:72, :104] = (image / 255 - mean) / std
    return padded.transpose(2, 0, 1)


def rounded(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values as uint8 of a range that contains 0, and back."""
    low, high = min(low, 0), max(high, 0)
    scale = (high - low) / 255
    zero = np.round(-low / scale)
    return (np.clip(np.round(values / scale) + zero, 0, 255) - zero) * scale


@pytest.mark.parametrize("per_channel", [True, False])
def test_a_convolution_is_what_arithmetic_gives(one: Path, per_channel: bool) -> None:
    make_int8(one, one.with_name("int8.onnx"), images=3, per_channel=per_channel)
    ids = [TRAINING.ids[k] for k in (1, 3, 5)]  # evenly spaced over six
    seen = np.stack([normalised(TRAINING.load(image_id).image) for image_id in ids])
    kernel = WEIGHTS[:, :, 0, 0].astype(np.float64)
    outputs = np.einsum("kc,bchw->bkhw", kernel, seen)
    scale = np.abs(kernel).max(axis=1, keepdims=True) / 127 if per_channel else np.abs(kernel).max() / 127
    inputs = rounded(normalised(scene(2).numpy()), seen.min(), seen.max())
    exact = np.einsum("kc,chw->khw", np.round(kernel / scale) * scale, inputs)
    expected = rounded(exact, outputs.min(), outputs.max())[:, :72, :104]
    with torch.inference_mode():
        (got,) = view_logits(opened(one.with_name("int8.onnx")), scene(2).permute(2, 0, 1)[None], PADDED)
    step = (outputs.max() - outputs.min()) / 255
    errors = np.abs(got[0].numpy() - expected)
    assert errors.max() < 1.01 * step, "a value between two steps may be rounded to either"
    assert (errors < 1e-3 * step).mean() > 0.99


@pytest.mark.parametrize("method", ["Percentile", "Entropy"])
def test_methods_that_cut_outliers_give_other_ranges(one: Path, method: str) -> None:
    make_int8(one, one.with_name("minmax.onnx"))
    make_int8(one, one.with_name("other.onnx"), method=method)
    contents = [one.with_name(name).read_bytes() for name in ("minmax.onnx", "other.onnx")]
    scales = [
        {w.name: onnx.numpy_helper.to_array(w) for w in onnx.load_from_string(c).graph.initializer} for c in contents
    ]
    assert scales[1]["y_scale"] < scales[0]["y_scale"]


def test_a_preprocessing_travels_with_int8(one: Path) -> None:
    fields = {"image_mean": [0.3, 0.4, 0.5], "image_std": [0.2, 0.3, 0.4], "do_flip_channel_order": True}
    (one.parent / "preprocessor_config.json").write_text(json.dumps(fields), encoding="utf-8")
    expected = opened(one).preprocessing
    (one.parent / "other").mkdir()
    make_int8(one, one.parent / "other/int8.onnx")
    assert opened(one.parent / "other/int8.onnx").preprocessing == expected
    assert expected == Preprocessing(order="BGR", mean=(0.3, 0.4, 0.5), std=(0.2, 0.3, 0.4))


# What is refused


def named(*splits: str) -> Streets:
    """A data set with splits of these names, at the first of them."""
    data = Streets("train", size=(72, 104), count=6)
    data.split, data.splits = splits[0], splits
    return data


SCORED = [
    "val", "test", "validation", "testing", "Val", "val2017", "test_A", "val-fit", "all", "held", "eval", "trainval",
    "train+val", "train+all", "TrainVal", "train_test", "train-val-0.01", "",
]  # fmt: skip


@pytest.mark.parametrize("split", SCORED)
def test_a_split_that_may_be_scored_is_refused(split: str) -> None:
    message = (
        f"split {split} of streets: activations are calibrated on training images, never on those that may be scored; "
        "use a split whose name begins with train, and has no val or test in it (here: train-fog, fit)"
    )
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        Calibration(dataset=named(split, "train-fog", "fit"))


@pytest.mark.parametrize("images", [0, -2])
def test_a_calibration_without_images_is_refused(images: int) -> None:
    with pytest.raises(UsageError, match=f"calibrated on 1 image or more, got {images}"):
        Calibration(dataset=TRAINING, images=images)


def test_of_a_data_set_without_training_images_there_is_no_split_to_name() -> None:
    with pytest.raises(UsageError, match=r"\(here: none\)$"):
        Calibration(dataset=named("all"))


@pytest.mark.parametrize("split", ["train", "fit", "Training", "train-0.005", "train2017", "train_A", "train+fit"])
def test_a_split_for_training_is_taken(split: str) -> None:
    assert Calibration(dataset=named(split)).dataset.split == split


def test_a_graph_is_quantised_once(one: Path) -> None:
    make_int8(one, one.with_name("int8.onnx"))
    with pytest.raises(UsageError, match=r"int8\.onnx: is quantised already$"):
        make_int8(one.with_name("int8.onnx"), one.with_name("again.onnx"))


def test_a_graph_without_such_operators_is_refused(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Tile", ["x", "n"], ["y"])
    path = write_graph(
        tmp_path / "tile.onnx", onnx.numpy_helper.from_array(np.array([1, 2, 1, 1]), "n"), nodes=[node], classes=6
    )
    with pytest.raises(UsageError, match=r"tile\.onnx: has none of the operators that are quantised \(Conv, "):
        quantise(
            opened(path, tuple("abcdef")),
            path,
            Calibration(dataset=TRAINING),
            Scheme(),
            tmp_path / "int8.onnx",
            lambda line: None,
        )


def test_without_onnxruntime_s_tools_the_extra_is_named(one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened(one)
    monkeypatch.setitem(sys.modules, "onnxruntime.quantization.shape_inference", None)
    with pytest.raises(MachineError, match=r"pip install '\.\[onnx\]' in the checkout"):
        quantise(model, one, Calibration(dataset=TRAINING), Scheme(), one.with_name("int8.onnx"), lambda line: None)


def test_without_onnx_an_export_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MachineError, match=r"pip install '\.\[onnx\]' in the checkout"):
        float_graph(segformer(), tmp_path / "float.onnx")


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown method 'max'; known: MinMax, Percentile, Entropy"):
        Scheme(method="max")  # type: ignore[arg-type]


# The command


def test_the_command_quantises_a_graph_on_training_images(one: Path, camvid_folder: Path) -> None:
    names = one.with_name("names.txt")
    names.write_text("\n".join(NAMES))
    source, out = f"onnx:{one}?classes={names}", one.with_name("int8.onnx")
    calibrate = ("--int8", "--calibrate", f"camvid={camvid_folder}", "--images", "2")
    done = program("export", source, *calibrate, "--out", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"wrote {out} (")
    assert "MinMax on 2 images of camvid train, view whole" in done.stdout
    graph = opened(out)
    assert graph.class_names == NAMES
    assert onnx.load(out).graph.input[0].type.tensor_type.shape.dim[2].dim_param, "sides stay free"


STOPPED = """
import sys, tempfile, time
from pathlib import Path
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.stopping import listen
from test_quantisation import Calibration, Scheme, opened, quantise

one, temporary = map(Path, sys.argv[1:])
tempfile.tempdir = str(temporary)
listen()

class Slow(Streets):
    def load(self, image_id):
        if list(temporary.glob("*/simplified.onnx")):
            (one.parent / "ready").touch()
            time.sleep(100)
        return super().load(image_id)

training = Slow("train", size=(72, 104), count=6)
quantise(opened(one), one, Calibration(dataset=training), Scheme(), one.with_name("int8.onnx"), print)
"""


def test_a_stop_in_a_calibration_leaves_no_temporary_file(one: Path, tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    code = f"import sys; sys.path.append({str(Path(__file__).parent)!r}){STOPPED}"
    process = begin_code(code, str(one), str(tmp_path / "temporary"))
    assert wait_until((tmp_path / "ready").exists)
    os.kill(process.pid or 0, signal.SIGINT)
    assert status_of(process) == 130
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--int8"], "--int8 needs training images, and nothing else does: --int8 --calibrate NAME=PATH"),
        (["--calibrate", "streets"], "--int8 needs training images, and nothing else does"),
        (["--int8", "--calibrate", "streets", "--split", "test"], "split test of streets: activations are calibrated"),
        (["--int8", "--calibrate", "camvid"], "--calibrate takes NAME=PATH, got 'camvid'"),
        (["--int8", "--calibrate", "camvid=nowhere"], "nowhere/train: "),
        (["--int8", "--calibrate", "camvid=~nobody-of-that-name"], "~nobody-of-that-name: ~nobody-of-that-name is not"),
    ],
)
def test_what_is_missing_is_one_line(one: Path, arguments: list[str], message: str) -> None:
    done = program("export", f"onnx:{one}", *arguments, "--out", str(one.with_name("out.onnx")))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"robustbench-seg: {message}")
    assert done.stderr.count("\n") == 1
    assert not one.with_name("out.onnx").exists()


def test_what_is_no_network_is_refused(tmp_path: Path, one: Path) -> None:
    names = one.with_name("names.txt")
    names.write_text("\n".join(NAMES))
    for source, message in (
        ("constant", "model constant: can't be exported; an export needs a torch network"),
        (f"onnx:{one}?classes={names}", "model one: is an ONNX graph already"),
        (f"onnx:{one}", "one.onnx: nothing names its 5 classes; state them: ?classes=FILE"),
    ):
        done = program("export", source, "--out", str(tmp_path / "out.onnx"))
        assert done.returncode == 2
        assert message in done.stderr
        assert not (tmp_path / "out.onnx").exists()


def test_a_graph_gets_the_ending_of_graphs(tmp_path: Path) -> None:
    for name in ("net.txt", "net"):
        done = program("export", "segformer-b0@random", "--out", str(tmp_path / name))
        message = f"robustbench-seg: --out {tmp_path / name}: the graph is a file FILE.onnx\n"
        assert (done.returncode, done.stderr) == (2, message)
    assert not list(tmp_path.iterdir())


def test_what_torch_says_in_colours_is_plain_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("\x1b[96m[torch.onnx]\x1b[0m can't trace it\n" + 300 * "\x1b[1m")

    monkeypatch.setattr("robustbench_seg.quantisation.graph.write_graph", fail)
    done = program("export", "builtin:streets-b0", "--out", str(tmp_path / "net.onnx"))
    assert done.returncode == 2
    assert "torch can't export its network (RuntimeError: [torch.onnx] can't trace it )\n" in done.stderr
    assert "\x1b" not in done.stderr
