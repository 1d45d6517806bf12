"""Boundary IoU against its definition: one class mask at a time, eroded step by step."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from robustbench_seg.metrics import count_boundary, count_classes, miou, rim_width

IGNORE = 255
CLASSES = 5
NAMES = ("intersection", "predicted", "labelled")


def official_rim(mask: np.ndarray) -> np.ndarray:
    """The mask less d erosions by 3x3, with a border of background put around it first, as in the paper's code."""
    height, width = mask.shape
    steps = max(1, round(0.02 * np.sqrt(height**2 + width**2)))
    framed = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    eroded = cv2.erode(framed, np.ones((3, 3), np.uint8), iterations=steps)[1:-1, 1:-1]
    return mask & (eroded == 0)


def scipy_rim(mask: np.ndarray) -> np.ndarray:
    steps = max(1, round(0.02 * np.hypot(*mask.shape)))
    return mask & ~ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=steps, border_value=0)


def slowly(prediction: np.ndarray, label: np.ndarray, rim: object) -> list[list[int]]:
    """Per class: mask of each side over labelled pixels, its rim, three sums."""
    valid = label != IGNORE
    rims = [(rim(valid & (prediction == k)), rim(valid & (label == k))) for k in range(CLASSES)]
    return [
        [int((of_prediction & of_label).sum()) for of_prediction, of_label in rims],
        [int(of_prediction.sum()) for of_prediction, _ in rims],
        [int(of_label.sum()) for _, of_label in rims],
    ]


def patches(height: int, width: int, seed: int) -> np.ndarray:
    """Blobs of classes, some of them larger than a rim is wide, and single pixels."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, CLASSES, (-(-height // 17), -(-width // 23))).astype(np.uint8)
    found = np.kron(coarse, np.ones((17, 23), np.uint8))[:height, :width]
    found[rng.random(found.shape) < 0.002] = rng.integers(CLASSES)
    return found


def maps(height: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    label, prediction = patches(height, width, seed), patches(height, width, seed + 100)
    agree = patches(height, width, seed + 200) < 3
    prediction = np.where(agree, np.roll(label, seed % 4, axis=1), prediction)
    label = np.where(patches(height, width, seed + 300) == 0, IGNORE, label).astype(np.uint8)
    label[-5:] = IGNORE
    return prediction, label


@pytest.mark.parametrize("size", [(96, 120), (61, 203), (240, 31), (20, 20), (3, 7), (1, 1)])
@pytest.mark.parametrize("rim", [official_rim, scipy_rim])
def test_counts_are_those_of_each_mask_less_its_erosions(size: tuple[int, int], rim: object) -> None:
    for seed in range(4):
        prediction, label = maps(*size, seed)
        counts = count_boundary(prediction, label, CLASSES, IGNORE)
        assert [counts[name].tolist() for name in NAMES] == slowly(prediction, label, rim)
        assert {counts[name].dtype for name in NAMES} == {np.dtype(np.int64)}


def test_a_rim_is_two_percent_of_the_diagonal_wide_and_at_least_a_pixel() -> None:
    assert [rim_width(*size) for size in ((360, 480), (1024, 2048), (30, 40), (2, 2))] == [12, 46, 1, 1]


@pytest.mark.parametrize("seed", range(3))
def test_a_perfect_prediction_has_1_whatever_it_says_where_labels_are_ignored(seed: int) -> None:
    prediction, label = maps(90, 130, seed)
    prediction = np.where(label == IGNORE, prediction, label)
    assert miou(count_boundary(prediction, label, CLASSES, IGNORE)) == 1


def test_a_shifted_contour_costs_a_rim_more_than_a_mask() -> None:
    label = np.zeros((100, 100), np.uint8)
    label[:, 50:] = 1
    prediction = np.roll(label, 2, axis=1)
    prediction[:, :2] = 0
    masks = count_classes(prediction, label, 2, IGNORE)
    assert miou(count_boundary(prediction, label, 2, IGNORE)) < miou(masks) - 0.1


@pytest.mark.parametrize("seed", range(3))
def test_rims_lie_in_their_masks(seed: int) -> None:
    prediction, label = maps(200, 260, seed)
    rims, masks = (count(prediction, label, CLASSES, IGNORE) for count in (count_boundary, count_classes))
    for name in NAMES:
        assert (rims[name] <= masks[name]).all()
    for name in ("predicted", "labelled"):
        assert ((rims[name] == 0) == (masks[name] == 0)).all(), "a mask that is there has a rim"


def test_mirroring_and_turning_an_image_changes_no_count() -> None:
    prediction, label = maps(90, 130, 0)
    for turn in (np.flipud, np.fliplr, np.rot90):
        one = count_boundary(prediction, label, CLASSES, IGNORE)
        other = count_boundary(*(np.ascontiguousarray(turn(x)) for x in (prediction, label)), CLASSES, IGNORE)
        assert all(np.array_equal(one[name], other[name]) for name in NAMES)


def test_nothing_labelled_gives_nan() -> None:
    nothing = np.full((9, 9), IGNORE, np.uint8)
    counts = count_boundary(np.zeros_like(nothing), nothing, CLASSES, IGNORE)
    assert np.isnan(miou(counts))
