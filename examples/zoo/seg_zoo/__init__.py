"""Networks that others trained on road scenes, written from their papers: any of their files is one call away.

import seg_zoo
network = seg_zoo.load_network("dicenet_s1.0_cityscapes_1024x512.pth")    # normalised images in, logits out
model = seg_zoo.make("dicenet_s1.0_cityscapes_1024x512.pth")              # uint8 RGB in, logits out

robustbench-seg measures the second: `seg_zoo:make@FILE`.
"""

import os
from typing import TYPE_CHECKING

from .files import load_network

if TYPE_CHECKING:
    from robustbench_seg.models.base import Segmenter

__all__ = ["load_network", "make"]


def make(checkpoint: str | os.PathLike[str]) -> "Segmenter":
    """Make a model for robustbench-seg of a file of weights; see `models.make`."""
    from .models import make as make_model

    return make_model(checkpoint)
