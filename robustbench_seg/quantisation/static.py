"""The int8 graph: onnxruntime's static quantisation, with ranges of activations from calibration images.

Weights are symmetric int8; activations are asymmetric uint8 with one scale per tensor. Operators outside of the scheme
compute in float32. docs/models.md shows how the scheme was chosen.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

from segformer.files import METADATA_KEY

from ..errors import UsageError, missing_extra
from ..files import write_bytes
from ..models.onnx import OnnxSegmenter
from ..models.onnx_graph import Graph, read_graph
from ..models.preprocessing import IMAGENET
from ..models.quantised import Quantisation
from ..private_folders import private_folder
from .calibration import Calibration, Input

__all__ = ["Method", "Scheme", "quantise"]

Method = Literal["MinMax", "Percentile", "Entropy"]
# Convolutions and matrix products take the time. A rectifier after one costs nothing: it limits the output's range.
OPERATORS = ("Conv", "Gemm", "MatMul", "Clip", "Relu")
QUANTISED = ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "ConvInteger", "MatMulInteger")
AT_ONCE = 4  # images whose activations are in memory together; histograms need them all


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """How a graph is quantised; fields as in `Quantisation`. Raises UsageError for an unknown method."""

    method: Method = "MinMax"
    per_channel: bool = True
    operators: tuple[str, ...] = OPERATORS

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise UsageError(f"unknown method {self.method!r}; known: {', '.join(get_args(Method))}")


class Reader:
    """Gives inputs in the form that onnxruntime asks for."""

    def __init__(self, name: str, inputs: Iterable[Input]) -> None:
        self.feeds = ({name: one} for one in inputs)

    def get_next(self) -> dict[str, Input] | None:
        """Return the next input by its name, None after the last."""
        return next(self.feeds, None)


def quantise(
    model: OnnxSegmenter, path: Path, calibration: Calibration, scheme: Scheme, out: Path, note: Callable[[str], None]
) -> Quantisation:
    """Write the int8 graph of a float graph. The same machine writes the same bytes again.

    model: the graph at `path`, opened. note: called with lines on the data set. Raises UsageError for a graph that
    can't be quantised, or is already, DataError for broken images, MachineError without onnxruntime's tools.
    """
    try:
        import onnxruntime
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError:
        raise missing_extra("int8 needs onnx and onnxruntime", "onnx") from None
    graph = read_graph(path)
    if not graph.operations.isdisjoint(QUANTISED):
        raise UsageError(f"{path}: is quantised already")
    made = Quantisation(
        method=scheme.method,
        per_channel=scheme.per_channel,
        operators=scheme.operators,
        onnxruntime=onnxruntime.__version__,
        weights_sha256=str(graph.about.get("weights_sha256", model.checkpoint_sha256)),
        **calibration.survey(note),
    )
    with private_folder() as folder:
        simplified = folder / "simplified.onnx"
        try:  # BatchNorm becomes part of convolutions, and weights that are computed become constants
            quant_pre_process(str(path), str(simplified), skip_symbolic_shape=True)
        except Exception as error:  # onnxruntime's errors have no common class
            raise UsageError(f"{path}: onnxruntime can't simplify it ({' '.join(str(error).split()):.200})") from None
        ranges = activation_ranges(simplified, calibration.inputs(model), scheme)
        proto = with_pairs(simplified, ranges, scheme)
    if not any(node.op_type == "QuantizeLinear" for node in proto.graph.node):
        raise UsageError(f"{path}: has none of the operators that are quantised ({', '.join(scheme.operators)})")
    describe(proto, graph, model, made)
    write_bytes(out, proto.SerializeToString(deterministic=True))
    return made


def activation_ranges(path: Path, inputs: Iterator[Input], scheme: Scheme) -> Any:
    """Run the float graph on all inputs, and return what onnxruntime makes of its activations."""
    from onnxruntime.quantization.calibrate import CalibrationMethod, create_calibrator

    calibrator = create_calibrator(
        path,
        list(scheme.operators),
        augmented_model_path=str(path.with_name("calibration.onnx")),
        calibrate_method=CalibrationMethod[scheme.method],
    )
    name = calibrator.infer_session.get_inputs()[0].name
    while some := list(islice(inputs, AT_ONCE)):
        calibrator.collect_data(Reader(name, some))
    return calibrator.compute_data()


def with_pairs(path: Path, ranges: Any, scheme: Scheme) -> Any:
    """Put pairs of QuantizeLinear and DequantizeLinear around the operators of a scheme."""
    import onnx
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    quantizer = QDQQuantizer(
        onnx.shape_inference.infer_shapes(onnx.load(path)),
        scheme.per_channel,
        False,  # all 8 bits of weights, not 7
        QuantType.QInt8,
        QuantType.QUInt8,
        ranges,
        [],
        [],
        list(scheme.operators),
        {},
    )
    quantizer.quantize_model()
    return quantizer.model.model


def describe(proto: Any, graph: Graph, model: OnnxSegmenter, made: Quantisation) -> None:
    """Replace the metadata by a description, and remove the names of files and functions that made the graph."""
    about = {
        **graph.about,
        "class_names": list(model.class_names),
        "licence": model.licence,
        "quantisation": made.to_dict(),
    }
    if model.preprocessing != IMAGENET:
        about["preprocessor"] = model.preprocessing.to_transformers()
    del proto.metadata_props[:]
    proto.metadata_props.add(key=METADATA_KEY, value=json.dumps(about, sort_keys=True))
    for part in (proto.graph, *proto.graph.node, *proto.graph.value_info, *proto.graph.input, *proto.graph.output):
        del part.metadata_props[:]
    del proto.graph.value_info[:]  # shapes of activations, which follow from the rest
    domains = {node.domain for node in proto.graph.node} | {""}
    used = [opset for opset in proto.opset_import if opset.domain in domains]
    del proto.opset_import[:]
    proto.opset_import.extend(used)
