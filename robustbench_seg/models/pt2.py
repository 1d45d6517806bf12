"""Programs of torch.export (.pt2). Opening one may run what it holds, so it is trusted as a user's own code is."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from segformer.files import identity_of

from ..errors import UsageError
from .base import NetworkSegmenter, extend_identity, unchanged
from .foreign import Facts, wrap
from .output import join
from .request import Request

__all__ = ["load"]


class OneByOne(nn.Module):
    """A network that takes one image at a time."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> Any:
        return join([self.network(image) for image in torch.split(images, 1)])


def load(request: Request) -> NetworkSegmenter:
    """Open a program with one input, normalised float32 (B, 3, H, W), whose sides are free or fixed.

    Raises UsageError for what is no such program.
    """
    path = Path(request.weights)
    if not path.is_file():
        raise UsageError(f"model {request.name}: {path}: no such file")
    with unchanged([path]):
        try:
            program = torch.export.load(path)
        except Exception as error:  # torch raises all kinds for archives that are none
            raise UsageError(f"{path}: not a program of torch.export ({' '.join(str(error).split()):.200})") from None
        identity = identity_of([path], path.parent)
    batch, sides = input_of(program, path)
    network: Any = program.module()
    network.eval = network.train = lambda mode=False: network  # it stays in the mode it was exported in, or raises
    model = wrap(
        network if batch is None else OneByOne(network),
        request,
        Facts(
            where=str(path),
            identity=identity,
            about="program of torch.export, trusted as code is",
            sides=sides,
        ),
    )
    if batch is not None and model.log_after_resize:
        extend_identity(model, "masks")  # earlier versions took their scores for logits
    return model


def input_of(program: Any, path: Path) -> tuple[int | None, tuple[int, int] | None]:
    """Read a program's input: its batch and its (height, width), None where they are free. Raises UsageError."""
    names = program.graph_signature.user_inputs
    shapes = [node.meta["val"].shape for node in program.graph.nodes if node.name in names and "val" in node.meta]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] != 3:
        raise UsageError(f"{path}: its input must be one tensor (B, 3, H, W), got {[tuple(s) for s in shapes]}")
    batch, _, height, width = (int(size) if isinstance(size, int) else None for size in shapes[0])
    if batch not in (None, 1) or (height is None) != (width is None):
        raise UsageError(
            f"{path}: its input must be (B, 3, H, W) with B free or 1, H and W both free or both fixed, got "
            f"{tuple(shapes[0])}"
        )
    return batch, None if height is None or width is None else (height, width)
