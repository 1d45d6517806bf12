"""The network as an ONNX graph of any batch, height and width; needs the extra `onnx`."""

import json
import os
import tempfile
from pathlib import Path

import torch

from .files import METADATA_KEY
from .model import SegFormer

__all__ = ["export_onnx"]

TRACED_SIDES = (96, 128), (160, 224)  # of the example; batch, height and width stay free


def export_onnx(model: SegFormer, path: str | os.PathLike[str]) -> None:
    """Write a graph from `images` (B, 3, H, W), normalised float32, H and W >= 32, to `logits` (B, C, H / 4, W / 4).

    Sides are rounded up. The model is exported as it evaluates (no dropout). Class names, licence, source and image
    processor travel in the file's metadata. The file appears whole or not at all; a network beyond ONNX's 2 GB a file
    raises ValueError.
    """
    target = Path(path)
    training = model.training
    free = torch.export.Dim.DYNAMIC
    # At its own size a learned encoding is not resized, and the graph of that would fit no other.
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
    about = {"class_names": model.info.class_names, "licence": model.info.licence, "source": model.info.source}
    if model.info.preprocessor:
        about["preprocessor"] = model.info.preprocessor
    program.model.metadata_props[METADATA_KEY] = json.dumps(about, sort_keys=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        temporary = Path(folder, "graph.onnx")
        program.save(temporary, external_data=False)
        temporary.replace(target)


def same_grid(size: tuple[int, int] | None, other: tuple[int, int]) -> bool:
    """Whether two sizes have the same tokens in the last stage; in an earlier one they have only if they have there."""
    return size is not None and all(-(-a // 32) == -(-b // 32) for a, b in zip(size, other, strict=True))
