"""ONNX graphs and onnxruntime against torch."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from graphs import NAMES, load_graph, small_segformer

from robustbench_seg.errors import UsageError
from robustbench_seg.measure.plan import Options, make_jobs
from robustbench_seg.models.base import NetworkSegmenter
from robustbench_seg.models.preprocessing import Preprocessing
from robustbench_seg.suites import Suite
from segformer import CheckpointInfo, SegFormer, build, export_onnx
from segformer.export import TRACED_SIDES, write_graph

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

# Deprecations within torch's exporter and its translators are theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def network() -> SegFormer:
    return small_segformer()


@pytest.fixture
def graph(exported_segformer: Path) -> Path:
    return exported_segformer


@pytest.mark.parametrize("shape", [(1, 64, 96), (2, 97, 131), (3, 32, 32), (1, 224, 321)])
def test_an_exported_graph_gives_the_same_classes_at_any_size(
    graph: Path, network: SegFormer, shape: tuple[int, int, int]
) -> None:
    batch, height, width = shape
    images = torch.randint(
        256, (batch, 3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    ours = NetworkSegmenter(
        name="torch", network=network, class_names=NAMES, licence="", checkpoint_sha256="", about=""
    )
    with torch.inference_mode():
        expected = ours(images)
    got = load_graph(graph)(images)
    assert got.shape == expected.shape
    assert expected.argmax(dim=1).unique().numel() > 1
    assert (got.argmax(dim=1) == expected.argmax(dim=1)).float().mean() >= 0.9999
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-5)


def test_a_learned_encoding_is_resized_in_a_graph_wherever_it_was_made_and_the_input_travels_with_it(
    tmp_path: Path,
) -> None:
    """The exporter looks at one size; where the encoding was made for that one it is not resized there.

    The encoding is added ahead of a stage's blocks: without the blocks, the export takes a fraction of the time.
    """
    changes = {"positional_encoding": "learned", "train_size": TRACED_SIDES[0]}
    model = build("b0", num_classes=5, decoder_width=16, depths=(1, 1, 1, 1), **changes).eval()
    with torch.no_grad():
        for stage in model.encoder.stages:
            stage.blocks = torch.nn.ModuleList()
            stage.position.map.normal_(generator=torch.Generator().manual_seed(1))
    fields = {"image_mean": [0.3, 0.4, 0.5], "image_std": [0.2, 0.3, 0.4], "do_rescale": True, "do_normalize": True}
    model.info = CheckpointInfo(preprocessor=json.dumps(fields))
    export_onnx(model, tmp_path / "learned.onnx")
    images = torch.randint(256, (1, 3, 64, 80), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = model(Preprocessing.from_transformers(fields, "").normalise(images))
    loaded = load_graph(tmp_path / "learned.onnx")
    torch.testing.assert_close(loaded(images), expected, atol=1e-4, rtol=1e-5)
    assert loaded.about.endswith(", input RGB times 0.00392157, mean (0.3, 0.4, 0.5), std (0.2, 0.3, 0.4)")


def test_a_network_that_is_too_large_for_a_graph_is_refused_before_it_is_traced(tmp_path: Path) -> None:
    with torch.device("meta"):
        network = torch.nn.Conv2d(3, 2**28, 1, bias=False)
    with pytest.raises(ValueError, match=r"large\.onnx: the weights have 3\.2 GB, but an ONNX graph has 2 GB at most"):
        write_graph(network, tmp_path / "large.onnx", {})
    assert list(tmp_path.iterdir()) == []


def test_names_licence_and_size_travel_with_a_graph(graph: Path, network: SegFormer) -> None:
    model = load_graph(graph)
    assert model.class_names == NAMES
    assert model.licence == "Apache-2.0"
    assert "weights from a test" in model.about
    assert model.parameters > 0.9 * sum(parameter.numel() for parameter in network.parameters())


def test_what_is_no_graph_is_refused_in_one_line(tmp_path: Path, graph: Path) -> None:
    for content in (b"", b"not a graph", graph.read_bytes()[:1000]):
        path = tmp_path / "broken.onnx"
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"broken\.onnx: not an ONNX graph") as caught:
            load_graph(path)
        assert "\n" not in str(caught.value)


def test_a_graph_with_another_input_is_refused(tmp_path: Path) -> None:
    vector = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n"])
    result = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n"])
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "relu", [vector], [result]))
    model.ir_version = 8
    model.opset_import[0].version = 17
    onnx.save(model, tmp_path / "relu.onnx")
    with pytest.raises(UsageError, match="its input must be one tensor of floats"):
        load_graph(tmp_path / "relu.onnx")


@pytest.mark.parametrize("shape", [[2, 3, "h", "w"], ["b", 3, 64, "w"], ["b", 4, "h", "w"]])
def test_a_graph_for_other_images_is_refused_before_a_run(tmp_path: Path, shape: list) -> None:
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    node = helper.make_node("Identity", ["x"], ["y"])
    made = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", number, shape)],
        [helper.make_tensor_value_info("y", number, shape)],
    )
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(made, opset_imports=[opset], ir_version=9), tmp_path / "one.onnx")
    with pytest.raises(
        UsageError,
        match=r"one.onnx: its input must be \(B, 3, H, W\) with B free or 1, H and W both free or both fixed, got",
    ):
        load_graph(tmp_path / "one.onnx")


def test_a_missing_file_is_called_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"weights of onnx: .*none.onnx: no such file$"):
        load_graph(tmp_path / "none.onnx")


def test_a_run_in_bf16_is_refused(graph: Path) -> None:
    suite = Suite(name="s", description="", latency={"sizes": [[32, 32]]})
    weights = {"onnx": str(graph)}
    with pytest.raises(UsageError, match="--precision bf16: onnx runs only in fp32"):
        make_jobs(suite, Options(weights=weights, precision="bf16"), None, ())


def test_metadata_is_json(graph: Path) -> None:
    held = {entry.key: entry.value for entry in onnx.load(graph).metadata_props}
    assert json.loads(held["segformer"])["class_names"] == list(NAMES)
    assert np.all([weight.data_location == 0 for weight in onnx.load(graph).graph.initializer])
