"""ADE20K and COCO-Stuff: tiny data sets in the official layouts, against the authors' published lists."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image as Pillow

from robustbench_seg.datasets import IGNORE, open_dataset
from robustbench_seg.datasets.ade20k import ADE20K
from robustbench_seg.datasets.cocostuff import COCOStuff
from robustbench_seg.errors import DataError
from robustbench_seg.export import Export, export_images
from robustbench_seg.export import Listener as Nobody
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.models import Request
from robustbench_seg.models.segformer import build_network, load, save
from robustbench_seg.store.cell import Condition
from robustbench_seg.suites import read_suite
from robustbench_seg.training.recipe import read_recipe
from robustbench_seg.training.sampling import make_sample

SIZES = [(48, 64), (64, 48), (56, 72)]  # as in the real ones, no two images need be of one size

# Some lines of objectInfo150.csv: Idx, and Name up to its first semicolon, which there stands for a comma or a space.
ADE20K_LINES = {
    1: "wall", 2: "building", 3: "sky", 4: "floor", 5: "tree", 6: "ceiling", 7: "road", 8: "bed", 9: "windowpane",
    13: "person", 21: "car", 24: "sofa", 45: "chest of drawers", 57: "pool table", 73: "palm", 77: "boat", 81: "bus",
    90: "television receiver", 100: "buffet", 106: "conveyer belt", 110: "swimming pool", 124: "trade name",
    137: "traffic light", 142: "crt screen", 145: "bulletin board", 148: "glass", 149: "clock", 150: "flag",
}  # fmt: skip

# labels.txt of the authors' repository, line 1 .. 182, whole.
COCOSTUFF_LINES = """
person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,street sign,stop sign,
parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,hat,backpack,umbrella,shoe,eye glasses,
handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,
tennis racket,bottle,plate,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,
pizza,donut,cake,chair,couch,potted plant,bed,mirror,dining table,window,desk,toilet,door,tv,laptop,mouse,remote,
keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,blender,book,clock,vase,scissors,teddy bear,hair drier,
toothbrush,hair brush,banner,blanket,branch,bridge,building-other,bush,cabinet,cage,cardboard,carpet,ceiling-other,
ceiling-tile,cloth,clothes,clouds,counter,cupboard,curtain,desk-stuff,dirt,door-stuff,fence,floor-marble,floor-other,
floor-stone,floor-tile,floor-wood,flower,fog,food-other,fruit,furniture-other,grass,gravel,ground-other,hill,house,
leaves,light,mat,metal,mirror-stuff,moss,mountain,mud,napkin,net,paper,pavement,pillow,plant-other,plastic,platform,
playingfield,railing,railroad,river,road,rock,roof,rug,salad,sand,sea,shelf,sky-other,skyscraper,snow,solid-other,
stairs,stone,straw,structural-other,table,tent,textile-other,towel,tree,vegetable,wall-brick,wall-concrete,wall-other,
wall-panel,wall-stone,wall-tile,wall-wood,water-other,waterdrops,window-blind,window-other,wood
""".replace("\n", "").split(",")
# As its README names the things "without segmentation annotations".
WITHOUT_ANNOTATIONS = {
    *("blender", "desk", "door", "eye glasses", "hair brush", "hat", "mirror", "plate", "shoe", "street sign"),
    "window",
}
# Stored value and class index, literally; the same pairs as MMSegmentation's conversion to its 171 trainIds.
COCOSTUFF_INDICES = {
    0: 0, 10: 10, 12: 11, 24: 23, 26: 24, 27: 25, 30: 26, 43: 39, 45: 40, 64: 59, 66: 60, 69: 61, 71: 62, 81: 72,
    83: 73, 89: 79, 91: 80, 92: 81, 148: 137, 181: 170,
}  # fmt: skip


def write_jpeg(path: Path, size: tuple[int, int], mode: str = "RGB", orientation: int | None = None) -> None:
    rng = np.random.default_rng(len(path.name))
    smooth = cv2.GaussianBlur(rng.integers(0, 256, (*size, 3), np.uint8), (0, 0), 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Pillow.fromarray(smooth).convert(mode)
    exif = image.getexif()
    if orientation is not None:
        exif[0x0112] = orientation
    image.save(path, "JPEG", quality=90, exif=exif)


def write_label(path: Path, size: tuple[int, int], values: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.resize(np.array(values, np.uint8), size))


def write_ade20k(root: Path) -> Path:
    for folder, split in (("training", "train"), ("validation", "val")):
        for k, size in enumerate(SIZES, 1):
            name = f"ADE_{split}_{k:08d}"
            write_jpeg(root / "images" / folder / f"{name}.jpg", size)
            write_label(root / "annotations" / folder / f"{name}.png", size, list(range(151)))
    return root


def write_cocostuff(root: Path, images: str = "images", labels: str = "annotations") -> Path:
    values = [n - 1 for n, name in enumerate(COCOSTUFF_LINES, 1) if name not in WITHOUT_ANNOTATIONS or n > 91]
    for folder in ("train2017", "val2017"):
        for k, size in enumerate(SIZES):
            name = f"{139 + k:012d}"
            write_jpeg(root / images / folder / f"{name}.jpg", size)
            write_label(root / labels / folder / f"{name}.png", size, [*values, 255])
    return root


WRITERS = {"ade20k": write_ade20k, "cocostuff": write_cocostuff}
IMAGES = {"ade20k": "images/validation", "cocostuff": "images/val2017"}
LABELS = {"ade20k": "annotations/validation", "cocostuff": "annotations/val2017"}


def test_ade20k_has_the_classes_of_the_published_list_and_ignores_other(tmp_path: Path) -> None:
    assert (len(ADE20K.class_names), len(ADE20K.palette)) == (150, 150)
    assert {number: ADE20K.class_names[number - 1] for number in ADE20K_LINES} == ADE20K_LINES
    assert ADE20K.palette[:3] == ((120, 120, 120), (180, 120, 120), (6, 230, 230))
    assert ADE20K.palette[-1] == (92, 0, 255)
    dataset = open_dataset("ade20k", write_ade20k(tmp_path))
    assert dataset.ids == ("ADE_val_00000001", "ADE_val_00000002", "ADE_val_00000003")
    for image_id, size in zip(dataset.ids, SIZES, strict=True):
        sample = dataset.load(image_id)
        stored = np.resize(np.arange(151), size)
        assert np.array_equal(sample.label, np.where(stored == 0, IGNORE, stored - 1))
        assert sample.label.dtype == np.uint8
    assert open_dataset("ade20k", tmp_path, split="train").ids[0] == "ADE_train_00000001"
    assert not dataset.shows_images


def test_cocostuff_has_the_171_classes_that_are_annotated_in_the_published_order() -> None:
    things, stuff = COCOSTUFF_LINES[:91], COCOSTUFF_LINES[91:]
    kept = [name for name in things if name not in WITHOUT_ANNOTATIONS]
    assert (len(kept), len(stuff)) == (80, 91)
    assert list(COCOStuff.class_names) == kept + stuff
    assert len(set(COCOStuff.palette)) == 171


def test_cocostuff_takes_every_stored_value_to_the_class_of_its_name(tmp_path: Path) -> None:
    dataset = open_dataset("cocostuff", write_cocostuff(tmp_path))
    assert dataset.ids == ("000000000139", "000000000140", "000000000141")
    seen = {}
    for image_id in dataset.ids:
        sample = dataset.load(image_id)
        stored = cv2.imread(str(tmp_path / "annotations/val2017" / f"{image_id}.png"), cv2.IMREAD_UNCHANGED)
        seen |= dict(zip(stored.ravel().tolist(), sample.label.ravel().tolist(), strict=True))
    assert seen.pop(255) == IGNORE
    assert len(seen) == 171
    assert all(COCOSTUFF_LINES[value] == dataset.class_names[index] for value, index in seen.items())
    assert {value: seen[value] for value in COCOSTUFF_INDICES} == COCOSTUFF_INDICES
    assert not dataset.shows_images


def test_cocostuffs_colours_are_those_of_pascal_voc() -> None:
    # The first colours of VOC's map, by which 2, bicycle, is dark green; then those of a larger number, by hand:
    # 182 = 0b10110110 has bits 0, 3, 6 = 0, 0, 0; bits 1, 4, 7 = 1, 1, 1; bits 2, 5 = 1, 1.
    assert COCOStuff.palette[:4] == ((128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128))
    assert COCOStuff.palette[-1] == (0, 224, 192)


def test_cocostuff_is_found_where_images_stand_beside_stuffthingmaps(tmp_path: Path) -> None:
    one = open_dataset("cocostuff", write_cocostuff(tmp_path / "one"), split="train")
    other = open_dataset("cocostuff", write_cocostuff(tmp_path / "other", "", "stuffthingmaps"), split="train")
    assert one.ids == other.ids
    assert one.fingerprint(one.ids) == other.fingerprint(other.ids)


@pytest.mark.parametrize("name", ["ade20k", "cocostuff"])
def test_jpeg_images_are_the_pixels_that_pillow_reads(tmp_path: Path, name: str) -> None:
    dataset = open_dataset(name, WRITERS[name](tmp_path))
    for image_id, (mode, tolerance) in zip(dataset.ids, {"RGB": 0, "L": 0, "CMYK": 1}.items(), strict=True):
        image, label = dataset.pairs[image_id]
        height, width = cv2.imread(str(label), cv2.IMREAD_UNCHANGED).shape
        write_jpeg(image, (height, width), mode, orientation=6)  # EXIF's "turn by a quarter" is not for labels
        with Pillow.open(image) as read:
            assert read.mode == mode
            expected = np.asarray(read.convert("RGB")).astype(int)
        found = dataset.load(image_id).image
        assert (found.dtype, found.shape) == (np.uint8, (height, width, 3))
        assert np.abs(found - expected).max() <= tolerance


def test_a_jpeg_with_something_after_its_end_is_whole_and_a_truncated_one_is_named(tmp_path: Path) -> None:
    dataset = open_dataset("ade20k", write_ade20k(tmp_path))
    path = dataset.pairs["ADE_val_00000001"][0]
    thumbnail = tmp_path / "thumbnail.jpg"
    write_jpeg(thumbnail, (16, 16))
    with Pillow.open(path) as image:
        image.load()
    image.save(path, "JPEG", comment=thumbnail.read_bytes())  # a whole JPEG file inside the head of another
    content = path.read_bytes()
    assert content.count(b"\xff\xd9") == 2
    expected = dataset.load("ADE_val_00000001").image
    path.write_bytes(content + b"from the camera")
    assert np.array_equal(dataset.load("ADE_val_00000001").image, expected)
    for kept in (0, 2, 100, content.find(b"\xff\xd9") + 9, -200, -2, -1):
        path.write_bytes(content[:kept])
        fault = "not a complete JPG file$" if kept >= 0 else "lacks the end marker of a JPEG file: "
        with pytest.raises(DataError, match=rf"ADE_val_00000001\.jpg: {fault}"):
            dataset.load("ADE_val_00000001")


@pytest.mark.parametrize("name", ["ade20k", "cocostuff"])
def test_faults_are_said_in_one_line_that_names_the_path(tmp_path: Path, name: str) -> None:
    root = WRITERS[name](tmp_path / "root")
    images, labels = root / IMAGES[name], root / LABELS[name]
    dataset = open_dataset(name, root)
    first, second, third = dataset.ids
    write_label(labels / f"{first}.png", (20, 30), [1])
    with pytest.raises(DataError, match=rf"{first}\.png: its size 20x30 differs from its image's 48x64$"):
        dataset.load(first)
    wrong = {"ade20k": 151, "cocostuff": 11}[name]  # 11 is the street sign, number 12, which COCO never annotated
    write_label(labels / f"{second}.png", SIZES[1], [1, wrong])
    with pytest.raises(DataError, match=rf"{second}\.png: label value {wrong}; allowed are 0, 1, "):
        dataset.load(second)
    (labels / f"{third}.png").unlink()
    with pytest.raises(DataError, match=rf"{third}\.jpg: has no label; expected {labels}/{third}\.png$"):
        open_dataset(name, root)
    labels.rename(root / "elsewhere")
    with pytest.raises(DataError, match=rf"{labels}: no such folder; it should hold files that end in \.png, but "):
        open_dataset(name, root)
    for path in images.iterdir():
        path.rename(path.with_suffix(".png"))
    with pytest.raises(DataError, match=rf"{images}: no file ends in \.jpg or \.jpeg; it holds {first}\.png"):
        open_dataset(name, root)
    with pytest.raises(
        DataError,
        match=rf"{tmp_path / IMAGES[name]}: no such folder; it should hold .*\.jpeg, but {tmp_path} holds root$",
    ):
        open_dataset(name, tmp_path)
    with pytest.raises(DataError, match=f"{name} has no split 'validation'; known: train, val$"):
        open_dataset(name, root, split="validation")


@pytest.mark.parametrize("name", ["ade20k", "cocostuff"])
def test_a_suite_runs_over_images_of_several_sizes(tmp_path: Path, name: str) -> None:
    root = WRITERS[name](tmp_path / "root")
    suite = {
        "name": "tiny", "description": "for tests", "models": [{"name": "constant"}],
        "dataset": {"name": name, "split": "val"}, "protocol": "tiny", "conditions": {"contrast": [2]},
        "gallery": [open_dataset(name, root).ids[0]],
    }  # fmt: skip
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(suite))
    out = tmp_path / "out"
    assert not run(read_suite(str(tmp_path / "tiny.yaml")), out, Options(data={name: root}), Listener())
    frame = pd.read_parquet(out / "cells")
    assert len(frame) == 2 * 3
    assert list(zip(frame["height"], frame["width"], strict=True)) == SIZES * 2
    dataset = open_dataset(name, root)
    for row in frame.itertuples():
        label = dataset.load(row.image_id).label
        assert row.labelled.tolist() == [int((label == k).sum()) for k in range(len(dataset.class_names))]
        assert row.predicted.sum() == (label != IGNORE).sum()
    pictures = {path.name.rpartition("-")[2] for path in (out / "gallery").rglob("*.png")}
    assert pictures == {"label.png", "prediction.png"}, "the terms do not allow a report to show the images"


@pytest.mark.parametrize("name", ["ade20k", "cocostuff"])
def test_corrupted_images_as_files_keep_the_classes_and_the_labels(tmp_path: Path, name: str) -> None:
    dataset = open_dataset(name, WRITERS[name](tmp_path / "root"))
    conditions = (Condition("contrast", 2, 0),)
    wanted = Export(dataset=dataset, ids=dataset.ids, conditions=conditions, format="png", out=tmp_path / "out")
    export_images(wanted, 0, Nobody())
    read = open_dataset("cityscapes", tmp_path / "out/contrast/2", split="val")
    assert (read.class_names, read.palette) == (dataset.class_names, dataset.palette)
    assert (read.ids, read.shows_images) == (dataset.ids, False)
    for image_id in dataset.ids:
        assert np.array_equal(read.load(image_id).label, dataset.load(image_id).label)


def test_released_ade20k_weights_whose_list_says_bed_with_a_space_are_taken(tmp_path: Path) -> None:
    named = tuple("bed " if name == "bed" else name for name in ADE20K.class_names)
    save(build_network("b0", named), tmp_path / "b0.safetensors", class_names=named, licence="none", recipe="")
    weights = str(tmp_path / "b0.safetensors")
    loaded = load(Request(name="b0", variant="b0", weights=weights, class_names=ADE20K.class_names))
    assert loaded.class_names == ADE20K.class_names


@pytest.mark.parametrize("name", ["ade20k", "cocostuff"])
def test_training_samples_are_crops_with_padding_that_is_ignored(tmp_path: Path, name: str) -> None:
    dataset = open_dataset(name, WRITERS[name](tmp_path / "root"), split="train")
    recipe = {
        "model": "segformer-b0", "dataset": {"name": name, "split": "train"}, "iterations": 4, "batch_size": 3,
        "crop": 64, "learning_rate": 6e-5, "licence": "none",
    }  # fmt: skip
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(recipe))
    read = read_recipe(str(tmp_path / "tiny.yaml"))
    seen: set[int] = set()
    for step in range(4):
        for k in range(3):
            image, label = make_sample(dataset, read, (step, k))
            assert (image.shape, label.shape) == ((64, 64, 3), (64, 64))
            assert (image.dtype, label.dtype) == (np.uint8, np.uint8)
            seen |= set(np.unique(label).tolist())
    classes = len(dataset.class_names)
    assert seen <= {*range(classes), IGNORE}
    assert {classes - 1, IGNORE} <= seen
