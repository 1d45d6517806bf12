"""A model by its source, for a program that feeds it itself."""

from collections.abc import Sequence
from pathlib import Path

from ..measure.devices import find_device
from ..models import load_source
from ..models.base import Segmenter
from ..suites.model import given_model

__all__ = ["load_model"]


def load_model(source: str | Path, class_names: Sequence[str], *, device: str = "cpu") -> Segmenter:
    """Load what --model takes, [NAME=]SOURCE: uint8 RGB (B, 3, H, W) to logits (B, classes, h, w), at any stride.

    class_names: of the logits, where the model's files do not name them; the result's `class_names` are the model's.
    Raises UsageError for what is missing or does not fit, CheckpointError for weights that do not fit.
    """
    spec = given_model(str(source))
    return load_source(spec.source, spec.name, tuple(class_names), find_device(device))
