"""Export a network as an ONNX graph for any batch size, height and width. Requires the extra `onnx`."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .files import METADATA_KEY, write_atomically
from .model import SegFormer
from .modes import restored_modes

__all__ = ["export_onnx", "traced_sides", "write_graph"]

TRACED_SIDES = (96, 128), (160, 224)  # of the example image; batch, height and width of the graph are free
MOST_BYTES = 2**31 - 1  # of a message of protobuf


def export_onnx(model: SegFormer, path: str | os.PathLike[str]) -> None:
    """Write a graph from `images` (B, 3, H, W), normalised float32, H and W >= 32, to `logits` (B, C, H / 4, W / 4).

    The sides of the logits are rounded up. The graph is the model in eval mode (no dropout). The file's metadata holds
    class names, licence, source and preprocessor. The file is written atomically. Raises ValueError for a network
    larger than ONNX's limit of 2 GB per file.
    """
    fields = ("class_names", "licence", "source", *(("preprocessor",) if model.info.preprocessor else ()))
    write_graph(model, Path(path), {field: getattr(model.info, field) for field in fields}, traced_sides(model))


def write_graph(
    network: nn.Module, path: Path, about: Mapping[str, Any], sides: tuple[int, int] = TRACED_SIDES[0]
) -> None:
    """Write the graph of any network from images to logits; otherwise as `export_onnx`.

    about: the description in the metadata. sides: height and width of the example image. Each module keeps its mode.
    """
    tensors = [*network.parameters(), *network.buffers()]
    if (size := sum(tensor.nbytes for tensor in tensors)) > MOST_BYTES:
        raise ValueError(f"{path}: the weights have {size / 1e9:.1f} GB, but an ONNX graph has 2 GB at most")
    free = torch.export.Dim.DYNAMIC
    place = tensors[0].device if tensors else torch.device("cpu")
    with restored_modes(network.modules()), torch.no_grad():  # without gradients the same graph, a seventh sooner
        program = torch.onnx.export(
            network.eval(),
            (torch.zeros(2, 3, *sides, device=place),),
            dynamo=True,
            verbose=False,
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: free, 2: free, 3: free},),
        )
    assert program is not None
    program.model.metadata_props[METADATA_KEY] = json.dumps(about, sort_keys=True)
    write_atomically(path, program.model_proto.SerializeToString())


def traced_sides(model: SegFormer) -> tuple[int, int]:
    """Choose the size of the example: at its own size a learned encoding is not resized, so a graph that is traced
    there fits no other size.
    """
    first, other = TRACED_SIDES
    return other if same_grid(model.config.train_size, first) else first


def same_grid(size: tuple[int, int] | None, other: tuple[int, int]) -> bool:
    """Whether two sizes have the same grid in the last stage. If not, no earlier grid is the same either."""
    return size is not None and all(-(-a // 32) == -(-b // 32) for a, b in zip(size, other, strict=True))
