"""Any network as an ONNX graph, run by onnxruntime (extra `onnx`): the way in for models of other frameworks.

The graph takes one input, normalised float32 RGB (B, 3, H, W) with free B, H and W, and gives logits
(B, classes, h, w) at any stride; `segformer.export_onnx` writes such graphs. It is normalised as ImageNet's, unless
the graph was exported here from a network of another preprocessing, or a preprocessor_config.json lies next to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from segformer.files import identity_of

from ..errors import MachineError, UsageError
from .base import unchanged
from .entry import Request
from .onnx_graph import PREPROCESSOR, Graph, read_graph
from .preprocessing import Preprocessing

__all__ = ["OnnxSegmenter", "load"]

NO_LOGITS = ("Softmax", "Sigmoid", "HardSigmoid", "Hardmax")
LOGITS = ("tensor(float)", "tensor(float16)", "tensor(double)")
FATAL = 4  # the severity from which onnxruntime writes to stderr: its errors come back as exceptions too


@dataclass(kw_only=True)
class OnnxSegmenter:
    """A Segmenter around an onnxruntime session, on the CPU, with so many threads. output: which of the graph's
    holds the logits.
    """

    name: str
    session: Any
    output: str
    threads: int
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    licence: str
    checkpoint_sha256: str
    about: str
    parameters: int

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def __call__(self, images: Tensor) -> Tensor:
        feed = {self.session.get_inputs()[0].name: self.preprocessing.normalise(images).contiguous().numpy()}
        return torch.from_numpy(self.session.run([self.output], feed)[0])


def load(request: Request) -> OnnxSegmenter:
    """Open a graph, with its external data next to it.

    Raises UsageError where it is not one for these classes, MachineError without onnx or onnxruntime.
    """
    name, class_names = request.name, request.class_names
    try:
        import onnx  # noqa: F401  read_graph needs it
        import onnxruntime
    except ImportError:
        raise MachineError(f"model {name} needs onnx and onnxruntime; install robustbench-seg[onnx]") from None
    path = Path(request.weights)
    if not path.is_file():
        raise UsageError(f"weights of {name}: {path}: no such file")
    threads = torch.get_num_threads()
    with unchanged([path, path.parent / PREPROCESSOR]):
        graph = read_graph(path)
        with unchanged(graph.files):
            identity, session = identity_of(graph.files, path.parent), open_session(path, threads)
    check_input(path, session)
    output = find_output(graph, session, class_names)
    stored = graph.about["class_names"]
    if stored and stored != class_names:
        raise UsageError(f"{path}: its classes are {', '.join(stored)}, the dataset's {', '.join(class_names)}")
    source = f"weights from {graph.about.get('source', 'unknown')}"
    return OnnxSegmenter(
        name=name,
        session=session,
        output=output,
        threads=threads,
        preprocessing=graph.preprocessing,
        class_names=class_names,
        licence=str(graph.about.get("licence", "unknown")),
        checkpoint_sha256=identity,
        about=f"ONNX graph in onnxruntime {onnxruntime.__version__}, {source}{graph.preprocessing.remark}",
        parameters=graph.parameters,
    )


def open_session(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = FATAL
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{path}: not an ONNX graph that onnxruntime can run ({reason})") from None


def check_input(path: Path, session: Any) -> None:
    """Raise UsageError unless the graph takes what is fed to it."""
    inputs = session.get_inputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type != "tensor(float)":
        found = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
        raise UsageError(f"{path}: its input must be one tensor of floats (B, 3, H, W), of 32 bits, got {found}")
    batch, channels, *sides = inputs[0].shape  # what is free has a name, or None
    fixed = [number for number in (batch, *sides) if isinstance(number, int)]
    if fixed or (isinstance(channels, int) and channels != 3):
        raise UsageError(f"{path}: its input must be (B, 3, H, W) with free B, H and W, got {inputs[0].shape}")


def find_output(graph: Graph, session: Any, class_names: Sequence[str]) -> str:
    """Find the one output that is logits of these classes. Raises UsageError where none is, or several are."""
    outputs = session.get_outputs()
    fitting = [one for one in outputs if len(one.shape) == 4 and one.shape[1] == len(class_names)]
    if len(fitting) != 1:
        found = ", ".join(f"{one.name} {one.shape}" for one in outputs)
        many = "more than one of them fits" if fitting else "none of them fits"
        what = f"its output is {outputs[0].shape}" if len(outputs) == 1 else f"its outputs are {found}; {many}"
        raise UsageError(f"{graph.path}: {what}, but the dataset has {len(class_names)} classes")
    (output,) = fitting
    end = graph.ends.get(output.name, "")
    if end in NO_LOGITS or output.type not in LOGITS:
        raise UsageError(
            f"{graph.path}: its output {output.name} is no logits ({output.type} from {end or 'its input'}): "
            "export the network without its last step"
        )
    name: str = output.name
    return name
