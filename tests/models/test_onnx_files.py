"""The files of an ONNX graph: where its weights may lie, what its identity is, what it says of its input."""

import hashlib
import json
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from graphs import FREE, load_graph, write_graph
from torch import nn

from robustbench_seg.errors import UsageError
from robustbench_seg.measure.plan import Job, Options
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.models import onnx as adapter
from robustbench_seg.models.onnx_graph import read_graph
from robustbench_seg.models.preprocessing import IMAGENET, Preprocessing
from robustbench_seg.suites import Suite

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
helper, TensorProto = onnx.helper, onnx.TensorProto

NAMES = tuple(f"class {k}" for k in range(5))
CPU = torch.device("cpu")
IMAGES = torch.randint(256, (2, 3, 33, 50), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
WEIGHTS = np.random.default_rng(0).normal(size=(5, 3, 1, 1)).astype(np.float32)
DATA = "weights.data"


def external(name: str = "w", location: str = DATA, dims: Any = WEIGHTS.shape, **fields: str) -> Any:
    """A tensor of float32 whose values lie in a file; fields: offset and length, as texts."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **fields}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def with_data(folder: Path, weights: Any = WEIGHTS) -> Path:
    """A graph in a folder of its own, its weights in a file next to it."""
    path = write_graph(folder / "model.onnx", external())
    (folder / DATA).write_bytes(weights.tobytes())
    return path


def expected_logits(weights: Any = WEIGHTS, preprocessing: Preprocessing = IMAGENET) -> torch.Tensor:
    return nn.functional.conv2d(preprocessing.normalise(IMAGES), torch.from_numpy(weights))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # within torch's exporter
@pytest.mark.parametrize("inside", [True, False])
def test_what_torch_exports_runs_from_any_folder(inside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 5, 1)).eval()
    free = torch.export.Dim.DYNAMIC
    shapes = {"input": {0: free, 2: free, 3: free}}
    path = tmp_path / "model.onnx"
    example = (torch.zeros(2, 3, 32, 48),)
    torch.onnx.export(
        network, example, path, dynamo=True, verbose=False, dynamic_shapes=shapes, external_data=not inside
    )
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == (["model.onnx"] if inside else ["model.onnx", "model.onnx.data"])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for folder, given in ((tmp_path, "model.onnx"), (elsewhere, "../model.onnx"), (elsewhere, str(path))):
        monkeypatch.chdir(folder)
        model = load_graph(given)
        with torch.inference_mode():
            torch.testing.assert_close(model(IMAGES), network(IMAGENET.normalise(IMAGES)), atol=1e-5, rtol=1e-5)
        assert model.parameters == sum(parameter.numel() for parameter in network.parameters())
        assert model.checkpoint_sha256 == of_files(tmp_path, *files)


def of_files(folder: Path, *names: str) -> str:
    """The identity by another way: the system's own sha256sum."""
    printed = subprocess.run(["sha256sum", *names], cwd=folder, capture_output=True, check=True).stdout
    return printed.split()[0].decode() if len(names) == 1 else hashlib.sha256(printed).hexdigest()


def test_other_weights_in_the_file_of_data_are_another_model_and_are_measured_anew(tmp_path: Path) -> None:
    path = with_data(tmp_path / "graph")
    suite = Suite(
        name="s",
        description="",
        models=[{"name": "onnx", "weights": str(path)}],
        dataset={"name": "streets", "split": "test", "size": [32, 32], "count": 1},
        metrics=[],
    )
    # as many classes as the data set has
    write_graph(path, external(dims=(19, 3, 1, 1)), changes=lambda model: set_classes(model, 19))
    planned = []

    class Told(Listener):
        def planned(self, done: int, waiting: list[Job]) -> None:
            planned.append((done, len(waiting)))

    for scale in (1, 1, 2):
        (tmp_path / "graph" / DATA).write_bytes(np.full(19 * 3, scale, np.float32).tobytes())
        assert run(suite, tmp_path / "out", Options(), Told()) == []
    assert planned == [(0, 1), (1, 0), (0, 1)]


def set_classes(model: Any, number: int) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = number


def in_subgraph(tensor: Any) -> Any:
    inner = helper.make_graph(
        [helper.make_node("Identity", ["inner"], ["out"])],
        "then",
        [],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        initializer=[tensor],
    )
    return helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=inner)


def in_function(model: Any) -> None:
    node = helper.make_node("Constant", [], ["o"], value=external("c", "other.data", [4]))
    model.functions.append(helper.make_function("d", "F", [], ["o"], [node], [helper.make_opsetid("", 17)]))


def in_sparse(model: Any) -> None:
    indices = helper.make_tensor("i", TensorProto.INT64, [4], [0, 1, 2, 3])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(external("s", "other.data", [4]), indices, [2, 4]))


