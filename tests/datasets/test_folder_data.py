"""A data set in a folder of a user's own: any layout, any coding of labels, any split."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from pngs import chunk, raw_png
from small import stored, write_suite

from robustbench_seg.datasets import IGNORE, blocks_of, open_dataset
from robustbench_seg.datasets.camvid import CamVid
from robustbench_seg.errors import DataError, UsageError
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.suites import read_suite

SIZE = (40, 48)
INDEX = {"images": "images", "labels": "labels", "classes": ["road", "sky", "tree"]}


def describe(root: Path, **fields: Any) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset.yaml").write_text(yaml.safe_dump(fields, sort_keys=False), encoding="utf-8")


def write_image(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), np.uint8)).save(path)


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def values(*some: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array(some), SIZE)


def test_a_folder_of_images_and_one_of_labels_need_three_lines(tmp_path: Path) -> None:
    describe(tmp_path, **INDEX)
    for name in ("a.png", "b.jpg", "deep/c.PNG"):
        write_image(tmp_path / "images" / name)
    labels = {"a": values(0, 1), "b": values(2, 255), "deep/c": values(1)}
    for name, samples in labels.items():
        write(tmp_path / "labels" / f"{name}.png", raw_png(samples, 8))
    dataset = open_dataset("mine", str(tmp_path))
    assert (dataset.name, dataset.split, dataset.ids) == ("mine", "all", ("a", "b", "deep_c"))
    assert open_dataset("folder", tmp_path).ids == dataset.ids
    for place in (tmp_path, str(tmp_path), f"mine={tmp_path}"):
        assert open_dataset(place).ids == dataset.ids
    assert open_dataset(f"mine={tmp_path}").name == "mine"
    assert dataset.class_names == ("road", "sky", "tree")
    for image_id, samples in zip(dataset.ids, labels.values(), strict=True):
        assert np.array_equal(dataset.load(image_id).label, samples)
    assert dataset.notes == ()


def test_wildcards_pair_images_and_labels_whatever_stands_around_them(tmp_path: Path) -> None:
    describe(tmp_path, **{**INDEX, "images": "*/{split}/rgb/**/*_rgb.png", "labels": "*/{split}/gt/**/*_mask.png"})
    for scene in ("s1", "s2"):
        for split in ("train", "val"):
            write_image(tmp_path / scene / split / "rgb/x/0_rgb.png")
            write_image(tmp_path / scene / split / "rgb/x/0_depth.png")
            write(tmp_path / scene / split / "gt/x/0_mask.png", raw_png(values(0), 8))
    # the folders of splits are not at one place, so they are named
    (tmp_path / "dataset.yaml").write_text((tmp_path / "dataset.yaml").read_text() + "splits: {}\n")
    with pytest.raises(DataError, match="no such folder; it should hold a folder per split"):
        open_dataset("mine", tmp_path, split="val")
    describe(tmp_path, **{**INDEX, "images": "s1/{split}/rgb/**/*_rgb.png", "labels": "s1/{split}/gt/**/*_mask.png"})
    dataset = open_dataset("mine", tmp_path)
    assert (dataset.split, dataset.ids) == ("val", ("x_0",))
    assert dataset.notes == (f"{tmp_path}/s1/val/rgb: left out: not as **/*_rgb.png: x/0_depth.png",)


PALETTE = chunk(b"PLTE", bytes([9, 9, 9, 128, 64, 128, 70, 130, 180, 107, 142, 35]))


@pytest.mark.parametrize("alpha", [False, True])
def test_labels_by_colour_are_read_by_their_table(tmp_path: Path, alpha: bool) -> None:
    colours = {"road": [128, 64, 128], "sky": [70, 130, 180], "tree": [[107, 142, 35], [152, 251, 152]]}
    describe(tmp_path, **INDEX, colours=colours, ignore=[[0, 0, 0]])
    trainids = values(0, 1, 2, 3, IGNORE)
    table = {0: (128, 64, 128), 1: (70, 130, 180), 2: (107, 142, 35), 3: (152, 251, 152), IGNORE: (0, 0, 0)}
    pixels = np.array([[(*table[value], 7)[: 4 if alpha else 3] for value in row] for row in trainids])
    gamma = chunk(b"gAMA", (45455).to_bytes(4, "big"))  # changes no value
    write_image(tmp_path / "images/a.png")
    write(tmp_path / "labels/a.png", raw_png(pixels, 8, 6 if alpha else 2, before=gamma))
    dataset = open_dataset("mine", tmp_path)
    assert np.array_equal(dataset.load("a").label, np.where(trainids == 3, 2, trainids))
    assert dataset.palette == ((128, 64, 128), (70, 130, 180), (107, 142, 35))
    pixels[3, 4, :3] = 1, 2, 3
    write(tmp_path / "labels/a.png", raw_png(pixels, 8, 6 if alpha else 2))
    with pytest.raises(DataError, match=r"labels/a\.png: label value \(1, 2, 3\); allowed are \(0, 0, 0\), \(70, 130,"):
        dataset.load("a")
    describe(tmp_path, **INDEX, colours=colours, ignore="others")
    assert open_dataset("mine", tmp_path).load("a").label[3, 4] == IGNORE


def test_a_palette_is_read_by_its_indices_or_where_colours_are_given_by_these(tmp_path: Path) -> None:
    stored_values = values(1, 2, 3)
    write_image(tmp_path / "images/a.png")
    write(tmp_path / "labels/a.png", raw_png(stored_values, 8, 3, before=PALETTE))
    describe(tmp_path, images="images", labels="labels", classes={1: "road", 2: "sky", 3: "tree"})
    by_index = open_dataset("mine", tmp_path).load("a").label
    assert np.array_equal(by_index, stored_values - 1)
    colours = {"road": [128, 64, 128], "sky": [70, 130, 180], "tree": [107, 142, 35]}
    describe(tmp_path, **INDEX, colours=colours)
    assert np.array_equal(open_dataset("mine", tmp_path).load("a").label, by_index)


def test_classes_are_numbered_in_the_order_of_their_values(tmp_path: Path) -> None:
    describe(tmp_path, **INDEX | {"classes": {9: "sky", 4: "road", 2: "sky"}})
    write_image(tmp_path / "images" / "a.png")
    samples = values(2, 4, 9)
    write(tmp_path / "labels" / "a.png", raw_png(samples, 8))
    dataset = open_dataset("mine", str(tmp_path))
    assert dataset.class_names == ("sky", "road")
    assert np.array_equal(dataset.load("a").label, np.where(samples == 4, 1, 0))


def test_labels_of_16_bit_and_values_of_ones_own_become_trainids(tmp_path: Path) -> None:
    classes = {7: "road", 1000: "sky", 40000: "tree", 8: "road"}
    describe(tmp_path, images="images", labels="labels", classes=classes, ignore=[0, 65535])
    samples = values(7, 8, 1000, 40000, 0, 65535)
    write_image(tmp_path / "images/a.png")
    write(tmp_path / "labels/a.png", raw_png(samples, 16))
    dataset = open_dataset("mine", tmp_path)
    assert dataset.class_names == ("road", "sky", "tree")
    expected = {7: 0, 8: 0, 1000: 1, 40000: 2, 0: IGNORE, 65535: IGNORE}
    assert np.array_equal(dataset.load("a").label, np.vectorize(expected.get)(samples))
    samples[0, 0], samples[0, 1] = 9, 11
    write(tmp_path / "labels/a.png", raw_png(samples, 16))
    with pytest.raises(DataError, match=r"label values 9, 11; allowed are 0, 7, 8, 1000, 40000, 65535"):
        dataset.load("a")


def write_many(root: Path, names: list[str]) -> None:
    for name in names:
        write_image(root / "images" / f"{name}.png")
        write(root / "labels" / f"{name}.png", raw_png(values(0, 1), 8))


def test_a_list_file_chooses_a_split_by_ids_names_or_paths(tmp_path: Path) -> None:
    write_many(tmp_path, ["a", "b", "c", "d"])
    describe(tmp_path, **INDEX, splits={"train": "train.txt", "test": "test.txt"})
    (tmp_path / "train.txt").write_text("images/d.png labels/d.png\nb.png\n\n")
    (tmp_path / "test.txt").write_text("a\r\nc\r\n")
    assert open_dataset("mine", tmp_path, split="train").ids == ("b", "d")
    assert open_dataset("mine", tmp_path).ids == ("a", "c")
    assert open_dataset("mine", tmp_path).notes == ()
    (tmp_path / "test.txt").write_text("a\ne\n")
    with pytest.raises(DataError, match=r"test\.txt: line 2: no image is called e$"):
        open_dataset("mine", tmp_path)
    (tmp_path / "test.txt").write_text("a\na.png\n")
    with pytest.raises(DataError, match=r"test\.txt: a comes twice$"):
        open_dataset("mine", tmp_path)
    with pytest.raises(DataError, match="mine has no split 'val'; known: train, test"):
        open_dataset("mine", tmp_path, split="val")


@pytest.mark.parametrize(
    ("line", "image_id"),
    [
        ("a/0001.png", "a_0001"),
        ("b/0001", "b_0001"),
        ("images/c/0001.png labels/c/0001.png", "c_0001"),
        ("../images/c/0001.png", "c_0001"),
        ("/elsewhere/data/a/0001.png", "a_0001"),
        ("a_0001", "a_0001"),
        ("1", "1"),
        ("1.png", "1"),
        ("images/1.png", "1"),
        ("x/1", "x_1"),
        ("2.png", "x_2"),
        ("2", "x_2"),
        ("\ufeff2", "x_2"),
    ],
)
def test_a_line_of_a_list_file_picks_the_image_that_it_names(tmp_path: Path, line: str, image_id: str) -> None:
    write_many(tmp_path, ["a/0001", "b/0001", "c/0001", "1", "x/1", "x/2"])
    describe(tmp_path, **INDEX, splits={"val": "val.txt"})
    (tmp_path / "val.txt").write_text(f"{line}\n", "utf-8")
    assert open_dataset("mine", tmp_path).ids == (image_id,)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0001", "0001 may be a_0001 or b_0001; give the id, or the path from .*images$"),
        ("0001.png", r"0001\.png may be a_0001 or b_0001"),
        ("z/1.png", r"z/1\.png may be 1 or x_1"),
        ("c/0001.png", r"no image is called c/0001\.png$"),
        ("y/2.png", r"no image is called y/2\.png$"),
    ],
)
def test_a_line_that_may_name_several_images_or_is_of_another_folder_is_refused(
    tmp_path: Path, line: str, reason: str
) -> None:
    write_many(tmp_path, ["a/0001", "b/0001", "1", "x/1", "x/2"])
    describe(tmp_path, **INDEX, splits={"val": "val.txt"})
    (tmp_path / "val.txt").write_text(f"1\n{line}\n")
    with pytest.raises(DataError, match=rf"val\.txt: line 2: {reason}"):
        open_dataset("mine", tmp_path)


def test_files_of_users_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    write_coco(tmp_path, [])
    for name in ("dataset.yaml", "instances.json"):
        (tmp_path / name).write_text("\ufeff" + (tmp_path / name).read_text(), "utf-8")
    assert open_dataset("mine", tmp_path).ids == ("a",)


def test_shares_split_by_whole_blocks_and_leave_nothing_over(tmp_path: Path) -> None:
    names = [f"drive{drive}_{k}" for drive in range(10) for k in range(3)]
    write_many(tmp_path, names)
    describe(tmp_path, **INDEX, splits={"train": 0.7, "val": 0.3}, blocks=r"drive(\d)")
    train, val = (open_dataset("mine", tmp_path, split=split) for split in ("train", "val"))
    assert sorted(train.ids + val.ids) == names
    assert (len(train.ids), len(val.ids)) == (21, 9)
    blocks = [set(blocks_of("mine", one.ids, one.block_pattern)) for one in (train, val)]
    assert not blocks[0] & blocks[1]
    assert len(blocks[0] | blocks[1]) == 10
    assert blocks_of("mine", ["drive7_0", "other"], r"drive(\d)") == ("7", "other")
    assert blocks_of("mine", ["drive7_0", "other"], r"(\d*)_?") == ("drive7_0", "other")


def test_blocks_that_do_not_fit_an_id_are_refused_for_a_split_and_for_shares(tmp_path: Path) -> None:
    write_many(tmp_path, ["drive1_0", "drive2_0", "other"])
    for splits in ({}, {"train": 0.5, "val": 0.5}):
        describe(tmp_path, **INDEX, splits=splits, blocks=r"drive(\d)")
        with pytest.raises(UsageError, match=r"blocks: .* finds nothing in the id 'other'; it must fit each id"):
            open_dataset("mine", tmp_path)
    (tmp_path / "val.txt").write_text("drive1_0\n")
    describe(tmp_path, **INDEX, splits={"val": "val.txt"}, blocks=r"drive(\d)")
    assert open_dataset("mine", tmp_path).ids == ("drive1_0",)


def test_a_class_of_value_255_is_no_fault_where_nothing_is_stated_to_be_ignored(tmp_path: Path) -> None:
    describe(tmp_path, **INDEX | {"classes": {0: "road", 255: "sky"}})
    write_image(tmp_path / "images/a.png")
    write(tmp_path / "labels/a.png", raw_png(samples := values(0, 255), 8))
    assert np.array_equal(open_dataset("mine", tmp_path).load("a").label, samples // 255)


def test_conditions_stand_before_the_ids(tmp_path: Path) -> None:
    write_many(tmp_path, ["fog_1", "rain_1"])
    describe(tmp_path, **INDEX, conditions="^(fog|rain)", blocks=r"\d")
    dataset = open_dataset("mine", tmp_path)
    assert dataset.ids == ("fog/fog_1", "rain/rain_1")
    assert blocks_of("mine", dataset.ids, dataset.block_pattern) == ("1", "1")
    write_many(tmp_path, ["clear_1"])
    for conditions in ("^(fog|rain)", "^(fog|rain)?"):
        describe(tmp_path, **INDEX, conditions=conditions)
        with pytest.raises(UsageError, match=r"conditions: .* finds nothing in the id 'clear_1'"):
            open_dataset("mine", tmp_path)


def test_classes_may_stand_in_a_file_and_a_suite_may_say_all(tmp_path: Path) -> None:
    write_many(tmp_path, ["a"])
    options = {**INDEX, "classes": "classes.txt"}
    for text in ("road\nsky\ntree\n\n", "\ufeffroad\r\nsky\r\ntree"):
        (tmp_path / "classes.txt").write_text(text, "utf-8")
        assert open_dataset("mine", tmp_path, **options).class_names == ("road", "sky", "tree")
    (tmp_path / "classes.txt").write_text("road\n\nsky\n")
    with pytest.raises(
        DataError, match=r"classes\.txt: line 2 is blank, but each line names the class of the next value"
    ):
        open_dataset("mine", tmp_path, **options)
    describe(tmp_path, **INDEX)
    assert open_dataset("mine", tmp_path, classes=["a", "b"]).class_names == ("a", "b")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"classes": None}, "dataset.yaml: classes"),
        ({"images": "nowhere"}, "nowhere: no such folder; it should hold files that end in .png"),
        ({"images": "images/*_x.png"}, r"images: no file is as \*_x\.png; it holds a\.png"),
        ({"labels": "labels/*_x.png"}, r"labels: no file is as \*_x\.png; it holds a\.png"),
        ({"colour": {}}, "dataset.yaml: colour: unknown field, got {}; the nearest is colours"),
        ({"classes": ["road", "road"]}, "classes: 'road' comes twice"),
        (
            {"classes": {0: "road", "1": "sky"}},
            "classes: its values must be whole numbers of 0 .. 65535, as 7: road, got '1'",
        ),
        (
            {"classes": {False: "road", 1: "sky"}},
            "its values must be whole numbers of 0 .. 65535, as 7: road, got false",
        ),
        (
            {"classes": {0: "road", 65536: "sky"}},
            "its values must be whole numbers of 0 .. 65535, as 7: road, got 65536",
        ),
        ({"classes": {0: "road", 3: None}}, "classes: the name of value 3 is read as null, which is no text; if it is"),
        ({"classes": ["road", True]}, 'is read as true, which is no text; if it is called so, write "true" in quotes'),
        ({"classes": ["road", 1]}, 'the name of value 1 is read as 1, which is no text; if it is called so, write "1"'),
        ({"classes": {0: "road", 1: ["sky"]}}, "classes: the name of value 1 must be a text, and not blank"),
        ({"classes": ["road", " "]}, "classes: the name of value 1 must be a text, and not blank"),
        ({"classes": None}, "classes: must be a list of names, a mapping such as 7: road, or a file, got null"),
        ({"colours": {"road": 5}}, r"colours: road must have a colour, \[R, G, B\] of 0 .. 255, or a list .*, got 5$"),
        ({"colours": {"road": [[300, 0, 0]]}}, r"or a list of colours, got \[\[300, 0, 0\]\]$"),
        (
            {"ignore": None},
            r'ignore: must be a value, a list of values or of colours \[R, G, B\], or "others", got null',
        ),
        ({"ignore": [None]}, r'ignore: must be a value, .* or "others", got \[null\]$'),
        ({"ignore": True}, 'ignore: must be a value, .* or "others", got true$'),
        ({"splits": {"val": None}}, "splits: val must be a list file or a share of 0 .. 1, got null"),
        ({"splits": {"val": True}}, "splits: val must be a list file or a share of 0 .. 1, got true"),
        ({"ignore": "rest"}, 'ignore must be values, or "others"'),
        ({"ignore": 1}, "1 is ignored, and class 'sky', too"),
        ({"ignore": 255, "classes": {0: "road", 255: "sky"}}, "255 is ignored, and class 'sky', too"),
        ({"ignore": 99999999999}, r"ignore must be values of 0 \.\. 65535 where there are no colours, got 99999999999"),
        ({"ignore": [-1]}, r"ignore must be values of 0 \.\. 65535"),
        ({"ignore": [[0, 0, 9]]}, r"ignore must be values of 0 \.\. 65535 where there are no colours, got \(0, 0, 9\)"),
        (
            {"ignore": 255, "colours": {"road": [0, 0, 0], "sky": [0, 0, 1], "tree": [0, 0, 2]}},
            r"ignore must be colours, such as \[\[0, 0, 0\]\], where there are colours, got 255",
        ),
        ({"blocks": r"drive(\d)"}, r"mine: blocks: 'drive\(\\\\d\)' finds nothing in the id 'a'; it must fit each id"),
        ({"blocks": "("}, "blocks is no regular expression"),
        ({"splits": {"a": 0.7, "b": 0.7}}, "shares that sum to 1 at most"),
        ({"colours": {"road": [0, 0, 0]}}, "colours must be of the classes, each once"),
        ({"palette": [[0, 0, 0]]}, "palette has 1 colours for 3 class names"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    write_many(tmp_path, ["a"])
    describe(tmp_path, **{**INDEX, **fields})
    with pytest.raises((UsageError, DataError), match=reason) as caught:
        open_dataset("mine", tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_description_says_what_is_missing(tmp_path: Path) -> None:
    write_many(tmp_path, ["a"])
    with pytest.raises(UsageError, match=r"has no dataset\.yaml, .*; it holds images, labels$"):
        open_dataset("mine", tmp_path)
    with pytest.raises(DataError, match="nowhere: no such folder"):
        open_dataset("mine", tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"unknown dataset 'mine'; known: .*; or a folder of yours: mine=PATH"):
        open_dataset("mine")
    with pytest.raises(UsageError, match=f"^{tmp_path}/nowhere: no such folder$"):
        open_dataset(str(tmp_path / "nowhere"))


def test_images_without_a_label_are_counted_and_labels_without_an_image_noted(tmp_path: Path) -> None:
    write_many(tmp_path, ["a", "b", "c"])
    describe(tmp_path, **INDEX)
    (tmp_path / "images/c.png").unlink()
    assert open_dataset("mine", tmp_path).notes == (f"{tmp_path}/labels: 1 label without an image: c.png",)
    for name in "ab":
        (tmp_path / "labels" / f"{name}.png").unlink()
    (tmp_path / "labels/c.jpg").touch()
    expected = f"expected {tmp_path}/labels/a.png"
    with pytest.raises(DataError, match=rf"images/a\.png: has no label; {expected} \(1 other image has none either\)$"):
        open_dataset("mine", tmp_path)
    (tmp_path / "labels/a.jpg").touch()
    there = "but a.jpg is there; labels are read from .png alone"
    with pytest.raises(DataError, match=rf"images/a\.png: has no label; {expected}, {there} \(1 other image has none"):
        open_dataset("mine", tmp_path)


def test_labels_that_lie_among_the_images_are_not_left_out(tmp_path: Path) -> None:
    write_many(tmp_path, ["a", "b"])
    for path in [*(tmp_path / "labels").iterdir()]:
        path.rename(tmp_path / "images" / f"{path.stem}_label.png")
    for path in [*(tmp_path / "images").glob("?.png")]:
        path.rename(path.with_name(f"{path.stem}_rgb.png"))
    describe(tmp_path, **INDEX | {"images": "images/*_rgb.png", "labels": "images/*_label.png"})
    assert open_dataset("mine", tmp_path).notes == ()
    (tmp_path / "images/c_depth.png").touch()
    assert open_dataset("mine", tmp_path).notes == (f"{tmp_path}/images: left out: not as *_rgb.png: c_depth.png",)


def test_its_fingerprint_follows_files_classes_and_what_values_mean(tmp_path: Path) -> None:
    write_many(tmp_path, ["a", "b"])
    prints = []
    for fields in (
        INDEX,
        {**INDEX, "classes": ["sky", "road", "tree"]},
        {**INDEX, "classes": {0: "road", 1: "sky", 2: "tree", 3: "tree"}},
        {**INDEX, "ignore": "others"},
    ):
        describe(tmp_path, **fields)
        dataset = open_dataset("mine", tmp_path)
        prints.append(dataset.fingerprint(dataset.ids))
    assert len(set(prints)) == 4
    describe(tmp_path, **INDEX, palette=[[0, 0, 0]] * 3)  # decides no number
    dataset = open_dataset("mine", tmp_path)
    assert dataset.fingerprint(dataset.ids) == prints[0]
    describe(tmp_path, **INDEX, blocks=".")  # decides intervals
    dataset = open_dataset("mine", tmp_path)
    assert dataset.fingerprint(dataset.ids) != prints[0]
    write(tmp_path / "labels/a.png", raw_png(values(2), 8))
    assert dataset.fingerprint(dataset.ids) != prints[0]


def compare_with_camvid(root: Path, tmp_path: Path, limit: int | None) -> None:
    """Measure CamVid as `camvid` and as a folder of one's own."""
    own = tmp_path / "own"
    describe(own, images="{split}/*.png", labels="{split}annot/*.png", classes=list(CamVid.class_names), ignore=11)
    for name in ("test", "testannot"):
        (own / name).symlink_to(root / name)
    changes: dict[str, Any] = {"gallery": [], "views": ["whole"], "conditions": {"contrast": [2]}}
    counts = []
    for name, folder in (("camvid", root), ("mine", own)):
        place = tmp_path / f"of {name}"
        place.mkdir()
        suite = read_suite(str(write_suite(place, **changes, dataset={"name": name, "split": "test"})))
        assert not run(suite, place / "out", Options(data={name: folder}, limit=limit), Listener())
        counts.append(
            [table.drop(columns=["cell", "dataset", "fingerprint", "key"]) for _, table in sorted_cells(place)]
        )
    assert len(counts[0]) == 4
    for one, other in zip(*counts, strict=True):
        assert one.to_json() == other.to_json()


