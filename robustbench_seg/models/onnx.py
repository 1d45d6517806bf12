"""Any network as an ONNX graph, run by onnxruntime (extra `onnx`): the way in for models of other frameworks.

The graph takes one input, normalised float32 RGB (B, 3, H, W), and gives logits (B, classes, h, w) at any stride;
`segformer.export_onnx` writes such graphs. Its batch may be fixed to 1, its sides to one size, which then is a view's
(`resize-HxW`) or a window's. It is normalised as ImageNet's, unless
the graph was exported here from a network of another preprocessing, or a preprocessor_config.json lies next to it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segformer.files import identity_of

from ..errors import UsageError, missing_extra
from .base import PreparedSegmenter, unchanged
from .foreign import Facts, Foreign, fit
from .onnx_graph import PREPROCESSOR, Graph, read_graph
from .output import QUERIES
from .request import Request

__all__ = ["OnnxSegmenter", "load"]

NO_LOGITS = ("Softmax", "Sigmoid", "HardSigmoid", "Hardmax")
LOGITS = ("tensor(float)", "tensor(float16)", "tensor(double)")
FATAL = 4  # the severity from which onnxruntime writes to stderr: its errors come back as exceptions too


class Session(nn.Module):
    """An onnxruntime session as a network, on the CPU. output: which of the graph's holds the logits. one_by_one: the
    graph takes one image at a time.
    """

    def __init__(self, session: Any, output: str, one_by_one: bool) -> None:
        super().__init__()
        self.session = session
        self.output = output
        self.one_by_one = one_by_one

    def forward(self, inputs: Tensor) -> Tensor:
        name = self.session.get_inputs()[0].name
        batches = torch.split(inputs, 1) if self.one_by_one else [inputs]
        logits = [self.session.run([self.output], {name: batch.contiguous().numpy()})[0] for batch in batches]
        return torch.cat([torch.from_numpy(logits) for logits in logits])


@dataclass(kw_only=True)
class OnnxSegmenter(PreparedSegmenter):
    """A Segmenter around an onnxruntime session, with so many threads."""

    network: Foreign
    threads: int
    parameters: int

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def scores(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.network(inputs)
        return logits


def load(request: Request) -> OnnxSegmenter:
    """Open a graph, with its external data next to it.

    Raises UsageError where it is not one for these classes, MachineError without onnx or onnxruntime.
    """
    name = request.name
    try:
        import onnx  # noqa: F401  read_graph needs it
        import onnxruntime
    except ImportError:
        raise missing_extra(f"model {name} needs onnx and onnxruntime", "onnx") from None
    path = Path(request.weights)
    if not path.is_file():
        raise UsageError(f"weights of {name}: {path}: no such file")
    threads = torch.get_num_threads()
    with unchanged([path, path.parent / PREPROCESSOR]):
        graph = read_graph(path)
        with unchanged(graph.files):
            identity, session = identity_of(graph.files, path.parent), open_session(path, threads)
    one_by_one, sides = check_input(path, session)
    names = request.options.names or graph.about["class_names"] or request.class_names
    facts = Facts(
        where=str(path),
        identity=identity,
        about=describe(graph, onnxruntime.__version__),
        names=graph.about["class_names"],
        sides=sides,
    )
    made = fit(Session(session, find_output(graph, session, len(names)), one_by_one), request, facts)
    model = OnnxSegmenter(
        name=name,
        network=made.network,
        threads=threads,
        preprocessing=graph.preprocessing,
        sides=made.sides,
        class_names=made.class_names,
        licence=str(graph.about.get("licence", "unknown")),
        checkpoint_sha256=identity,
        about=facts.about + made.remark,
        parameters=graph.parameters,
    )
    made.identify(model)
    return model


def describe(graph: Graph, version: str) -> str:
    """State what a graph is, as far as its metadata state it. version: of the onnxruntime that runs it."""
    network = graph.about.get("network") or f"weights from {graph.about.get('source', 'unknown')}"
    return f"ONNX graph in onnxruntime {version}, {network}{f', {graph.quantisation}' if graph.quantisation else ''}"


def open_session(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Without VNNI instructions, sums of int8 products would saturate: exact ones are slower there, and the same here.
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.intra_op_num_threads = threads
    options.log_severity_level = FATAL
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{path}: not an ONNX graph that onnxruntime can run ({reason})") from None


def check_input(path: Path, session: Any) -> tuple[bool, tuple[int, int] | None]:
    """Read what the graph takes: one image at a time or any number, of one (height, width) or of any.

    Raises UsageError unless it is fed with RGB images.
    """
    inputs = session.get_inputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type != "tensor(float)":
        forms = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
        raise UsageError(f"{path}: its input must be one tensor of floats (B, 3, H, W), of 32 bits, got {forms}")
    batch, channels, height, width = (n if isinstance(n, int) else None for n in inputs[0].shape)  # free: a name
    if batch not in (None, 1) or channels not in (None, 3) or (height is None) != (width is None):
        raise UsageError(
            f"{path}: its input must be (B, 3, H, W) with B free or 1, H and W both free or both fixed, got "
            f"{inputs[0].shape}"
        )
    return batch == 1, None if height is None or width is None else (height, width)


def find_output(graph: Graph, session: Any, classes: int) -> str:
    """Find the one output that is logits. classes: their number, which chooses among several outputs.

    Raises UsageError where none is, or several are, and for the queries of a mask model.
    """
    outputs = session.get_outputs()
    if queries := [one.name for one in outputs if one.name in QUERIES]:
        raise UsageError(
            f"{graph.path}: its output {queries[0]} is a mask model's, and of a graph only logits are read: give it as "
            "hf: or pt2:"
        )
    maps = [one for one in outputs if len(one.shape) == 4]
    fitting = maps if len(maps) == 1 else [one for one in maps if one.shape[1] == classes]
    if len(fitting) != 1:
        forms = ", ".join(f"{one.name} {one.shape}" for one in outputs)
        many = "more than one of them fits" if fitting else "none of them fits"
        what = f"its output is {outputs[0].shape}" if len(outputs) == 1 else f"its outputs are {forms}; {many}"
        raise UsageError(f"{graph.path}: {what}, but {classes} classes are wanted, as (B, classes, h, w)")
    (output,) = fitting
    ends = graph.ends[output.name]
    no_logits = [end for end in ends if end in NO_LOGITS]
    if no_logits or output.type not in LOGITS:
        raise UsageError(
            f"{graph.path}: its output {output.name} is no logits ({output.type} from "
            f"{(*no_logits, *ends, 'its input')[0]}): export the network without its last step"
        )
    name: str = output.name
    return name