PLACES: dict[str, Callable[[Any], None]] = {
    "initialiser": lambda model: model.graph.initializer.append(external("o", "other.data", [4])),
    "attribute": lambda model: model.graph.node.append(
        helper.make_node("Constant", [], ["c"], value=external("c", "other.data", [4]))
    ),
    "subgraph": lambda model: model.graph.node.append(in_subgraph(external("inner", "other.data", [4]))),
    "function": in_function,
    "sparse initialiser": in_sparse,
}


@pytest.mark.parametrize("place", PLACES)
def test_data_of_a_tensor_counts_wherever_the_tensor_stands(place: str, tmp_path: Path) -> None:
    path = write_graph(tmp_path / "model.onnx", external(), changes=PLACES[place])
    (tmp_path / DATA).write_bytes(WEIGHTS.tobytes())
    (tmp_path / "other.data").write_bytes(bytes(16))
    graph = read_graph(path)
    assert {file.name for file in graph.files} == {"model.onnx", "other.data", DATA}
    assert graph.parameters == WEIGHTS.size + 4 * (2 if place == "subgraph" else 1)  # two branches


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("/etc/passwd", "its weight 'w' lies in '/etc/passwd', outside the graph's own folder"),
        ("../weights.data", "its weight 'w' lies in '../weights.data', outside the graph's own folder"),
        ("sub/../weights.data", "outside the graph's own folder"),
        ("link.data", "its weight 'w' lies in 'link.data', a link out of the graph's folder"),
        ("linked/weights.data", "a link out of the graph's folder"),
        ("none.data", "its weights in 'none.data' are missing; that file belongs next to the graph"),
        ("sub", "its weights in 'sub' are missing"),
        ("", "its weights in '' are missing"),
        ("*/_ORT_MEM_ADDR_/*", r"its weights in '\*/_ORT_MEM_ADDR_/\*' are missing"),
        ("a\0b", "the place of its weight 'w' can't be read"),
        ("a" * 5000, "the place of its weight 'w' can't be read"),
    ],
)
def test_data_that_is_not_in_the_graphs_folder_is_refused(location: str, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "graph"
    path = write_graph(folder / "model.onnx", external(location=location))
    (tmp_path / DATA).write_bytes(WEIGHTS.tobytes())
    (folder / DATA).write_bytes(WEIGHTS.tobytes())
    (folder / "sub").mkdir()
    (folder / "link.data").symlink_to(tmp_path / DATA)
    (folder / "linked").symlink_to(tmp_path)
    with pytest.raises(UsageError, match=rf"model\.onnx: .*{message}") as caught:
        load_graph(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("size", "fields", "message"),
    [
        (59, {}, r"weights\.data: not complete: 59 bytes, but model\.onnx reads bytes 0 to 60 of it"),
        (60, {"offset": "4"}, "reads bytes 4 to 64"),
        (60, {"offset": "4", "length": "60"}, "reads bytes 4 to 64"),
        (60, {"length": "61"}, "reads bytes 0 to 61"),
        (60, {"offset": "-4"}, "reads bytes -4 to 56"),
        (60, {"offset": "four"}, "the place of its weight 'w' can't be read"),
    ],
)
def test_data_that_is_not_complete_is_refused_by_its_name(
    size: int, fields: dict[str, str], message: str, tmp_path: Path
) -> None:
    path = write_graph(tmp_path / "model.onnx", external(**fields))
    (tmp_path / DATA).write_bytes(bytes(size))
    with pytest.raises(UsageError, match=message):
        load_graph(path)


def test_the_links_of_the_hubs_cache_are_followed(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "0"
    snapshot.mkdir(parents=True)
    with_data(blobs).rename(blobs / "a")
    (blobs / DATA).rename(blobs / "b")
    (snapshot / "model.onnx").symlink_to("../../blobs/a")
    (snapshot / DATA).symlink_to("../../blobs/b")
    model = load_graph(snapshot / "model.onnx")
    torch.testing.assert_close(model(IMAGES), expected_logits(), atol=1e-5, rtol=1e-5)
    assert model.checkpoint_sha256 == of_files(snapshot, "model.onnx", DATA)


def test_data_in_a_folder_below_is_read(tmp_path: Path) -> None:
    path = write_graph(tmp_path / "model.onnx", external(location="sub/w.data"))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "w.data").write_bytes(WEIGHTS.tobytes())
    model = load_graph(path)
    torch.testing.assert_close(model(IMAGES), expected_logits(), atol=1e-5, rtol=1e-5)


def test_a_graph_of_one_file_is_known_by_that_files_hash(tmp_path: Path) -> None:
    path = write_graph(tmp_path / "model.onnx", onnx.numpy_helper.from_array(WEIGHTS, "w"))
    assert load_graph(path).checkpoint_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_data_beyond_memory_is_counted_without_being_read(tmp_path: Path) -> None:
    path = write_graph(tmp_path / "model.onnx", external(dims=(1 << 20, 1 << 10)))
    with (tmp_path / DATA).open("wb") as file:
        file.truncate(4 << 30)  # a hole: it takes no room
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read_graph(path).parameters == 1 << 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 50_000


@pytest.mark.parametrize(
    ("kind", "counted"), [("FLOAT16", 15), ("DOUBLE", 15), ("INT8", 15), ("BFLOAT16", 15), ("INT64", 0), ("BOOL", 0)]
)
def test_weights_of_any_width_are_counted_and_shapes_are_not(kind: str, counted: int, tmp_path: Path) -> None:
    other = helper.make_tensor("o", TensorProto.DataType.Value(kind), [15], [1] * 15)
    path = write_graph(tmp_path / "model.onnx", onnx.numpy_helper.from_array(WEIGHTS, "w"), other)
    assert read_graph(path).parameters == WEIGHTS.size + counted


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = with_data(tmp_path)

    def open_late(given: Path, threads: int) -> Any:
        (tmp_path / "new").write_bytes((2 * WEIGHTS).tobytes())
        (tmp_path / "new").replace(tmp_path / DATA)
        return before(given, threads)

    before = adapter.open_session
    monkeypatch.setattr(adapter, "open_session", open_late)
    with pytest.raises(UsageError, match=r"weights\.data: changed while it was read"):
        load_graph(path)


def test_a_preprocessor_next_to_the_graph_is_applied_and_part_of_the_identity(tmp_path: Path) -> None:
    path = with_data(tmp_path)
    plain = load_graph(path)
    fields = {"image_processor_type": "ViTImageProcessor", "do_rescale": False}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(fields), encoding="utf-8")
    model = load_graph(path)
    half = Preprocessing(rescale=1, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    torch.testing.assert_close(model(IMAGES), expected_logits(preprocessing=half), atol=1e-3, rtol=1e-5)
    assert model.checkpoint_sha256 == of_files(tmp_path, "model.onnx", "preprocessor_config.json", DATA)
    assert plain.about.endswith(", input ImageNet's mean and std (no file states it)")
    assert model.about.endswith(
        ", input RGB times 1, mean (0.5, 0.5, 0.5), std (0.5, 0.5, 0.5) (of preprocessor_config.json)"
    )


@pytest.mark.parametrize("key", ["mean_values", "image_std", "Image.NominalPixelRange", "preprocessing", "normalize"])
def test_metadata_that_speak_of_the_input_are_refused_with_the_cure(key: str, tmp_path: Path) -> None:
    path = write_graph(
        tmp_path / "model.onnx",
        onnx.numpy_helper.from_array(WEIGHTS, "w"),
        changes=lambda model: helper.set_model_props(model, {key: "127.5", "stride": "32"}),
    )
    with pytest.raises(UsageError, match=rf"its metadata states {key} = '127.5', .* into a preprocessor_config.json"):
        load_graph(path)
    (tmp_path / "preprocessor_config.json").write_text("{}", encoding="utf-8")
    assert load_graph(path).preprocessing == IMAGENET


def cast(model: Any, where: str, kind: int) -> None:
    getattr(model.graph, where)[0].type.tensor_type.elem_type = kind


def half_in(model: Any) -> None:
    cast(model, "input", TensorProto.FLOAT16)
    model.graph.node.insert(0, helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT))
    model.graph.node[1].input[0] = "f"


