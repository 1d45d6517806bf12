"""Counts and mIoU against scikit-learn's confusion matrix and jaccard_score."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, jaccard_score

from robustbench_seg.metrics import (
    best_constant_miou,
    count_classes,
    iou_per_class,
    largest_predicted_share,
    miou,
)
from robustbench_seg.metrics.counts import count_pairs

IGNORE = 255


def random_maps(classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, classes, (37, 53)).astype(np.uint8)
    prediction = np.where(rng.random(label.shape) < 0.6, label, rng.integers(0, classes, label.shape)).astype(np.uint8)
    label[rng.random(label.shape) < 0.1] = IGNORE
    return prediction, label


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_the_margins_of_scikit_learns_confusion_matrix(seed: int) -> None:
    prediction, label = random_maps(7, seed)
    counts = count_classes(prediction, label, 7, IGNORE)
    valid = label != IGNORE
    matrix = confusion_matrix(label[valid], prediction[valid], labels=range(7))
    assert np.array_equal(counts["intersection"], np.diag(matrix))
    assert np.array_equal(counts["predicted"], matrix.sum(axis=0))
    assert np.array_equal(counts["labelled"], matrix.sum(axis=1))
    assert {count.dtype for count in counts.values()} == {np.dtype(np.int64)}


@pytest.mark.parametrize("seed", range(5))
def test_miou_of_summed_counts_is_scikit_learns_macro_jaccard(seed: int) -> None:
    maps = [random_maps(5, 10 * seed + k) for k in range(3)]
    each = [count_classes(*pair, 5, IGNORE) for pair in maps]
    total = {name: sum(counts[name] for counts in each) for name in ("intersection", "predicted", "labelled")}
    labels = np.concatenate([label[label != IGNORE] for _, label in maps])
    predictions = np.concatenate([prediction[label != IGNORE] for prediction, label in maps])
    assert miou(total) == pytest.approx(jaccard_score(labels, predictions, average="macro"), abs=1e-12)
    expected = jaccard_score(labels, predictions, average=None)
    np.testing.assert_allclose(iou_per_class(total), expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_where_void_counts_a_prediction_without_a_label_is_in_the_union_of_its_class(seed: int) -> None:
    """Against ESPNet's table: unlabelled pixels are one more class of the ground truth, which the mean leaves out."""
    prediction, label = random_maps(5, seed)
    prediction[:3] = 5  # an aligned model's: none of the classes
    table = [[0] * 6 for _ in range(6)]
    for truth, found in zip(label.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        table[5 if truth == IGNORE else truth][found] += 1
    expected = []
    for k in range(5):
        union = sum(table[k]) + sum(row[k] for row in table) - table[k][k]
        expected.append(table[k][k] / union)
    counts = count_classes(prediction, label, 5, IGNORE, void=True)
    np.testing.assert_allclose(iou_per_class(counts), expected, atol=1e-15)
    assert miou(counts) == pytest.approx(sum(expected) / 5, abs=1e-15)
    usual = count_classes(prediction, label, 5, IGNORE)
    assert miou(counts) < miou(usual)
    assert counts["predicted"].sum() == (prediction < 5).sum() > usual["predicted"].sum()
    constants = [miou(count_classes(np.full_like(label, k), label, 5, IGNORE, void=True)) for k in range(5)]
    assert best_constant_miou(counts, label.size) == pytest.approx(max(constants), abs=1e-15)
    assert largest_predicted_share(counts, label.size) == np.bincount(prediction.ravel())[:5].max() / label.size


def test_a_class_that_occurs_nowhere_is_left_out_and_one_that_is_only_predicted_counts_as_zero() -> None:
    label = np.array([[0, 0], [0, 0]], np.uint8)
    prediction = np.array([[0, 0], [0, 1]], np.uint8)
    counts = count_classes(prediction, label, 3, IGNORE)
    iou = iou_per_class(counts)
    assert iou[0] == 0.75
    assert iou[1] == 0
    assert np.isnan(iou[2])
    assert miou(counts) == 0.375


def test_nothing_labelled_gives_nan_and_not_zero() -> None:
    counts = count_classes(np.zeros((2, 2), np.uint8), np.full((2, 2), IGNORE, np.uint8), 3, IGNORE)
    assert counts["predicted"].sum() == 0
    assert np.isnan(miou(counts))
    assert np.isnan(best_constant_miou(counts))
    assert np.isnan(largest_predicted_share(counts))


@pytest.mark.parametrize("seed", range(3))
def test_the_best_constant_is_the_best_of_all_constants_tried(seed: int) -> None:
    prediction, label = random_maps(6, seed)
    label[label == 2] = 4
    constants = [miou(count_classes(np.full_like(label, k), label, 6, IGNORE)) for k in range(6)]
    assert best_constant_miou(count_classes(prediction, label, 6, IGNORE)) == pytest.approx(max(constants), abs=1e-15)


def test_the_largest_predicted_share_is_over_labelled_pixels() -> None:
    label = np.array([[0, 1, 1, IGNORE]], np.uint8)
    prediction = np.array([[1, 1, 0, 2]], np.uint8)
    assert largest_predicted_share(count_classes(prediction, label, 3, IGNORE)) == 2 / 3


def test_maps_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"prediction is \(2, 2\), label \(2, 3\)"):
        count_classes(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), 3, IGNORE)
    with pytest.raises(ValueError, match=r"class 7 is outside 0 \.\. 2"):
        count_classes(np.zeros((2, 2), np.uint8), np.full((2, 2), 7, np.uint8), 3, IGNORE)
    with pytest.raises(ValueError, match=r"class 7 is outside 0 \.\. 2"):
        count_classes(np.full((2, 2), 7, np.uint8), np.full((2, 2), IGNORE, np.uint8), 3, IGNORE, void=True)
    with pytest.raises(ValueError, match="ignore is -1"):
        count_classes(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8), 3, -1)


def test_pairs_are_those_of_a_loop_over_pixels() -> None:
    rng = np.random.default_rng(3)
    first, second = (rng.integers(0, 256, (17, 23)).astype(np.uint8) for _ in range(2))
    slow = np.zeros((256, 256), np.int64)
    for one, other in zip(first.ravel(), second.ravel(), strict=True):
        slow[one, other] += 1
    pairs = count_pairs(first, second)
    assert pairs.dtype == np.int64
    assert np.array_equal(pairs, slow)
