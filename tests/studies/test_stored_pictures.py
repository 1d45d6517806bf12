"""Shares and error maps of the pictures that a run stores, where a class is black as PASCAL VOC's background is."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from small import write_suite

from robustbench_seg.datasets import IGNORE
from robustbench_seg.datasets.voc import VOC
from robustbench_seg.measure.pictures import colourise
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.report.gallery import gallery_of
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.pictures import RIGHT, UNLABELLED, WRONG, StoredPicture, error_map, stored_pictures
from robustbench_seg.suites import read_suite

# Rows of a label: 20 of background, 16 of an aeroplane, 4 of its rim; a model that knows one class predicts background.
LABEL = np.repeat(np.array([0, 1, IGNORE], np.uint8), [20, 16, 4])[:, None].repeat(40, axis=1)
PREDICTION = np.zeros_like(LABEL)
WITHOUT_BLACK = VOC.palette[1:]


@pytest.fixture
def voc(tmp_path: Path) -> list[StoredPicture]:
    root = tmp_path / "voc"
    for place in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / place).mkdir(parents=True)
    for name in ("counted", "alone"):
        PIL.Image.new("RGB", LABEL.shape[::-1]).save(root / f"JPEGImages/{name}.jpg")
        PIL.Image.fromarray(LABEL).save(root / f"SegmentationClass/{name}.png")
    (root / "ImageSets/Segmentation/val.txt").write_text("alone\ncounted\n")
    suite = write_suite(
        tmp_path,
        models=[{"name": "constant"}],
        dataset={"name": "voc", "split": "val"},
        gallery=["counted", "alone"],
        views=["whole"],
        conditions={},
    )
    run(read_suite(str(suite)), tmp_path / "out", Options(data={"voc": root}, limit=1), Listener())
    cells = quality_frame(tmp_path / "out")
    return stored_pictures(cells.assign(title=cells["model"]), ["counted", "alone"])


def test_the_share_of_wrong_pixels_is_counted_and_missing_for_an_image_that_was_not(voc: list[StoredPicture]) -> None:
    shares = {one.image_id: (one.wrong, one.unlabelled) for one in voc}
    assert shares["counted"] == pytest.approx((16 / 36, 4 / 40))
    assert np.isnan(shares["alone"]).all()
    assert [scene.clean.predictions[0].wrong for scene in gallery_of(voc[:1], 10**6).scenes if scene.clean] == [
        pytest.approx(16 / 36)
    ]


def test_only_what_has_no_label_is_hatched_where_a_class_is_black(voc: list[StoredPicture]) -> None:
    prediction, label = (np.asarray(PIL.Image.open(path)) for path in (voc[0].prediction, voc[0].label))
    expect_map(error_map(prediction, label, voc[0].unlabelled), slice(36, 40))


def test_the_same_of_an_image_that_does_not_count(voc: list[StoredPicture]) -> None:
    alone = next(one for one in voc if np.isnan(one.unlabelled))
    prediction, label = (np.asarray(PIL.Image.open(path)) for path in (alone.prediction, alone.label))
    expect_map(error_map(prediction, label, alone.unlabelled), slice(36, 40))


def test_an_older_picture_whose_rims_are_black_too_hatches_no_class() -> None:
    label = colourise(LABEL, VOC.palette)
    label[LABEL == IGNORE] = 0
    errors = error_map(colourise(PREDICTION, VOC.palette), label, 4 / 40)
    assert (errors[:20] == RIGHT).all()
    assert (errors[20:36] == WRONG).all()


def test_what_has_no_label_stays_black_where_no_class_is() -> None:
    label, prediction = (colourise(one, WITHOUT_BLACK) for one in (LABEL, PREDICTION))
    assert not label[LABEL == IGNORE].any()
    for unlabelled in (4 / 40, float("nan")):
        expect_map(error_map(prediction, label, unlabelled), slice(36, 40))


def expect_map(errors: np.ndarray, hatched: slice) -> None:
    assert (errors[:20] == RIGHT).all()
    assert (errors[20:36] == WRONG).all()
    assert {tuple(colour) for colour in errors[hatched].reshape(-1, 3).tolist()} == {RIGHT, UNLABELLED}