def ends_in(*operations: str) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        model.graph.node[0].output[0] = "z0"
        for k, operation in enumerate(operations):
            made = "y" if k == len(operations) - 1 else f"z{k + 1}"
            how = {"axis": 1} if operation.endswith("Softmax") else {}
            model.graph.node.append(helper.make_node(operation, [f"z{k}"], [made], **how))

    return change


def resized_softmax(model: Any) -> None:
    ends_in("Softmax", "Resize")(model)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32([1, 1, 2, 2]), "factors"))
    model.graph.node[-1].input.extend(["", "factors"])
    model.graph.node[-1].attribute.append(helper.make_attribute("mode", "linear"))


def in_a_circle(model: Any) -> None:
    ends_in("Identity")(model)
    model.graph.node[-1].input[0] = "z"
    model.graph.node.append(helper.make_node("Identity", ["y"], ["z"]))


def classes_out(model: Any) -> None:
    model.graph.node[0].output[0] = "z"
    model.graph.node.append(helper.make_node("Cast", ["z"], ["y"], to=TensorProto.INT64))
    cast(model, "output", TensorProto.INT64)


def two_outputs(model: Any) -> None:
    model.graph.node.append(helper.make_node("Neg", ["y"], ["auxiliary"]))
    model.graph.output.append(helper.make_tensor_value_info("auxiliary", TensorProto.FLOAT, ["b", 5, "h", "w"]))