def sorted_cells(place: Path) -> list[tuple[str, Any]]:
    found = [table for _, table in stored(place / "out").values()]
    return sorted(((f"{t['model'][0]}-{t['corruption'][0]}", t) for t in found), key=lambda pair: pair[0])


def test_a_small_camvid_as_folder_gives_the_counts_of_camvid(camvid_folder: Path, tmp_path: Path) -> None:
    compare_with_camvid(camvid_folder, tmp_path, None)


def test_camvid_as_folder_gives_the_counts_of_camvid(camvid_root: Path, tmp_path: Path) -> None:
    compare_with_camvid(camvid_root, tmp_path, 2)
    own, camvid = open_dataset("mine", tmp_path / "own", split="test"), open_dataset("camvid", camvid_root)
    assert own.ids == camvid.ids
    pixels = [sum(one.pixels for one in dataset.inspections(dataset.ids)) for dataset in (own, camvid)]  # type: ignore[union-attr,misc]
    assert np.array_equal(*pixels)
    assert pixels[0].sum() == 233 * 360 * 480


CATEGORIES = [{"id": 3, "name": "sky"}, {"id": 17, "name": "road"}]
SQUARE = [[10.0, 5.0, 30.0, 5.0, 30.0, 25.0, 10.0, 25.0]]


