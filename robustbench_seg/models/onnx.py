"""Any network as an ONNX graph, run by onnxruntime (extra `onnx`): the way in for models of other frameworks.

The graph takes one input, ImageNet-normalised float32 RGB (B, 3, H, W) with free B, H and W, and gives logits
(B, classes, h, w) at any stride; `segformer.export_onnx` writes such graphs.
"""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from segformer.files import METADATA_KEY

from ..errors import MachineError, UsageError
from .base import normalise

__all__ = ["OnnxSegmenter", "load"]


@dataclass(kw_only=True)
class OnnxSegmenter:
    """A Segmenter around an onnxruntime session, on the CPU, with so many threads."""

    name: str
    session: Any
    threads: int
    class_names: tuple[str, ...]
    licence: str
    checkpoint_sha256: str
    about: str
    parameters: int

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def __call__(self, images: Tensor) -> Tensor:
        feed = {self.session.get_inputs()[0].name: normalise(images).contiguous().numpy()}
        return torch.from_numpy(self.session.run(None, feed)[0])


def load(name: str, variant: str, weights: str | os.PathLike[str], class_names: Sequence[str]) -> OnnxSegmenter:
    """Open a graph. Raises UsageError where it is not one for these classes, MachineError without onnxruntime."""
    try:
        import onnxruntime
    except ImportError:
        raise MachineError(f"model {name} needs onnxruntime; install robustbench-seg[onnx]") from None
    path = Path(weights)
    if not path.is_file():
        raise UsageError(f"weights of {name}: {path}: no such file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        content = path.read_bytes()
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{path}: not an ONNX graph that onnxruntime can run ({reason})") from None
    (inputs, outputs) = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type != "tensor(float)":
        found = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
        raise UsageError(f"{path}: its input must be one tensor of floats (B, 3, H, W), got {found}")
    batch, channels, *sides = inputs[0].shape  # what is free has a name, or None
    fixed = [number for number in (batch, *sides) if isinstance(number, int)]
    if fixed or (isinstance(channels, int) and channels != 3):
        raise UsageError(f"{path}: its input must be (B, 3, H, W) with free B, H and W, got {inputs[0].shape}")
    classes = outputs[0].shape[1] if len(outputs[0].shape) == 4 else None
    if classes != len(class_names):
        raise UsageError(f"{path}: its output is {outputs[0].shape}, but the dataset has {len(class_names)} classes")
    try:
        about = dict(json.loads(session.get_modelmeta().custom_metadata_map.get(METADATA_KEY, "{}")))
    except (ValueError, TypeError):
        raise UsageError(f"{path}: its metadata {METADATA_KEY!r} is not a JSON object") from None
    stored = tuple(about.get("class_names", ()))
    if stored and stored != tuple(class_names):
        raise UsageError(f"{path}: its classes are {', '.join(stored)}, the dataset's {', '.join(class_names)}")
    return OnnxSegmenter(
        name=name,
        session=session,
        threads=options.intra_op_num_threads,
        class_names=tuple(class_names),
        licence=about.get("licence", "unknown"),
        checkpoint_sha256=hashlib.sha256(content).hexdigest(),
        about=f"ONNX graph in onnxruntime {onnxruntime.__version__}, weights from {about.get('source', 'unknown')}",
        parameters=parameters_of(content),
    )


def parameters_of(content: bytes) -> int:
    """Count the values of a graph's weights."""
    import onnx

    graph = onnx.load_from_string(content).graph
    return sum(math.prod(weight.dims) for weight in graph.initializer if weight.data_type == onnx.TensorProto.FLOAT)
