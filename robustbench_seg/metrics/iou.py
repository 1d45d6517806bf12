"""Intersection over union from counts, as in Cityscapes' evaluation."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .counts import count_classes
from .entry import CLASS_COUNTS, Arrays, Metric
from .prediction import Prediction

__all__ = [
    "MIOU",
    "best_constant_miou",
    "beyond",
    "iou_per_class",
    "largest_predicted_share",
    "mean_iou",
    "miou",
    "overlap",
]


def overlap(counts: Arrays) -> dict[str, NDArray[np.int64]]:
    """Compute intersection and union of each class. counts: by CLASS_COUNTS, (..., classes)."""
    intersection, predicted, labelled = (counts[name] for name in CLASS_COUNTS)
    return {"intersection": intersection, "union": predicted + labelled - intersection}


def iou_per_class(counts: Arrays) -> NDArray[np.float64]:
    """Compute the IoU of each class, 0-1, higher is better; NaN for a class in neither labels nor predictions.

    counts: by CLASS_COUNTS, or as returned by `overlap`, (..., classes).
    """
    terms = counts if "union" in counts else overlap(counts)
    with np.errstate(invalid="ignore"):
        return np.asarray(terms["intersection"] / terms["union"])


def mean_iou(terms: Arrays) -> NDArray[np.float64]:
    """Average the IoU over the classes with a union, (..., classes) to (...); NaN without such a class.

    terms: as returned by `overlap`.
    """
    iou = iou_per_class(terms)
    present = ~np.isnan(iou)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(present, iou, 0).sum(axis=-1) / present.sum(axis=-1))


def miou(counts: Arrays) -> float:
    """Average the IoU over the classes in labels or predictions, 0-1, higher is better; NaN without such a class.

    counts: by CLASS_COUNTS, (classes,). Sum the counts of all images first: this is not a mean over images.
    """
    return MIOU.of(counts)


def best_constant_miou(counts: Arrays, pixels: int | None = None) -> float:
    """Compute the mIoU of the best model that predicts one class for every pixel: a model must exceed it.

    pixels: how many predictions count, by default as many as are labelled.
    """
    labelled = counts["labelled"]
    if labelled.sum() == 0:
        return float("nan")
    return float(labelled.max() / (pixels or labelled.sum()) / np.count_nonzero(labelled))


def largest_predicted_share(counts: Arrays, pixels: int | None = None) -> float:
    """Compute the share of pixels whose prediction is the most frequent class, 0-1; NaN without pixels.

    pixels: as in `best_constant_miou`; those that an aligned model predicts as none of the classes are pixels, too.
    """
    total = pixels or counts["labelled"].sum()
    return float(counts["predicted"].max() / total) if total else float("nan")


def beyond(count: NDArray[np.int64], most: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Find the counts that are negative, or more than `most`."""
    return (count < 0) | (count > most)


def contradictions(arrays: Arrays) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Check that all counts are of labelled pixels."""
    pixels = (arrays["height"].astype(np.int64) * arrays["width"])[:, None]
    intersection, predicted, labelled = (arrays[name] for name in CLASS_COUNTS)
    yield beyond(labelled, pixels), "labelled is negative, or more than its pixels"
    yield beyond(predicted, pixels), "predicted is negative, or more than its pixels"
    most = np.minimum(predicted, labelled)
    yield beyond(intersection, most), "intersection is negative, or more than predicted or labelled"
    yield labelled.sum(axis=1) > pixels[:, 0], "labelled sums to more than its pixels"


def count(prediction: Prediction) -> dict[str, NDArray[np.int64]]:
    void = prediction.void == "counted"
    return count_classes(prediction.classes, prediction.label, prediction.num_classes, prediction.ignore, void=void)


MIOU = Metric(
    name="miou",
    title="mIoU",
    columns=dict.fromkeys(CLASS_COUNTS, "classes"),
    count=count,
    terms=overlap,
    value=mean_iou,
    higher=True,
    contradictions=contradictions,
)
