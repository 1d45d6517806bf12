import io
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from cityscapesscripts.helpers.labels import labels as official_labels
from PIL import Image as Pillow

from robustbench_seg.datasets import DATASETS, IGNORE, open_dataset, spaced
from robustbench_seg.datasets.cityscapes import CLASS_NAMES, FROM_LABEL_IDS, PALETTE
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.errors import DataError, UsageError
from robustbench_seg.images import png, webp


def test_the_label_table_is_that_of_cityscapesscripts() -> None:
    for label in official_labels:
        if label.id >= 0:
            assert FROM_LABEL_IDS[label.id] == (IGNORE if label.ignoreInEval else label.trainId)
    by_trainid = {label.trainId: label for label in official_labels if not label.ignoreInEval}
    assert [by_trainid[k].name for k in range(19)] == list(CLASS_NAMES)
    assert [by_trainid[k].color for k in range(19)] == list(PALETTE)


def test_a_scene_written_in_cityscapes_layout_reads_back_the_same(cityscapes_root: Path) -> None:
    written = Streets("test", size=(96, 160), count=6)
    read = open_dataset("cityscapes", cityscapes_root, split="test")
    assert read.ids == written.ids
    for image_id in read.ids:
        expected, got = written.load(image_id), read.load(image_id)
        assert np.array_equal(got.image, expected.image)
        assert np.array_equal(got.label, expected.label)
    assert any((written.load(image_id).label == IGNORE).any() for image_id in written.ids)


