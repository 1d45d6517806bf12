"""The 8-bit DeepLab file: a graph for TensorFlow Lite that gives each pixel a class and nothing else."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from robustbench_seg.errors import UsageError

from .recipes import CITYSCAPES

__all__ = ["HardLabels"]

SOURCE = "https://github.com/google-coral/test_data"
ZERO = 128  # the 8-bit value that stands for 0
SURE = 100.0  # the logit of the chosen class, where the others have 0: its probability is 1


class HardLabels:
    """A model of labels alone, on the CPU. It has no scores, so that confidence and calibration mean nothing.

    The graph takes one size. Smaller images are padded to it, right and bottom, with the value that stands for 0.
    Raises ValueError for a graph with another input or output, ImportError without the package ai-edge-litert.
    """

    device = torch.device("cpu")
    class_names: tuple[str, ...] = CITYSCAPES
    licence = "Apache-2.0"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        content = Path(path).read_bytes()
        self.name = Path(path).stem
        self.checkpoint_sha256 = hashlib.sha256(content).hexdigest()
        self.interpreter = Interpreter(model_content=content)
        self.interpreter.allocate_tensors()
        (source,), (result,) = self.interpreter.get_input_details(), self.interpreter.get_output_details()
        _, self.height, self.width, _ = map(int, source["shape"])
        if source["dtype"] != np.uint8 or list(result["shape"]) != [1, self.height, self.width]:
            raise ValueError(f"{path}: expected a graph from 8-bit images to a class for each pixel")
        self.source, self.result = source["index"], result["index"]
        self.parameters = count_weights(self.interpreter)
        self.about = (
            f"DeepLab on MobileNet-EdgeTPU, 8 bit, from {SOURCE}, input recipe E (8-bit RGB as it is, padded with "
            f"{ZERO} to {self.height}x{self.width}); labels alone: its confidence and calibration mean nothing"
        )

    def __call__(self, images: Tensor) -> Tensor:
        """Turn uint8 RGB (B, 3, H, W) into float (B, 19, H, W): `SURE` for the chosen class, 0 for the others."""
        height, width = images.shape[2:]
        if height > self.height or width > self.width:
            raise UsageError(
                f"{self.name} takes images of up to {self.height}x{self.width}, got {height}x{width}: use a view such "
                f"as slide-{min(self.height, self.width)}-{min(self.height, self.width) * 3 // 4}"
            )
        labels = torch.stack([self.label(image) for image in images.permute(0, 2, 3, 1).numpy()])
        return SURE * torch.nn.functional.one_hot(labels, len(self.class_names)).permute(0, 3, 1, 2).float()

    def label(self, image: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
        """Give each pixel of an image (H, W, 3) its class, int64 (H, W)."""
        height, width, _ = image.shape
        bottom, right = self.height - height, self.width - width
        padded = np.pad(image, ((0, bottom), (0, right), (0, 0)), constant_values=ZERO)
        self.interpreter.set_tensor(self.source, padded[None])
        self.interpreter.invoke()
        return torch.from_numpy(self.interpreter.get_tensor(self.result)[0, :height, :width].astype(np.int64))


def count_weights(interpreter: Any) -> int:
    """Count the elements of the graph's weights and biases: what operations read and none of them makes, quantised."""
    operations = interpreter._get_ops_details()  # there is no public list of operations
    made = {int(index) for operation in operations for index in operation["outputs"]}
    made |= {int(each["index"]) for each in interpreter.get_input_details()}
    read = {int(index) for operation in operations for index in operation["inputs"]}
    return sum(
        int(np.prod(tensor["shape"]))
        for tensor in interpreter.get_tensor_details()
        if tensor["index"] in read - made and len(tensor["quantization_parameters"]["scales"])
    )
