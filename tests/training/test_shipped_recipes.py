"""Every shipped recipe makes two steps, and is validated, on a few tiny images in the layout that its data set has."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors import safe_open
from scenes import Scenes
from tiny_recipe import weights

from robustbench_seg.datasets.cityscapes import write_cityscapes
from robustbench_seg.training import loop
from robustbench_seg.training.data import open_data
from robustbench_seg.training.recipe import read_recipe
from robustbench_seg.yaml_files import shipped

SIZE = (48, 80)


def write_pairs(images: Path, labels: Path, names: list[str], suffix: str, highest: int) -> None:
    """Write noise as images, and blocks of the values 0 .. highest as their labels."""
    rng = np.random.default_rng(0)
    for folder in (images, labels):
        folder.mkdir(parents=True)
    for name in names:
        cv2.imwrite(str(images / (name + suffix)), rng.integers(0, 256, (*SIZE, 3), np.uint8))
        blocks = rng.integers(0, highest + 1, (SIZE[0] // 16, SIZE[1] // 16), np.uint8)
        cv2.imwrite(str(labels / f"{name}.png"), blocks.repeat(16, axis=0).repeat(16, axis=1))


def write_streets(root: Path) -> None:
    """They are drawn, not read."""


def write_city(root: Path) -> None:
    for split in ("train", "val"):
        write_cityscapes(Scenes(split), root)


def write_camvid(root: Path) -> None:
    for split in ("train", "test"):
        write_pairs(root / split, root / f"{split}annot", ["0001_01", "0001_02", "0006_01"], ".png", 11)


def write_ade20k(root: Path) -> None:
    for split, short in (("training", "train"), ("validation", "val")):
        names = [f"ADE_{short}_{k:08d}" for k in (1, 2)]
        write_pairs(root / "images" / split, root / "annotations" / split, names, ".jpg", 150)


def write_cocostuff(root: Path) -> None:
    for split in ("train2017", "val2017"):  # the labels up to 10 are all in use
        names = [f"{k:012d}" for k in (9, 25)]
        write_pairs(root / "images" / split, root / "annotations" / split, names, ".jpg", 10)


WRITERS: dict[str, Callable[[Path], None]] = {
    "streets": write_streets,
    "cityscapes": write_city,
    "camvid": write_camvid,
    "ade20k": write_ade20k,
    "cocostuff": write_cocostuff,
}
SMALL = {"iterations": 2, "crop": 64, "batch_size": 2, "warmup": 1}


@pytest.mark.parametrize("name", shipped("robustbench_seg.training.recipes"))
def test_every_shipped_recipe_makes_two_steps_on_small_data(name: str, tmp_path: Path) -> None:
    full = read_recipe(name)
    changes: dict[str, object] = dict(SMALL)
    if full.model.startswith("segformer"):
        changes["model"] = "segformer-b0"
    if "train_size" in full.model_options:  # of a positional encoding, which has the size of the crop
        changes["model_options.train_size"] = [SMALL["crop"]] * 2
    if full.validation:
        changes["validation.view"] = "whole"  # the windows are larger than these images
    if full.dataset.name == "streets":
        changes |= {"dataset.size": [64, 96], "dataset.count": 3}
    root = tmp_path / "data"
    WRITERS[full.dataset.name](root)
    recipe = read_recipe(name, changes)
    data = open_data(recipe, {recipe.dataset.name: root} if root.exists() else {})
    reports: list[loop.Progress] = []
    loop.train(recipe, data, tmp_path / "out", report=reports.append)
    assert [progress.done for progress in reports] == [1, 2]
    assert (reports[1].miou is not None) == (full.validation is not None)
    of_classes = {"segformer": "decoder.classify.weight", "deeplabv3plus": "inner.segmentation_head.0.weight"}
    kind = recipe.model.split("-")[0]
    assert weights(tmp_path / "out")[of_classes[kind]].shape[0] == len(data.training.class_names)
    with safe_open(tmp_path / "out/weights.safetensors", "pt") as file:
        info = json.loads(file.metadata()[kind])
        info = info.get("info", info)
    assert json.loads(info["recipe"]) == recipe.model_dump(mode="json", exclude_none=True)
    assert info["licence"] == full.licence