def test_label_trainids_are_used_where_all_are_present(cityscapes_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "cityscapes"
    shutil.copytree(cityscapes_root, root)
    expected = open_dataset("cityscapes", root, split="test")
    for image_id in expected.ids:
        label = expected.load(image_id).label
        cv2.imwrite(str(root / "gtFine/test/streets" / f"{image_id}_gtFine_labelTrainIds.png"), label)
    read = open_dataset("cityscapes", root, split="test")
    assert all("labelTrainIds" in str(label) for _, label in read.pairs.values())
    for image_id in read.ids:
        assert np.array_equal(read.load(image_id).label, expected.load(image_id).label)


def as_webp(path: Path) -> Path:
    """Turn an image file into lossless WebP, by OpenCV's encoder."""
    found = path.with_suffix(".webp")
    cv2.imwrite(str(found), cv2.imread(str(path)), [cv2.IMWRITE_WEBP_QUALITY, 101])
    path.unlink()
    return found


def test_webp_images_are_read_like_png_and_beside_them(cityscapes_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "cityscapes"
    shutil.copytree(cityscapes_root, root)
    for path in sorted(root.rglob("*_leftImg8bit.png"))[::2]:
        as_webp(path)
    expected, read = (open_dataset("cityscapes", folder, split="test") for folder in (cityscapes_root, root))
    assert read.ids == expected.ids
    for image_id in read.ids:
        assert np.array_equal(read.load(image_id).image, expected.load(image_id).image)
        assert np.array_equal(read.load(image_id).label, expected.load(image_id).label)


def test_an_id_that_is_there_as_png_and_as_webp_is_refused(cityscapes_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "cityscapes"
    shutil.copytree(cityscapes_root, root)
    path = next(root.rglob("*_leftImg8bit.png"))
    shutil.copy(path, tmp_path / path.name)
    other = as_webp(path)
    shutil.copy(tmp_path / path.name, path)
    with pytest.raises(DataError, match=rf"{other.name}: has the same id as .*{path.name}; remove one of them$"):
        open_dataset("cityscapes", root, split="test")


@pytest.mark.parametrize("kept", [0, 11, 12, 40, 1000, -1])
def test_a_truncated_webp_is_named(cityscapes_root: Path, tmp_path: Path, kept: int) -> None:
    root = tmp_path / "cityscapes"
    shutil.copytree(cityscapes_root, root)
    path = as_webp(next(root.rglob("*_leftImg8bit.png")))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=rf"{path.name}: not a complete WEBP file"):
        open_dataset("cityscapes", root, split="test").load(path.stem.removesuffix("_leftImg8bit"))


@pytest.mark.parametrize("pixels", [png, webp])
@pytest.mark.parametrize("shape", [(33, 57, 3), (32, 32, 3)])
def test_what_is_encoded_is_decoded_the_same_by_pillow(pixels: Callable[..., bytes], shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with Pillow.open(io.BytesIO(pixels(image))) as decoded:
        assert np.array_equal(np.asarray(decoded), image)


def test_webp_refuses_a_side_that_it_cannot_hold() -> None:
    with pytest.raises(ValueError, match="an image of 1x16384 px; WebP ends at 16383"):
        webp(np.zeros((1, 16384, 3), np.uint8))


@pytest.mark.parametrize("content", ["[1", "[]", "{}", '{"images": 9}'])
def test_a_manifest_that_is_not_ours_says_nothing_about_the_data_set(
    cityscapes_root: Path, tmp_path: Path, content: str
) -> None:
    root = tmp_path / "cityscapes"
    shutil.copytree(cityscapes_root, root)
    (root / "manifest.json").write_text(content)
    assert open_dataset("cityscapes", root, split="test").class_names == CLASS_NAMES


def test_camvid_ignores_what_is_unlabelled_and_keeps_the_other_values(camvid_folder: Path) -> None:
    dataset = open_dataset("camvid", camvid_folder, split="test")
    assert dataset.ids == ("frame_0", "frame_1", "frame_2")
    sample = dataset.load("frame_1")
    stored = cv2.imread(str(camvid_folder / "testannot/frame_1.png"), cv2.IMREAD_UNCHANGED)
    bgr = cv2.imread(str(camvid_folder / "test/frame_1.png"))
    assert np.array_equal(sample.image, bgr[:, :, ::-1])
    assert np.array_equal(sample.label, np.where(stored == 11, IGNORE, stored))
    assert not dataset.shows_images


def test_the_real_camvid_has_its_published_size(camvid_root: Path) -> None:
    train, test = (open_dataset("camvid", camvid_root, split=split) for split in ("train", "test"))
    assert (len(train.ids), len(test.ids)) == (367, 233)
    sample = test.load(test.ids[0])
    assert sample.image.shape == (360, 480, 3)
    assert set(np.unique(sample.label)) <= {*range(11), IGNORE}


def test_camvids_held_frames_are_the_end_of_each_training_drive(camvid_root: Path) -> None:
    train, fit, held = (open_dataset("camvid", camvid_root, split=split) for split in ("train", "fit", "held"))
    assert sorted(fit.ids + held.ids) == sorted(train.ids)
    for drive, frames, kept_out in (("0001TP", 62, 9), ("0006R0", 101, 15), ("0016E5", 204, 31)):
        first, last = ([name for name in part.ids if name.startswith(drive)] for part in (fit, held))
        assert (len(first) + len(last), len(last)) == (frames, kept_out)
        assert max(first) < min(last)


def test_a_fingerprint_follows_the_files_content(camvid_folder: Path) -> None:
    dataset = open_dataset("camvid", camvid_folder, split="test")
    before = dataset.fingerprint(dataset.ids)
    assert dataset.fingerprint(dataset.ids) == before
    assert dataset.fingerprint(dataset.ids[:2]) != before
    label = camvid_folder / "testannot/frame_0.png"
    pixels = cv2.imread(str(label), cv2.IMREAD_UNCHANGED)
    pixels[0, 0] = (pixels[0, 0] + 1) % 11
    cv2.imwrite(str(label), pixels)
    assert dataset.fingerprint(dataset.ids) != before


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def enlarge(path: Path) -> None:
    cv2.imwrite(str(path), np.zeros((41, 48), np.uint8))


def garble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[16:24] = bytes(8)  # of the header chunk: width and height
    path.write_bytes(content)


def mislabel(path: Path) -> None:
    cv2.imwrite(str(path), np.full((40, 48), 12, np.uint8))


def recolour(path: Path) -> None:
    cv2.imwrite(str(path), np.zeros((40, 48, 3), np.uint8))


@pytest.mark.parametrize(
    ("damage", "file", "message"),
    [
        (truncate, "test/frame_0.png", r"test/frame_0\.png: not a complete PNG file"),
        (truncate, "testannot/frame_0.png", r"testannot/frame_0\.png: not a complete PNG file"),
        (garble, "test/frame_0.png", r"test/frame_0\.png: damaged: the checksum of its chunk 'IHDR' is wrong"),
        (garble, "testannot/frame_0.png", r"testannot/frame_0\.png: damaged: the checksum of its chunk 'IHDR' is wr"),
        (enlarge, "testannot/frame_0.png", r"frame_0\.png: its size 41x48 differs from its image's 40x48"),
        (mislabel, "testannot/frame_0.png", r"frame_0\.png: label value 12; allowed are 0, 1, .*, 11"),
        (
            recolour,
            "testannot/frame_0.png",
            r"frame_0\.png: RGB, 8 bit; expected one channel of class indices",
        ),
        (Path.unlink, "test/frame_0.png", r"frame_0\.png: can't be read \(No such file"),
        (Path.unlink, "testannot/frame_0.png", r"testannot/frame_0\.png: can't be read \(No such file"),
    ],
)
def test_a_broken_file_is_named_with_what_was_expected(
    camvid_folder: Path, damage: object, file: str, message: str
) -> None:
    dataset = open_dataset("camvid", camvid_folder, split="test")
    damage(camvid_folder / file)
    with pytest.raises(DataError, match=message):
        dataset.load("frame_0")


def test_what_is_missing_is_found_before_any_image_is_read(camvid_folder: Path, cityscapes_root: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere/test: no such folder"):
        open_dataset("camvid", camvid_folder / "nowhere", split="test")
    (camvid_folder / "testannot/frame_2.png").unlink()
    with pytest.raises(DataError, match=r"test/frame_2\.png: has no label; expected .*testannot/frame_2\.png$"):
        open_dataset("camvid", camvid_folder, split="test")
    (camvid_folder / "testannot/frame_2.jpg").touch()
    with pytest.raises(DataError, match=r"/frame_2\.png, but frame_2\.jpg is there; labels are read from \.png alone$"):
        open_dataset("camvid", camvid_folder, split="test")
    left = cityscapes_root / "leftImg8bit"
    with pytest.raises(
        DataError,
        match=rf"{left}/val: no such folder; it should hold files that end in .*\.png or .*, but {left} holds test$",
    ):
        open_dataset("cityscapes", cityscapes_root, split="val")
    with pytest.raises(DataError, match=rf"{left}/leftImg8bit/test: no such folder; .*, but {left} holds test$"):
        open_dataset("cityscapes", left, split="test")


def test_a_folder_without_images_or_without_labels_is_named_with_what_it_holds(camvid_folder: Path) -> None:
    for path in (camvid_folder / "test").iterdir():
        path.rename(path.with_suffix(".bmp"))
    with pytest.raises(DataError, match=r"camvid/test: no file ends in \.png; it holds frame_0\.bmp, frame_1\.bmp, "):
        open_dataset("camvid", camvid_folder, split="test")
    for path in (camvid_folder / "test").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"camvid/test: no file ends in \.png; it holds nothing$"):
        open_dataset("camvid", camvid_folder, split="test")
    for k in range(20):
        (camvid_folder / "test" / f"{k:02d}.txt").touch()
    with pytest.raises(DataError, match=r"it holds 00\.txt, 01\.txt, .*, 07\.txt and 12 more$"):
        open_dataset("camvid", camvid_folder, split="test")
    shutil.rmtree(camvid_folder / "trainannot")
    with pytest.raises(DataError, match=r"camvid/trainannot: no such folder; it should hold files that end in \.png"):
        open_dataset("camvid", camvid_folder, split="train")


def test_a_cityscapes_image_without_a_label_is_named(cityscapes_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "cityscapes"
    shutil.copytree(cityscapes_root, root)
    next(root.rglob("*_labelIds.png")).unlink()
    with pytest.raises(DataError, match=r"_leftImg8bit\.png: has no label; expected .*_gtFine_labelIds\.png or"):
        open_dataset("cityscapes", root, split="test")


def test_wrong_names_splits_and_options_say_what_is_allowed(camvid_folder: Path) -> None:
    with pytest.raises(UsageError, match="unknown dataset 'kitti'; known: streets, cityscapes, camvid"):
        open_dataset("kitti")
    with pytest.raises(UsageError, match="camvid needs its folder: --data camvid=PATH"):
        open_dataset("camvid")
    with pytest.raises(UsageError, match="streets is embedded"):
        open_dataset("streets", camvid_folder)
    with pytest.raises(UsageError, match="dataset streets: unknown option 'colour'; known: split, size, count, seed"):
        open_dataset("streets", split="test", colour=1)
    with pytest.raises(UsageError, match="dataset camvid: unknown option 'spilt'; the nearest is split"):
        open_dataset("camvid", camvid_folder, spilt="test")
    for name, root in [("streets", None), ("camvid", camvid_folder), ("cityscapes", camvid_folder)]:
        assert name in DATASETS
        with pytest.raises(DataError, match=f"{name} has no split 'dev'; known: train"):
            open_dataset(name, root, split="dev")


@pytest.mark.parametrize("limit", [None, 1, 2, 3, 7, 10, 11])
def test_a_limit_takes_that_many_ids_evenly_spaced_and_in_order(limit: int | None) -> None:
    ids = [f"{k:02d}" for k in range(10)]
    taken = spaced(ids, limit)
    assert len(taken) == min(limit or 10, 10)
    assert list(taken) == sorted(set(taken))
    gaps = np.diff([ids.index(x) for x in taken])
    assert gaps.size == 0 or gaps.max() - gaps.min() <= 1