def write_coco(root: Path, annotations: list[dict[str, Any]], **fields: Any) -> None:
    describe(root, images="images", labels="instances.json", classes=["background", "road", "sky"], **fields)
    write_image(root / "images/a.png")
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": SIZE[0], "width": SIZE[1]}],
        "categories": CATEGORIES,
        "annotations": [{"id": k, "image_id": 1} | one for k, one in enumerate(annotations)],
    }
    (root / "instances.json").write_text(json.dumps(content))


def run_lengths(mask: np.ndarray) -> list[int]:
    """A run-length code by columns, made value by value."""
    counts, current, length = [], 0, 0
    for value in mask.T.ravel().astype(int):
        if value != current:
            counts.append(length)
            current, length = value, 0
        length += 1
    return [*counts, length]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within pycocotools
def test_coco_polygons_and_run_lengths_are_drawn_a_later_one_over_an_earlier(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    band = np.zeros(SIZE, bool)
    band[20:30, :] = True
    plain = {"size": list(SIZE), "counts": run_lengths(band)}
    packed = coco.encode(np.asfortranarray(band.astype(np.uint8)))
    expected = np.zeros(SIZE, np.uint8)
    expected[5:25, 10:30] = 2  # the square's pixels: those whose centres lie in it
    for code in (plain, {"size": packed["size"], "counts": packed["counts"].decode()}):
        for order in (1, -1):
            annotations = [{"category_id": 3, "segmentation": SQUARE}, {"category_id": 17, "segmentation": code}]
            write_coco(tmp_path, annotations[::order], background="background")
            label = open_dataset("mine", tmp_path).load("a").label
            both = expected.copy()
            both[band if order == 1 else band & (expected == 0)] = 1
            assert np.array_equal(label, both)
    write_coco(tmp_path, annotations)
    dataset = open_dataset("mine", tmp_path)
    assert (dataset.load("a").label == IGNORE).sum() == (both == 0).sum()
    first = dataset.fingerprint(dataset.ids)
    write_coco(tmp_path, annotations[:1])
    assert open_dataset("mine", tmp_path).fingerprint(dataset.ids) != first


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: c["categories"].append({"id": 5, "name": "boat"}), "its category 'boat' is none of the classes"),
        (lambda c: c["annotations"].append({"image_id": 1, "category_id": 9, "segmentation": []}), "the category 9"),
        (
            lambda c: c["annotations"].append({"id": 7, "image_id": 1, "category_id": 3}),
            "annotation 7: lacks segmentati",
        ),
        (
            lambda c: c["annotations"].append({"id": 7, "image_id": 2, "category_id": 3, "segmentation": []}),
            "annotation 7: no image has the id 2",
        ),
        (lambda c: c["annotations"].append(7), "not as COCO's instances are: AttributeError"),
        (lambda c: c["categories"].append({"id": 3, "name": "road"}), "the id 3 comes twice in categories"),
        (lambda c: c["images"].append({"id": 1, "file_name": "b.png"}), "the id 1 comes twice in images"),
        (lambda c: c["images"].append({"id": 2, "file_name": "a.png"}), r"two of its images are .*images/a\.png"),
        (lambda c: c.pop("images"), "not as COCO's instances are: KeyError 'images'"),
        (lambda c: c["images"].clear(), r"images/a\.png: .*instances\.json does not name it"),
    ],
)
def test_a_coco_file_that_does_not_fit_is_refused(tmp_path: Path, change: Any, reason: str) -> None:
    write_coco(tmp_path, [])
    content = json.loads((tmp_path / "instances.json").read_text())
    change(content)
    (tmp_path / "instances.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=reason):
        open_dataset("mine", tmp_path)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within pycocotools
def test_a_coco_mask_of_another_size_is_a_fault_of_its_image(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    code = {"size": [3, 4], "counts": [0, 12]}
    write_coco(tmp_path, [{"category_id": 3, "segmentation": code}])
    dataset = open_dataset("mine", tmp_path)
    with pytest.raises(
        DataError, match=r"instances\.json: image a\.png, annotation 0: its size 3x4 differs from its im"
    ):
        dataset.survey(dataset.ids)


COCO_FAULTS = [
    (
        [[1e9, 5.0, 30.0, 5.0, 30.0, 25.0]],
        r"the x 1000000000\.0 of a polygon is far from the image; allowed are -48 \.\. 96",
    ),
    ([[1.0, 5.0, 30.0, 5.0, 30.0, -41]], r"the y -41 of a polygon is far from the image; allowed are -40 \.\. 80"),
    ([], "it has no polygon, and its box is not drawn; draw one, or leave the annotation out$"),
    ([[1.0, 5.0, 30.0, 5.0]], "a polygon must be a list of x and y in turn, of three points or more"),
    ([[1.0, 5.0, 30.0, 5.0, 30.0, 9.0, 3.0]], "a polygon must be a list of x and y in turn"),
    ([[1.0, 5.0, 30.0, 5.0, 30.0, "9"]], "the x and y of a polygon must be numbers"),
    (
        {"size": list(SIZE), "counts": [10, 20]},
        "run lengths must be whole .* to the image's 1920 pixels, got a sum of 30",
    ),
    ({"size": list(SIZE), "counts": [1900, 40]}, "got a sum of 1940"),
    ({"size": list(SIZE), "counts": [1930, -10]}, "its run lengths must be whole numbers >= 0"),
    ({"size": list(SIZE), "counts": ":d0"}, "its run lengths must be whole numbers >= 0"),
    ({"size": list(SIZE), "counts": "P"}, r"can't be drawn \(IndexError"),
    ({"size": list(SIZE)}, r"can't be drawn \(KeyError: 'counts'\)"),
]


@pytest.mark.parametrize(("segmentation", "reason"), COCO_FAULTS)
def test_a_coco_annotation_that_can_not_be_right_is_a_fault_with_its_image_and_number(
    tmp_path: Path, segmentation: Any, reason: str
) -> None:
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    write_coco(tmp_path, [{"id": 70, "category_id": 3, "segmentation": segmentation}])
    dataset = open_dataset("mine", tmp_path)
    with pytest.raises(DataError, match=rf"instances\.json: image a\.png, annotation 70: .*{reason}"):
        dataset.survey(dataset.ids)


def test_a_coco_number_that_is_not_finite_is_a_fault_of_its_image(tmp_path: Path) -> None:
    write_coco(tmp_path, [{"category_id": 3, "segmentation": [[float("nan")] * 6]}])
    with pytest.raises(DataError, match=r"instances\.json: image a\.png: a number of its annotations is not finite"):
        open_dataset("mine", tmp_path).load("a")


def test_a_coco_image_of_another_size_than_the_file_is_a_fault_that_names_both(tmp_path: Path) -> None:
    write_coco(tmp_path, [])
    path = tmp_path / "instances.json"
    path.write_text(path.read_text().replace('"width": 48', '"width": 60'))
    with pytest.raises(DataError, match=r"instances\.json: image a\.png is 40x60 there, but its file is 40x48"):
        open_dataset("mine", tmp_path).load("a")
    path.write_text(path.read_text().replace(', "width": 60', ""))
    assert open_dataset("mine", tmp_path).load("a").label.shape == SIZE


@pytest.mark.parametrize(("side", "stated"), [("width", "48"), ("height", "40"), ("height", [40]), ("width", True)])
def test_a_coco_image_whose_size_is_no_number_is_a_fault_that_names_the_value(
    tmp_path: Path, side: str, stated: object
) -> None:
    write_coco(tmp_path, [])
    path = tmp_path / "instances.json"
    content = json.loads(path.read_text())
    content["images"][0][side] = stated
    path.write_text(json.dumps(content))
    fault = re.escape(f"instances.json: image a.png: its {side} {stated!r} is no number")
    with pytest.raises(DataError, match=f"{fault}$"):
        open_dataset("mine", tmp_path).load("a")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within pycocotools
def test_a_coco_image_is_found_by_its_path_though_another_has_its_name(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    write_coco(tmp_path, [{"category_id": 3, "segmentation": SQUARE}])
    write_image(tmp_path / "images/x/a.png")
    path = tmp_path / "instances.json"
    content = json.loads(path.read_text())
    content["images"].append({"id": 2, "file_name": "x/a.png"})
    path.write_text(json.dumps(content))
    dataset = open_dataset("mine", tmp_path)
    assert [(dataset.load(one).label == 2).any() for one in ("a", "x_a")] == [True, False]
    content["images"][0]["file_name"] = "y/a.png"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"instances\.json: image y/a\.png may be a or x_a"):
        open_dataset("mine", tmp_path)


def test_pascal_voc_is_read_as_it_is_distributed(tmp_path: Path) -> None:
    for k in range(4):
        write_image(tmp_path / f"JPEGImages/2007_{k:06d}.jpg", k)
    labels = {k: values(0, 15, 20, 255, seed=k) for k in range(3)}
    for k, samples in labels.items():
        write(
            tmp_path / f"SegmentationClass/2007_{k:06d}.png", raw_png(samples, 8, 3, before=chunk(b"PLTE", bytes(768)))
        )
    for split, names in (("train", [0]), ("val", [1, 2])):
        write(tmp_path / f"ImageSets/Segmentation/{split}.txt", "".join(f"2007_{k:06d}\n" for k in names).encode())
    dataset = open_dataset("voc", tmp_path)
    assert dataset.ids == ("2007_000001", "2007_000002")
    assert dataset.notes == ()
    assert np.array_equal(dataset.load("2007_000002").label, labels[2])
    assert (len(dataset.class_names), dataset.palette[15]) == (21, (192, 128, 128))
    shutil.rmtree(tmp_path / "ImageSets")
    with pytest.raises(
        DataError, match=re.escape(f"{tmp_path}/ImageSets/Segmentation/val.txt: can't be read as a list")
    ):
        open_dataset("voc", tmp_path)
