"""A recipe small enough for tests, on tiny drawn scenes."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from scenes import Scenes

from robustbench_seg.training.data import Data
from robustbench_seg.training.recipe import Recipe

RECIPE: dict[str, Any] = {
    "model": "segformer-b0",
    "dataset": {"name": "streets", "split": "train", "size": [64, 96], "count": 4},
    "iterations": 6,
    "batch_size": 2,
    "crop": 64,
    "learning_rate": 1e-3,
    "warmup": 2,
    "clip_norm": 2.0,
    "checkpoint_every": 2,
    "validation": {
        "dataset": {"name": "streets", "split": "val", "size": [64, 96], "count": 4},
        "every": 3,
        "view": {"mode": "slide", "crop": 64, "stride": 32},
    },
    "licence": "CC0-1.0",
}
DATA = Data(Scenes("train"), Scenes("val"))


def make(**changes: object) -> Recipe:
    return Recipe.model_validate({**RECIPE, **changes})


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "weights.safetensors")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)
