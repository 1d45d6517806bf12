"""The float graph of a model under test, with the description that travels with it."""

import warnings
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from segformer import SegFormer
from segformer.export import TRACED_SIDES, traced_sides, write_graph

from ..errors import UsageError, in_one_line, missing_extra
from ..models.base import NetworkSegmenter, Segmenter
from ..models.deeplabv3plus import DeepLabV3Plus
from ..models.foreign import Foreign
from ..models.onnx import OnnxSegmenter
from ..models.output import unpack
from ..models.preprocessing import IMAGENET

__all__ = ["float_graph"]


class Logits(nn.Module):
    """A network whose output is unpacked to its logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return unpack(self.network(images))[0]


def float_graph(model: Segmenter, path: Path) -> None:
    """Write the graph of a torch network. Padding that a network needs is left to the program that opens the graph.

    Raises UsageError for a model that is no torch network, has no logits or can't be exported, and MachineError without
    onnx.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        raise missing_extra("an export needs onnx and onnxscript", "onnx") from None
    if isinstance(model, OnnxSegmenter):
        raise UsageError(f"model {model.name}: is an ONNX graph already")
    if not isinstance(model, NetworkSegmenter) or model.log_after_resize or model.sides is not None:
        raise UsageError(
            f"model {model.name}: can't be exported; an export needs a torch network that gives logits and "
            "takes images of any size"
        )
    network = inner(model.network)
    sides = traced_sides(network) if isinstance(network, SegFormer) else TRACED_SIDES[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch's exporter, on its own parts
            write_graph(network, path, description(model), sides)
    except OSError:
        raise
    except Exception as error:  # whatever the exporter raises for what it can't trace
        reason = in_one_line(error)
        raise UsageError(f"model {model.name}: torch can't export its network ({reason:.300})") from None


def inner(network: nn.Module) -> nn.Module:
    """Take off what pads images, which depends on their size."""
    if isinstance(network, DeepLabV3Plus):
        padded: nn.Module = network.inner
        return padded
    return Logits(network.network) if isinstance(network, Foreign) else network


def description(model: NetworkSegmenter) -> dict[str, Any]:
    """State of a graph what its weights stated: for `models.onnx_graph`."""
    preprocessing = model.preprocessing
    about = {
        "class_names": list(model.class_names),
        "licence": model.licence,
        "network": model.about,
        "weights_sha256": model.checkpoint_sha256,
    }
    return about if preprocessing == IMAGENET else about | {"preprocessor": preprocessing.to_transformers()}
