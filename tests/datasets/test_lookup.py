"""Names of images in a JSON file or a list: those that lead to another split or another folder name no image here."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from robustbench_seg.datasets import Dataset, open_dataset
from robustbench_seg.datasets import folder as folder_module
from robustbench_seg.datasets.folders import list_images
from robustbench_seg.datasets.lookup import Lookup
from robustbench_seg.errors import DataError

SQUARE = [[10.0, 5.0, 30.0, 5.0, 30.0, 25.0, 10.0, 25.0]]


def write_images(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((40, 48, 3), np.uint8)).save(root / path)


def open_with(
    root: Path, names: Sequence[str], images: str = "images/{split}", split: str | None = None, **fields: Any
) -> Dataset:
    """Open the images with one JSON file of these names; the last one alone has an annotation."""
    spec = {"images": images, "labels": "ann.json", "classes": ["road", "sky"], "background": "road", **fields}
    (root / "dataset.yaml").write_text(yaml.safe_dump(spec))
    content = {
        "images": [{"id": k, "file_name": name} for k, name in enumerate(names)],
        "categories": [{"id": 1, "name": "sky"}],
        "annotations": [{"id": 7, "image_id": len(names) - 1, "category_id": 1, "segmentation": SQUARE}],
    }
    (root / "ann.json").write_text(json.dumps(content))
    return open_dataset("mine", root, split=split)


@pytest.mark.parametrize(
    ("images", "own", "other", "name"),
    [
        ("images/{split}", "images/val/1.png", "images/train/1.png", "train/1.png"),
        ("images/{split}", "images/val/1.png", "", "train/1.png"),
        ("images/{split}", "images/val/1.png", "", "../images/train/1.png"),
        ("images/{split}", "images/val/1.png", "", "train/aachen/1.png"),
        ("images/{split}", "images/val/1.png", "images/train/1.png", "train/aachen/1.png"),
        ("images/{split}", "images/validation/1.png", "", "Training/1.png"),
        ("images/{split}", "images/test/1.png", "", "train2017/1.png"),
        ("images/{split}", "images/test/1.png", "images/night/1.png", "night/1.png"),
        ("{split}/images", "val/images/1.png", "train/images/1.png", "train/images/1.png"),
        ("{split}/images", "val/images/1.png", "", "train/images/1.png"),
        ("{split}/images", "val/images/1.png", "night/images/1.png", "night/1.png"),
        ("images/val", "images/val/1.png", "images/train/1.png", "train/1.png"),
        ("val/images", "val/images/1.png", "train/images/1.png", "train/images/1.png"),
        ("images", "images/1.png", "depth/1.png", "depth/1.png"),
    ],
)
def test_a_coco_file_of_another_split_does_not_label_these_images(
    tmp_path: Path, images: str, own: str, other: str, name: str
) -> None:
    write_images(tmp_path, own, *filter(None, [other]))
    with pytest.raises(DataError, match=rf"{own}: .*ann\.json does not name it; it names {name}$"):
        open_with(tmp_path, [name], images)


def test_names_of_a_split_that_the_description_states_are_of_another_split_without_its_folder(tmp_path: Path) -> None:
    write_images(tmp_path, "images/day/1.png")
    (tmp_path / "day.txt").write_text("1\n")
    with pytest.raises(DataError, match=r"does not name it; it names night/1\.png$"):
        open_with(tmp_path, ["night/1.png"], split="day", splits={"night": "night.txt", "day": "day.txt"})


def is_labelled(dataset: Dataset, image_id: str) -> bool:
    return bool((dataset.load(image_id).label == 1).any())


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within pycocotools
@pytest.mark.parametrize(
    ("images", "own", "name"),
    [
        ("images/{split}", "images/val/1.png", "1.png"),
        ("images/{split}", "images/val/1.png", "val/1.png"),
        ("images/{split}", "images/val/1.png", "./images/val/1.png"),
        ("images/{split}", "images/val/1.png", "JPEGImages/1.png"),
        ("images/{split}", "images/val/1.png", "/home/me/train/images/val/1.png"),
        ("images/{split}", "images/val/1.png", "/home/me/train/val/1.png"),
        ("images/{split}", "images/val/1.png", "validation/1.png"),
        ("images/{split}", "images/val2017/1.png", "/data/val/1.png"),
        ("images/{split}", "images/val/train/1.png", "train/1.png"),
        ("{split}/images", "val/images/1.png", "images/1.png"),
        ("{split}/images", "val/images/1.png", "data/val/images/1.png"),
        ("images", "images/1.png", "train/1.png"),
        ("images", "images/1.png", "images2/1.png"),
        (".", "1.png", "train/1.png"),
    ],
)
def test_a_name_may_begin_with_folders_that_are_not_here(tmp_path: Path, images: str, own: str, name: str) -> None:
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    write_images(tmp_path, own)
    split = own.split("/")[images.split("/").index("{split}")] if "{split}" in images else None
    dataset = open_with(tmp_path, [name], images, split)
    (image_id,) = dataset.ids
    assert is_labelled(dataset, image_id)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within pycocotools
@pytest.mark.parametrize("is_there", [True, False])
def test_a_coco_file_of_all_splits_labels_the_images_of_one(tmp_path: Path, is_there: bool) -> None:
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    write_images(tmp_path, "images/val/1.png", *["images/train/1.png"] * is_there)
    names = ["train/1.png", "val/1.png"]
    for order in (1, -1):
        dataset = open_with(tmp_path, names[::order], split="val")
        assert is_labelled(dataset, "1") == (order == 1)
        assert dataset.notes == (f"{tmp_path}/ann.json: 1 image of it not in {tmp_path}/images/val: train/1.png",)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within pycocotools
def test_a_list_and_a_coco_file_find_the_same_image_by_a_name_and_look_among_all_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    write_images(tmp_path, "images/1.png", "images/x/1.png")
    (tmp_path / "val.txt").write_text("x/1.png\n")
    made = []
    monkeypatch.setattr(folder_module, "Lookup", lambda *args: made.append(Lookup(*args)) or made[-1])
    dataset = open_with(tmp_path, ["1.png", "x/1.png"], "images", splits={"val": "val.txt"})
    assert (dataset.ids, dataset.notes, len(made)) == (("x_1",), (), 1)
    assert is_labelled(dataset, "x_1")
    with pytest.raises(DataError, match=r"images/x/1\.png: .*ann\.json does not name it$"):
        open_with(tmp_path, ["1.png"], "images", splits={"val": "val.txt"})


def test_a_folder_next_to_the_images_counts_within_the_data_set_alone(tmp_path: Path) -> None:
    write_images(tmp_path, "mine/images/1.png", "other/images/1.png", "mine/images2/1.png")
    images = list_images(tmp_path / "mine/images", ".png")
    lookup = Lookup(images, tmp_path / "mine")
    assert lookup.find("other/images/1.png") == "1"
    assert lookup.find("images2/1.png") is None
    assert lookup.find(f"{'x' * 300}/1.png") == "1"
    assert Lookup(images, tmp_path / "elsewhere").find("images2/1.png") is None
