"""Data sets of streets in the layouts of their authors, small, and what each makes of its labels."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import street_trees as trees
import yaml
from cityscapesscripts.helpers.labels import id2label, name2label
from PIL import Image
from pngs import raw_png
from small import stored, write_suite
from street_trees import LABEL_IDS, SIZE, TRAIN_IDS

from robustbench_seg.datasets import IGNORE, blocks_of, open_dataset, open_split
from robustbench_seg.datasets.cityscapes import CLASS_NAMES
from robustbench_seg.datasets.driving import FROM_LABEL_IDS
from robustbench_seg.datasets.file_dataset import FileDataset
from robustbench_seg.datasets.mapillary import CLASSES
from robustbench_seg.datasets.wilddash2 import NAMES
from robustbench_seg.errors import DataError, UsageError
from robustbench_seg.export import Export, export_images
from robustbench_seg.export import Listener as ExportListener
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.prepare import prepare
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.store.cell import Condition
from robustbench_seg.suites import read_suite


def stored_values(dataset: FileDataset, image_id: str) -> np.ndarray:
    return np.asarray(Image.open(dataset.pairs[image_id][1]))


def mapped(dataset: FileDataset, image_id: str) -> dict[int, int]:
    """Which trainId each stored value became."""
    pairs = np.stack([stored_values(dataset, image_id).ravel(), dataset.load(image_id).label.ravel()])
    return {int(value): int(trainid) for value, trainid in np.unique(pairs, axis=1).T}


def test_acdc_has_its_conditions_and_its_reference_images(tmp_path: Path) -> None:
    trees.acdc(tmp_path)
    adverse = open_dataset("acdc", tmp_path)
    assert adverse.notes == ()
    assert len(adverse.ids) == 16
    assert {image_id.partition("/")[0] for image_id in adverse.ids} == {"fog", "night", "rain", "snow"}
    assert adverse.ids[0] == "fog/GOPR00_frame_000041"
    assert mapped(adverse, adverse.ids[0]) == {value: value for value in TRAIN_IDS}
    snow = open_dataset("acdc", tmp_path, split="val-snow")
    assert snow.ids == tuple(image_id for image_id in adverse.ids if image_id.startswith("snow/"))
    reference = open_dataset("acdc", tmp_path, split="val-ref")
    assert {image_id.partition("/")[0] for image_id in reference.ids} == {"reference"}
    assert open_dataset("acdc", tmp_path, split="val-with-ref").ids == tuple(sorted(adverse.ids + reference.ids))
    # a sequence is a block, and so are the reference images of its places
    blocks = blocks_of("acdc", ["fog/GOPR00_frame_000041", "fog/GOPR00_frame_000122", "reference/GOPR00_frame_000041"])
    assert blocks == ("GOPR00", "GOPR00", "GOPR00")


def test_acdc_refuses_reference_images_of_two_conditions_under_one_name(tmp_path: Path) -> None:
    """All of them have the condition "reference", so that one would be left out."""
    trees.acdc(tmp_path)
    for kind, ending in (("rgb_anon", "rgb_ref_anon"), ("gt", "gt_ref_labelTrainIds")):
        name = f"val_ref/GOPR00/GOPR00_frame_000041_{ending}.png"
        (tmp_path / kind / "rain/val_ref/GOPR00").mkdir()
        shutil.copy(tmp_path / kind / "fog" / name, tmp_path / kind / "rain" / name)
    with pytest.raises(DataError, match=r"rain/.*has the id 'reference/GOPR00_frame_000041', as .*fog/.*rename one"):
        open_dataset("acdc", tmp_path, split="val-ref")
    assert len(open_dataset("acdc", tmp_path).ids) == 16


def test_acdc_with_label_ids_is_mapped_as_cityscapes_is(tmp_path: Path) -> None:
    dataset = open_dataset("acdc", trees.acdc(tmp_path, "labelIds"), split="val-fog")
    expected = {value: id2label[value].trainId for value in LABEL_IDS}
    assert mapped(dataset, dataset.ids[0]) == {v: IGNORE if t in (-1, 255) else t for v, t in expected.items()}


def test_acdc_without_labels_of_its_reference_images_says_where_they_should_be(tmp_path: Path) -> None:
    trees.acdc(tmp_path)
    (tmp_path / "gt/fog/val_ref").rename(tmp_path / "gone")
    with pytest.raises(
        DataError, match=r"gt/fog/val_ref: no such folder; it should hold files that end in _gt_ref_lab"
    ):
        open_dataset("acdc", tmp_path, split="val-ref")
    assert len(open_dataset("acdc", tmp_path).ids) == 16


def test_labels_of_two_kinds_are_refused(tmp_path: Path) -> None:
    trees.acdc(tmp_path)
    for path in (tmp_path / "gt/rain/val").rglob("*_labelTrainIds.png"):
        path.rename(path.with_name(path.name.replace("labelTrainIds", "labelIds")))
    with pytest.raises(DataError, match=r"gt/rain/val: has labels \.\.\._gt_labelIds\.png, of another kind"):
        open_dataset("acdc", tmp_path)


def test_dark_zurich_and_nighttime_driving_are_nights(tmp_path: Path) -> None:
    assert open_dataset("dark_zurich", trees.dark_zurich(tmp_path / "zurich")).ids == (f"night/{trees.STEM}",)
    driving = open_dataset("nighttime_driving", trees.nighttime_driving(tmp_path / "driving"))
    assert driving.ids == ("night/0_Frame0064",)


def test_foggy_cityscapes_names_its_beta(tmp_path: Path) -> None:
    trees.foggy_cityscapes(tmp_path)
    for beta in ("0.005", "0.01", "0.02"):
        dataset = open_dataset("foggy_cityscapes", tmp_path, split=f"val-{beta}")
        assert dataset.ids == (f"fog-{beta}/lindau_000000_000019",)
        assert dataset.pairs[dataset.ids[0]][0].name.endswith(f"beta_{beta}.png")
        assert dataset.notes == ()
    with pytest.raises(DataError, match=r"has no split 'val'; known: train-0\.005, train-0\.01"):
        open_dataset("foggy_cityscapes", tmp_path, split="val")


def test_bdd100k_has_weather_or_hour_as_conditions(tmp_path: Path) -> None:
    trees.bdd100k(tmp_path)
    assert open_dataset("bdd100k", tmp_path).ids == ("partly-cloudy/1", "rainy/0", "unknown/2")
    assert open_dataset("bdd100k", tmp_path, conditions="hour").ids == ("dawn-dusk/1", "night/0", "unknown/2")
    assert open_dataset("bdd100k", tmp_path, conditions="none").ids == ("0", "1", "2")
    with pytest.raises(UsageError, match="conditions must be weather, hour or none, got 'scene'"):
        open_dataset("bdd100k", tmp_path, conditions="scene")
    path = tmp_path / "labels/bdd100k_labels_images_val.json"
    path.write_text("[")
    with pytest.raises(DataError, match=r"labels_images_val\.json: can't be read as JSON"):
        open_dataset("bdd100k", tmp_path)
    path.unlink()
    dataset = open_dataset("bdd100k", tmp_path)
    assert dataset.ids == ("0", "1", "2")
    assert dataset.notes == (f"{tmp_path}/labels: no JSON file tells the weather of any image",)


# anue_labels.py of AutoNUE/public-code: name, id, csTrainId; what is not listed there is 255.
IDD_LABELS = {
    ("road", 0, 0), ("drivable fallback", 2, 255), ("sidewalk", 3, 1), ("non-drivable fallback", 5, 9),
    ("person", 6, 11), ("rider", 8, 12), ("motorcycle", 9, 17), ("bicycle", 10, 18), ("autorickshaw", 11, 255),
    ("car", 12, 13), ("truck", 13, 14), ("bus", 14, 15), ("train", 17, 16), ("curb", 19, 255), ("wall", 20, 3),
    ("fence", 21, 4), ("billboard", 23, 255), ("traffic sign", 24, 7), ("traffic light", 25, 6), ("pole", 26, 5),
    ("building", 29, 2), ("vegetation", 32, 8), ("sky", 33, 10),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "values"), [("csTrainIds", TRAIN_IDS), ("ids", [*range(40), 255])])
def test_idd_takes_made_masks_and_names_drives(tmp_path: Path, kind: str, values: list[int]) -> None:
    trees.idd(tmp_path, kind, values)
    dataset = open_dataset("idd", tmp_path)
    assert dataset.ids == ("119_frame0029", "201_frame0029")
    assert blocks_of("idd", dataset.ids) == ("119", "201")
    found = mapped(dataset, "119_frame0029")
    if kind == "csTrainIds":
        assert found == {value: value for value in TRAIN_IDS}
    else:
        assert {(name, value, found[value]) for name, value, _ in IDD_LABELS} == IDD_LABELS
        assert sum(trainid != IGNORE for trainid in found.values()) == 19
    for path in tmp_path.rglob("*.png"):
        if "gtFine" in path.name:
            path.unlink()
    with pytest.raises(
        DataError, match=r"gtFine/val: holds no \.\.\..*createLabels\.py --datadir ROOT --id-type csTra"
    ):
        open_dataset("idd", tmp_path)


# wd2_unified_label_policy.json: WildDash 2's name and Cityscapes' of what is called otherwise there.
POLICY = {
    "trafficlight": "traffic light", "trafficsign": "traffic sign", "onrails": "train", "pickup": "truck", "van": "car",
    "billboard": "static", "streetlight": "static", "roadmarking": "road", "junctionbox": "static", "mailbox": "static",
    "manhole": "road", "phonebooth": "static", "pothole": "road", "bikerack": "static", "trafficsignframe": "pole",
    "utilitypole": "pole", "motorcyclist": "rider", "bicyclist": "rider", "otherrider": "rider", "bird": "dynamic",
    "groundanimal": "dynamic", "curb": "sidewalk", "trafficsignany": "static", "trafficsignback": "static",
    "trashcan": "static", "otherbarrier": "wall", "othervehicle": "dynamic", "autorickshaw": "motorcycle",
    "bench": "static", "mountain": "static", "tramtrack": "road", "wheeledslow": "dynamic", "boat": "dynamic",
    "bikelane": "road", "bikelanesidewalk": "sidewalk", "banner": "dynamic", "dashcammount": "ego vehicle",
    "water": "ground", "sand": "ground", "pedestrianarea": "road", "firehydrant": "static", "cctvcamera": "static",
    "snow": "ground", "catchbasin": "road", "crosswalkplain": "road", "crosswalkzebra": "road",
    "manholesidewalk": "sidewalk", "curbterrain": "terrain", "servicelane": "road", "curbcut": "sidewalk",
}  # fmt: skip
OTHERWISE = {
    "egovehicle": "ego vehicle", "overlay": "rectification border", "outofroi": "out of roi", "railtrack": "rail track",
    "guardrail": "guard rail",
}  # fmt: skip


def trainid_of(name: str) -> int:
    trainid = name2label[name].trainId
    return trainid if 0 <= trainid < 19 else IGNORE


def test_wilddash2_follows_its_label_policy(tmp_path: Path) -> None:
    dataset = open_dataset("wilddash2", trees.wilddash2(tmp_path))
    assert dataset.ids == ("aa0000",)
    expected = {}
    for value, name in enumerate(NAMES):
        other = "train" if name == "onrails" else POLICY.get(name, OTHERWISE.get(name, name))
        expected[value] = trainid_of(other)
    assert mapped(dataset, "aa0000") == expected
    # the first 34 ids are Cityscapes' own
    assert {value: expected[value] for value in range(34)} == FROM_LABEL_IDS


def test_wilddash2s_panoptic_labels_are_those_of_its_ids(tmp_path: Path) -> None:
    expected = open_dataset("wilddash2", trees.wilddash2(tmp_path / "ids"))
    root = trees.wilddash2(tmp_path / "panoptic")
    ids = np.asarray(Image.open(root / "labels/aa0000.png")).astype(int)
    rows = np.arange(ids.shape[0])[:, None] // 20  # two segments of each class, as things have
    numbers = np.where(ids == 0, 0, ids * 70_001 + rows)
    shutil.rmtree(root / "labels")
    (root / "panoptic").mkdir()
    colours = np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], axis=2)
    (root / "panoptic/aa0000.png").write_bytes(raw_png(colours, 8, 2))
    segments = [{"id": int(n), "category_id": int(n) // 70_001} for n in np.unique(numbers) if n]
    content = {"annotations": [{"file_name": "aa0000.png", "segments_info": segments}]}
    (root / "panoptic.json").write_text(json.dumps(content))
    dataset = open_dataset("wilddash2", root)
    assert np.array_equal(dataset.load("aa0000").label, expected.load("aa0000").label)
    before = dataset.fingerprint(dataset.ids)
    segments[5]["category_id"] = 7
    (root / "panoptic.json").write_text(json.dumps(content))
    assert open_dataset("wilddash2", root).fingerprint(dataset.ids) != before
    del segments[7]
    (root / "panoptic.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"aa0000\.png: segment value \d+; its JSON file has none of that number"):
        open_dataset("wilddash2", root).load("aa0000")
    (root / "panoptic.json").write_text(json.dumps({"annotations": []}))
    with pytest.raises(DataError, match=r"aa0000\.png: the JSON file does not name it"):
        open_dataset("wilddash2", root).load("aa0000")
    (root / "panoptic.json").write_text("{}")
    with pytest.raises(DataError, match=r"panoptic\.json: not as panoptic JSON is: KeyError 'annotations'"):
        open_dataset("wilddash2", root)


def test_mapillary_is_read_in_cityscapes_classes_or_in_its_own(tmp_path: Path) -> None:
    trees.mapillary(tmp_path)
    own = open_dataset("mapillary", tmp_path, classes="own")
    assert mapped(own, "x") == {value: value for value in range(65)} | {65: IGNORE}
    assert (len(own.class_names), len(own.palette)) == (65, 65)
    assert dict(zip(own.class_names, own.palette, strict=True))["On Rails"] == (0, 80, 100)
    dataset = open_dataset("mapillary", tmp_path)
    assert dataset.class_names == CLASS_NAMES
    named = {CLASSES[value]: trainid for value, trainid in mapped(dataset, "x").items() if value < 65}
    for name, other in {
        "Road": "road", "Lane Marking - General": "road", "Curb": "sidewalk", "Barrier": "wall", "Utility Pole": "pole",
        "Traffic Sign (Front)": "traffic sign", "Bicyclist": "rider", "On Rails": "train", "Person": "person",
    }.items():  # fmt: skip
        assert named[name] == CLASS_NAMES.index(other)
    assert named["Traffic Sign (Back)"] == named["Guard Rail"] == named["Bridge"] == named["Ego Vehicle"] == IGNORE
    assert set(named.values()) == {*range(19), IGNORE}


def test_gta5_leaves_out_two_frames_by_name(tmp_path: Path) -> None:
    dataset = open_dataset("gta5", trees.gta5(tmp_path))
    assert dataset.ids == ("00001", "24966")
    assert dataset.notes == (f"{tmp_path}/images: left out, since their labels are of another size: 15188",)
    assert mapped(dataset, "00001") == FROM_LABEL_IDS | {34: IGNORE}
    assert dataset.synthetic


def test_several_data_sets_are_one_whose_conditions_name_them(tmp_path: Path, cityscapes_root: Path) -> None:
    folders = {"cityscapes": cityscapes_root, "acdc": trees.acdc(tmp_path, split="test")}
    both = open_split("cityscapes+acdc", "test", folders)
    parts = [open_split(name, "test", folders) for name in folders]
    assert (both.name, both.split) == ("cityscapes+acdc", "test")
    assert both.ids == tuple(sorted(f"{one.name}/{image_id}" for one in parts for image_id in one.ids))
    assert both.total == sum(one.total for one in parts)
    assert not both.synthetic
    assert both.load("acdc/fog/GOPR00_frame_000041").image_id == "acdc/fog/GOPR00_frame_000041"
    assert np.array_equal(both.load(both.ids[-1]).label, parts[0].load(parts[0].ids[-1]).label)
    assert blocks_of(both.name, ["acdc/fog/GOPR00_frame_000041", "cityscapes/a_0_1"]) == (
        "acdc/GOPR00",
        "cityscapes/a_0_1",
    )
    prints = {both.fingerprint(both.ids), both.fingerprint(both.ids[:-1]), both.fingerprint(both.ids[:8])}
    assert len(prints) == 3
    assert open_split("cityscapes+acdc", "test+test-fog", folders).split == "test+test-fog"
    with pytest.raises(DataError, match="acdc has no split 'dev'"):
        open_split("cityscapes+acdc", "test+dev", folders)
    with pytest.raises(UsageError, match=r"needs names that differ, and one split or 2, got 'a\+b\+c'"):
        open_split("cityscapes+acdc", "a+b+c", folders)
    with pytest.raises(UsageError, match="acdc needs its folder: --data acdc=PATH"):
        open_split("cityscapes+acdc", "test", {"cityscapes": cityscapes_root})
    with pytest.raises(UsageError, match="several as one have no options, got size"):
        open_split("cityscapes+acdc", "test", folders, size=3)


def test_an_export_keeps_the_conditions_and_tells_an_image_from_its_reference(tmp_path: Path) -> None:
    dataset = open_dataset("acdc", trees.acdc(tmp_path / "acdc"), split="val-with-ref")
    condition = Condition("contrast", 2)
    wanted = Export(dataset=dataset, ids=dataset.ids, conditions=(condition,), format="png", out=tmp_path / "out")
    export_images(wanted, 0, ExportListener())
    read = open_dataset("cityscapes", tmp_path / "out/contrast/2", split="val-with-ref")
    assert read.ids == dataset.ids
    assert read.notes == ()
    for image_id in (dataset.ids[0], dataset.ids[-1]):
        assert np.array_equal(read.load(image_id).image, prepare(dataset, condition, image_id).image)
        assert np.array_equal(read.load(image_id).label, dataset.load(image_id).label)


def test_those_of_other_classes_are_not_one(camvid_folder: Path, cityscapes_root: Path) -> None:
    with pytest.raises(UsageError, match=r"camvid has other classes \(sky, .*\) than cityscapes \(road, "):
        open_split("cityscapes+camvid", "test", {"cityscapes": cityscapes_root, "camvid": camvid_folder})


def test_two_of_one_name_are_not_one(tmp_path: Path, cityscapes_root: Path) -> None:
    fields = {"name": "cityscapes", "images": "images", "labels": "labels", "classes": list(CLASS_NAMES)}
    trees.write_pair(tmp_path / "images/x.png", tmp_path / "labels/x.png", TRAIN_IDS)
    (tmp_path / "dataset.yaml").write_text(yaml.safe_dump({**fields, "splits": {"test": 1.0}}))
    with pytest.raises(UsageError, match=r"cityscapes\+cityscapes: two data sets of one name"):
        open_split("cityscapes+folder", "test", {"cityscapes": cityscapes_root, "folder": tmp_path})


def test_one_with_blocks_by_a_pattern_is_not_one_of_several(tmp_path: Path, cityscapes_root: Path) -> None:
    fields = {
        "images": "images",
        "labels": "labels",
        "classes": list(CLASS_NAMES),
        "blocks": "x",
        "splits": {"test": 1.0},
    }
    trees.write_pair(tmp_path / "images/x.png", tmp_path / "labels/x.png", TRAIN_IDS)
    (tmp_path / "dataset.yaml").write_text(yaml.safe_dump(fields))
    with pytest.raises(UsageError, match="mine has blocks by a pattern, and can't be one of several"):
        open_split("cityscapes+mine", "test", {"cityscapes": cityscapes_root, "mine": tmp_path})
    del fields["blocks"]
    (tmp_path / "dataset.yaml").write_text(yaml.safe_dump(fields))
    both = open_split("cityscapes+mine", "test", {"cityscapes": cityscapes_root, "mine": tmp_path})
    assert both.ids[-1] == "mine/x"


def test_a_fault_in_one_of_several_names_the_file(tmp_path: Path, cityscapes_root: Path) -> None:
    folders = {"cityscapes": cityscapes_root, "acdc": trees.acdc(tmp_path, split="test")}
    both = open_split("cityscapes+acdc", "test", folders)
    path = tmp_path / "gt/fog/test/GOPR00/GOPR00_frame_000041_gt_labelTrainIds.png"
    path.write_bytes(raw_png(np.full(SIZE, 40), 8))
    with pytest.raises(DataError, match=f"^{path}: label value 40"):
        both.survey(both.ids)


def test_a_suite_measures_several_at_once(tmp_path: Path, cityscapes_root: Path) -> None:
    acdc = trees.acdc(tmp_path / "acdc", split="test")
    changes: dict[str, Any] = {"gallery": ["acdc/fog/GOPR00_frame_000041"], "views": ["whole"], "conditions": {}}
    suite = write_suite(
        tmp_path,
        **changes,
        models=[{"name": "constant"}],
        dataset={"name": "cityscapes+acdc", "split": "test"},
    )
    folders = {"cityscapes": cityscapes_root, "acdc": acdc}
    assert not run(read_suite(str(suite)), tmp_path / "out", Options(data=folders), Listener())
    ((_, table),) = stored(tmp_path / "out").values()
    assert len(table) == 6 + 16
    assert set(table["dataset"]) == {"cityscapes+acdc"}
    assert {image_id.rpartition("/")[0] for image_id in table["image_id"]} == {
        "cityscapes", "acdc/fog", "acdc/night", "acdc/rain", "acdc/snow",
    }  # fmt: skip
    with pytest.raises(UsageError, match=r"does not use this dataset \(it uses cityscapes\+acdc\)"):
        run(read_suite(str(suite)), tmp_path / "out", Options(data={**folders, "camvid": acdc}), Listener())


@pytest.mark.parametrize("name", trees.TREES)
def test_a_fingerprint_follows_files_and_what_labels_mean(name: str, tmp_path: Path) -> None:
    root = trees.TREES[name](tmp_path)
    dataset = open_dataset(name, root)
    before = dataset.fingerprint(dataset.ids)
    assert open_dataset(name, root).fingerprint(dataset.ids) == before
    dataset.table = np.where(dataset.table == 3, IGNORE, dataset.table)
    assert dataset.fingerprint(dataset.ids) != before
