"""What an ONNX file states about itself, before it is run: which files decide its logits, what its input must be.

Weights may lie in separate files (external data), as torch's exporter writes them: model.onnx and model.onnx.data.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from segformer.files import METADATA_KEY

from ..errors import UsageError
from .preprocessing import Preprocessing
from .quantised import Quantisation

__all__ = ["PREPROCESSOR", "Graph", "read_graph"]

PREPROCESSOR = "preprocessor_config.json"  # next to a graph, as programs that export from Transformers leave it
SPEAKS_OF_INPUT = re.compile(r"(?<![a-z])(mean|std)s?(?![a-z])|normali[sz]|preproc|^Image\.", re.IGNORECASE)
# Operations after which probabilities are probabilities still.
KEEPING = ("Identity", "Cast", "Resize", "Upsample", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Slice")
ORT_FORMAT = b"ORTM"  # at byte 4 of a .ort file
# Beginnings of the names of types that weights have; integers of more bits are shapes and indices.
WEIGHTS = ("FLOAT", "DOUBLE", "BFLOAT", "INT8", "UINT8", "INT4", "UINT4", "INT2", "UINT2")


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A graph's file. files: all that decide its logits. about: our own description, as a network was exported here.

    parameters: the values of all weights, scales and zero points of quantised ones included. operations: the names
    of those that it has. ends: by output, its last operations. quantisation: of a graph that was quantised here.
    """

    path: Path
    files: tuple[Path, ...]
    about: Mapping[str, Any]
    preprocessing: Preprocessing
    parameters: int
    operations: frozenset[str]
    ends: Mapping[str, tuple[str, ...]]
    quantisation: Quantisation | None = None


def read_graph(path: Path) -> Graph:
    """Read a graph without its external data, which may be larger than memory.

    Raises UsageError for what is no graph, for external data that is missing, incomplete or outside the graph's folder,
    and for a preprocessing that can't be applied.
    """
    model = parse(path)
    tensors = list(tensors_of(model))
    files = [path, *dict.fromkeys(data_file(path, tensor) for tensor in tensors if is_external(tensor))]
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    try:
        about = dict(json.loads(metadata.get(METADATA_KEY, "{}")))
        about["class_names"] = tuple(map(str, about.get("class_names", ())))
        quantisation = Quantisation.from_dict(about["quantisation"]) if "quantisation" in about else None
    except (ValueError, TypeError, AttributeError):
        raise UsageError(f"{path}: its metadata {METADATA_KEY!r} is not of this version") from None
    neighbour = path.parent / PREPROCESSOR
    if "preprocessor" in about:
        preprocessing = Preprocessing.from_json(str(about["preprocessor"]), f"image processor of {path}")
    elif neighbour.is_file():
        files.append(neighbour)
        preprocessing = Preprocessing.from_json(neighbour.read_text("utf-8", errors="replace"), str(neighbour))
        preprocessing = replace(preprocessing, origin=f"of {PREPROCESSOR}")
    elif hint := next((key for key in metadata if key != METADATA_KEY and SPEAKS_OF_INPUT.search(key)), None):
        raise UsageError(
            f"{path}: its metadata states {hint} = {metadata[hint]!r:.60}, which is not read: put what its input must "
            f"be into a {PREPROCESSOR} next to it, in the form of Transformers"
        )
    else:
        preprocessing = Preprocessing(origin="no file states it" if not about["class_names"] else "")
    return Graph(
        path=path,
        files=tuple(files),
        about=about,
        preprocessing=preprocessing,
        parameters=sum(math.prod(tensor.dims) for tensor in tensors if type_of(tensor).startswith(WEIGHTS)),
        operations=frozenset(node.op_type for node in model.graph.node),
        ends={output.name: last_operations(model, output.name) for output in model.graph.output},
        quantisation=quantisation,
    )


def last_operations(model: Any, output: str) -> tuple[str, ...]:
    """Name the operations that make an output, the last first, back to one that does more than `KEEPING`."""
    makers = {made: node for node in model.graph.node for made in node.output}
    operations: list[str] = []
    while output in makers and (not operations or operations[-1] in KEEPING):
        node = makers.pop(output)  # once: the operations of a broken file may go in a circle
        operations.append(node.op_type)
        output = node.input[0] if node.input else ""
    return tuple(operations)


def parse(path: Path) -> Any:
    import onnx

    content = path.read_bytes()
    if content[4:8] == ORT_FORMAT:
        raise UsageError(f"{path}: in onnxruntime's own format; give the .onnx that it was made from")
    try:
        return onnx.ModelProto.FromString(content)
    except Exception as error:  # protobuf's own, whose package has no types
        raise UsageError(f"{path}: not an ONNX graph ({error})") from None


def tensors_of(message: Any) -> Iterator[Any]:
    """Find every tensor in a message, wherever: initialisers, sparse ones, attributes, subgraphs, functions."""
    if message.DESCRIPTOR.name == "TensorProto":
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:  # neither a number nor a text
            for part in [value] if hasattr(value, "DESCRIPTOR") else value:
                yield from tensors_of(part)


def type_of(tensor: Any) -> str:
    """The name of a tensor's data type, such as FLOAT16."""
    names: dict[int, str] = {number: name for name, number in tensor.DataType.items()}
    return names.get(tensor.data_type, "")


def is_external(tensor: Any) -> bool:
    return bool(tensor.data_location == tensor.EXTERNAL)


def data_file(path: Path, tensor: Any) -> Path:
    """Find the file of an external tensor. Raises UsageError where it can't be the one that is meant, or not all."""
    fields: dict[str, str] = {entry.key: entry.value for entry in tensor.external_data}
    location = fields.get("location", "")
    place: Path = path.parent / location
    if Path(location).is_absolute() or ".." in Path(location).parts:
        raise UsageError(f"{path}: its weight {tensor.name!r} lies in {location!r}, outside the graph's own folder")
    try:
        if len(fields) < len(tensor.external_data):
            raise ValueError("a field comes twice")
        # The hub's cache links graph and data into one folder of blobs: the graph's own counts too.
        real, own = place.resolve(), (path.parent.resolve(), path.resolve().parent)
        size = real.stat().st_size if real.is_file() else None
        first = int(fields.get("offset") or 0)
        end = first + (int(fields["length"]) if fields.get("length") else bytes_of(tensor))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: the place of its weight {tensor.name!r} can't be read ({error})") from None
    if not any(real.is_relative_to(folder) for folder in own):
        raise UsageError(f"{path}: its weight {tensor.name!r} lies in {location!r}, a link out of the graph's folder")
    if size is None:
        raise UsageError(f"{path}: its weights in {location!r} are missing; that file belongs next to the graph")
    if first < 0 or end > size:
        raise UsageError(f"{place}: not complete: {size} bytes, but {path.name} reads bytes {first} to {end} of it")
    return place


def bytes_of(tensor: Any) -> int:
    """How many bytes a tensor has; the bits of a value stand in its type's name."""
    name = type_of(tensor)
    digits = re.search(r"\d+", name)
    bits = int(digits[0]) if digits else {"FLOAT": 32, "DOUBLE": 64}.get(name, 8)
    values: int = math.prod(tensor.dims)
    return -(-values * bits // 8)
