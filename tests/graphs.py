"""ONNX graphs made by hand, node by node: an export by torch takes a quarter of a minute."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

FREE = ["b", 3, "h", "w"]


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