def mask_model(model: Any) -> None:
    """As many queries as there are classes: by its shape the output would pass for logits."""
    model.graph.node[0].output[0] = model.graph.output[0].name = "masks_queries_logits"
    model.graph.node.append(helper.make_node("GlobalAveragePool", ["masks_queries_logits"], ["pooled"]))
    model.graph.node.append(helper.make_node("Squeeze", ["pooled"], ["class_queries_logits"]))
    model.graph.output.append(helper.make_tensor_value_info("class_queries_logits", TensorProto.FLOAT, None))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (half_in, r"its input must be one tensor of floats \(B, 3, H, W\), of 32 bits, got x tensor\(float16\)"),
        (ends_in("Softmax"), r"its output y is no logits \(tensor\(float\) from Softmax\)"),
        (ends_in("Softmax", "Identity"), r"its output y is no logits \(tensor\(float\) from Softmax\)"),
        (ends_in("Sigmoid", "Identity", "Identity"), r"its output y is no logits \(tensor\(float\) from Sigmoid\)"),
        (in_a_circle, r"model\.onnx: not an ONNX graph that onnxruntime can run"),
        (resized_softmax, r"its output y is no logits \(tensor\(float\) from Softmax\)"),
        (classes_out, r"its output y is no logits \(tensor\(int64\) from Cast\)"),
        (
            two_outputs,
            r"its outputs are y \[.*\], auxiliary \[.*\]; more than one of them fits, but 5 classes",
        ),
        (mask_model, r"its output masks_queries_logits is a mask model's, and of a graph only logits are read: "),
    ],
)
def test_a_graph_that_would_be_misread_is_refused(
    change: Callable[[Any], None], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_graph(tmp_path / "model.onnx", onnx.numpy_helper.from_array(WEIGHTS, "w"), changes=change)
    with pytest.raises(UsageError, match=message):
        load_graph(path)
    assert capfd.readouterr() == ("", "")


def test_the_output_that_is_logits_is_found_among_others(tmp_path: Path) -> None:
    def change(model: Any) -> None:
        model.graph.node.append(helper.make_node("Neg", ["x"], ["first"]))
        model.graph.output.insert(0, helper.make_tensor_value_info("first", TensorProto.FLOAT, FREE))

    path = write_graph(tmp_path / "model.onnx", onnx.numpy_helper.from_array(WEIGHTS, "w"), changes=change)
    torch.testing.assert_close(load_graph(path)(IMAGES), expected_logits())


def test_log_probabilities_are_logits_too(tmp_path: Path) -> None:
    path = write_graph(
        tmp_path / "model.onnx", onnx.numpy_helper.from_array(WEIGHTS, "w"), changes=ends_in("LogSoftmax")
    )
    got = load_graph(path)(IMAGES)
    torch.testing.assert_close(got, expected_logits().log_softmax(dim=1))


def test_onnxruntimes_own_format_is_named(tmp_path: Path) -> None:
    import onnxruntime

    path = write_graph(tmp_path / "model.onnx", onnx.numpy_helper.from_array(WEIGHTS, "w"))
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "model.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    with pytest.raises(UsageError, match=r"model\.ort: in onnxruntime's own format; give the \.onnx"):
        load_graph(tmp_path / "model.ort")


def test_a_graph_that_can_not_run_is_refused_in_one_line_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    nodes = [helper.make_node("NoSuchOperation", ["x"], ["y"])]
    path = write_graph(tmp_path / "model.onnx", nodes=nodes)
    with pytest.raises(UsageError, match=r"model\.onnx: not an ONNX graph that onnxruntime can run") as caught:
        load_graph(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["{", "3", '"text"', '{"class_names": 3}'])
def test_a_description_of_ours_that_is_damaged_is_refused(text: str, tmp_path: Path) -> None:
    path = write_graph(
        tmp_path / "model.onnx",
        onnx.numpy_helper.from_array(WEIGHTS, "w"),
        changes=lambda model: helper.set_model_props(model, {"segformer": text}),
    )
    with pytest.raises(UsageError, match=r"model\.onnx: its metadata 'segformer' is not of this version"):
        load_graph(path)


def test_data_whose_place_is_said_twice_is_refused(tmp_path: Path) -> None:
    tensor = external()
    tensor.external_data.add(key="location", value="other.data")
    path = write_graph(tmp_path / "model.onnx", tensor)
    with pytest.raises(UsageError, match=r"the place of its weight 'w' can't be read \(a field comes twice\)"):
        load_graph(path)
