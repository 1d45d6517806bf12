"""ONNX graphs: of a small SegFormer, and made by hand, node by node, as an export takes a quarter of a minute."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from robustbench_seg.models import load_source
from robustbench_seg.models.base import Segmenter
from robustbench_seg.models.source import Source
from segformer import CheckpointInfo, SegFormer, build

FREE = ["b", 3, "h", "w"]
NAMES = tuple(f"class {k}" for k in range(5))


def small_segformer() -> SegFormer:
    """A network whose graph `exported_segformer` is."""
    network = build("b0", num_classes=5, decoder_width=32, depths=(1, 1, 1, 1), seed=3).eval()
    network.info = CheckpointInfo(class_names=NAMES, licence="Apache-2.0", source="a test")
    with torch.no_grad():  # random weights give nearly one class everywhere; a stronger classifier does not
        network.decoder.classify.weight *= 30
    return network


def load_graph(path: Path | str) -> Segmenter:
    return load_source(Source(model="onnx", weights=str(path)), "onnx", NAMES, torch.device("cpu"))


def write_graph(
    path: Path, *weights: Any, nodes: Any = None, changes: Callable[[Any], None] | None = None, classes: int = 5
) -> Path:
    """A graph of one 1x1 convolution by `w`, and of whatever else it is to hold."""
    from onnx import TensorProto, helper

    nodes = nodes or [helper.make_node("Conv", ["x", "w"], ["y"])]
    value = helper.make_tensor_value_info
    ends = [value(name, TensorProto.FLOAT, shape) for name, shape in (("x", FREE), ("y", ["b", classes, "h", "w"]))]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], initializer=list(weights))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if changes is not None:
        changes(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path
