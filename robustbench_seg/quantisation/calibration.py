"""The images from which the ranges of activations follow, fed to a graph exactly as an evaluation feeds them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..datasets import Dataset, spaced
from ..datasets.base import loaded
from ..datasets.first_pass import first_pass
from ..datasets.several import JOIN
from ..errors import UsageError
from ..files import digest
from ..measure.views import view_logits
from ..models.onnx import OnnxSegmenter
from ..store.view import View

__all__ = ["Calibration", "Input"]

Input = NDArray[np.float32]  # (1, 3, H, W), normalised and padded
# Names of splits for training; every other one may be scored. CamVid's fit is its train without held.
TRAINING = re.compile(r"fit|train(?!.*(val|test)).*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """So many images of a training split, evenly spaced over its sorted ids, put through a view.

    Raises UsageError for a split that may be scored: whose name is no TRAINING; and for fewer images than one.
    """

    dataset: Dataset
    images: int = 64
    view: View = View()  # noqa: RUF009  frozen

    def __post_init__(self) -> None:
        if self.images < 1:
            raise UsageError(f"activations are calibrated on 1 image or more, got {self.images}")
        split = self.dataset.split
        if not is_for_training(split):
            training = ", ".join(filter(is_for_training, self.dataset.splits)) or "none"
            raise UsageError(
                f"split {split} of {self.dataset.name}: activations are calibrated on training images, never on those "
                "that may be scored; use a split whose name begins with train, and has no val or test in it (here: "
                f"{training})"
            )

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the images."""
        return spaced(self.dataset.ids, self.images)

    def survey(self, note: Callable[[str], None]) -> dict[str, Any]:
        """Read the images once, for their faults, and return what of `Quantisation` is theirs."""
        survey = first_pass(self.dataset, self.ids, note, needs_labels=False)
        return {
            "data": self.dataset.name,
            "split": self.dataset.split,
            "view": str(self.view),
            "images": len(self.ids),
            "image_ids": digest(list(self.ids)),
            "fingerprint": survey.fingerprint,
        }

    @torch.inference_mode()
    def inputs(self, model: OnnxSegmenter) -> Iterator[Input]:
        """Yield each input that the view feeds the graph of a model, in the order of the ids."""
        recorder = Recorder(len(model.class_names))
        session, model.network.network = model.network.network, recorder
        try:
            for image_id in self.ids:
                image = torch.from_numpy(loaded(self.dataset, image_id).image).permute(2, 0, 1)[None]
                view_logits(model, image, self.view)
                yield from recorder.taken()
        finally:
            model.network.network = session


def is_for_training(split: str) -> bool:
    """Whether a split, or the split of each of several data sets, has a name of TRAINING."""
    return all(map(TRAINING.fullmatch, split.split(JOIN)))


class Recorder(nn.Module):
    """Stands in the place of a graph: keeps its inputs, and gives logits that are all 0."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.inputs: list[Input] = []

    def forward(self, images: Tensor) -> Tensor:
        self.inputs += [image.contiguous().numpy() for image in torch.split(images, 1)]
        return images.new_zeros(len(images), self.classes, *images.shape[2:])

    def taken(self) -> list[Input]:
        """Return the inputs since the last call."""
        inputs, self.inputs = self.inputs, []
        return inputs
