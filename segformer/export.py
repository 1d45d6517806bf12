"""Export the network as an ONNX graph for any batch size, height and width. Requires the extra `onnx`."""

import json
import os
import tempfile
from pathlib import Path

import torch

from .files import METADATA_KEY
from .model import SegFormer

__all__ = ["export_onnx"]

TRACED_SIDES = (96, 128), (160, 224)  # of the example image; batch, height and width of the graph are free


def export_onnx(model: SegFormer, path: str | os.PathLike[str]) -> None:
    """Write a graph from `images` (B, 3, H, W), normalised float32, H and W >= 32, to `logits` (B, C, H / 4, W / 4).

    The sides of the logits are rounded up. The graph is the model in eval mode (no dropout). The file's metadata holds
    class names, licence, source and preprocessor. The file is written atomically. Raises ValueError for a network
    larger than ONNX's limit of 2 GB per file.
    """
    target = Path(path)
    training = model.training
    free = torch.export.Dim.DYNAMIC
    # At its own size a learned encoding is not resized, so a graph that is traced there fits no other size.
    first, other = TRACED_SIDES
    sides = other if same_grid(model.config.train_size, first) else first
    try:
        program = torch.onnx.export(
            model.eval(),
            (torch.zeros(2, 3, *sides, device=next(model.parameters()).device),),
            dynamo=True,
            verbose=False,
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes={"images": {0: free, 2: free, 3: free}},
        )
    finally:
        model.train(training)
    assert program is not None
    fields = ("class_names", "licence", "source", *(("preprocessor",) if model.info.preprocessor else ()))
    about = {field: getattr(model.info, field) for field in fields}
    program.model.metadata_props[METADATA_KEY] = json.dumps(about, sort_keys=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        temporary = Path(folder, "graph.onnx")
        program.save(temporary, external_data=False)
        temporary.replace(target)


def same_grid(size: tuple[int, int] | None, other: tuple[int, int]) -> bool:
    """Whether two sizes have the same grid in the last stage. If not, no earlier grid is the same either."""
    return size is not None and all(-(-a // 32) == -(-b // 32) for a, b in zip(size, other, strict=True))
