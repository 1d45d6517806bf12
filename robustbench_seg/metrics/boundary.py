"""Boundary IoU: the IoU of two masks' rims (Cheng et al., Boundary IoU, CVPR 2021, equation 1 and the released code).

The rim of a mask is the mask minus its erosion by a 3x3 box, `rim_width` times; outside of the image there is
background. So the rim holds the pixels of the mask that are within this (Chebyshev) distance of a pixel outside of the
mask, or of the image's border.
"""

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from .counts import count_pairs
from .entry import CLASS_COUNTS, Arrays, Metric
from .iou import beyond, mean_iou, overlap
from .prediction import Prediction

__all__ = ["BOUNDARY", "COLUMNS", "count_boundary", "rim_width"]

COLUMNS = tuple(f"boundary_{name}" for name in CLASS_COUNTS)

SHARE_OF_DIAGONAL = 0.02


def rim_width(height: int, width: int) -> int:
    """Compute the width of a rim in pixels: 2 % of the image's diagonal, rounded (halves to even), at least 1."""
    return max(1, round(SHARE_OF_DIAGONAL * math.hypot(height, width)))


def count_boundary(
    prediction: NDArray[np.uint8], label: NDArray[np.uint8], num_classes: int, ignore: int
) -> dict[str, NDArray[np.int64]]:
    """Count the pixels in the rims of one image's class masks: in both with the same class, predicted, labelled.

    Arguments and result are as in `count_classes`, with at most 255 classes. Pixels whose label is ignored are in no
    mask of prediction or label: masks end where such pixels begin, as they do at the image's border.
    """
    predicted, labelled = (
        np.where(rims(classes, ignore), classes, np.uint8(ignore))
        for classes in (np.where(label == ignore, label, prediction), label)
    )
    pairs = count_pairs(predicted, labelled)
    counts = pairs.diagonal(), pairs.sum(axis=1), pairs.sum(axis=0)
    return {name: count[:num_classes].copy() for name, count in zip(CLASS_COUNTS, counts, strict=True)}


def rims(classes: NDArray[np.uint8], outside: int) -> NDArray[np.bool_]:
    """Find the rims of all masks of a class map at once, as booleans (H, W).

    d erosions by a 3x3 box equal one erosion by a box of side 2 d + 1. It keeps a pixel if the window of this side
    around the pixel lies in the mask. So a pixel is in a rim if its window holds more than one value.
    """
    side = 2 * rim_width(*classes.shape) + 1
    box = np.ones((side, side), np.uint8)
    lowest, highest = (
        operation(classes, box, borderType=cv2.BORDER_CONSTANT, borderValue=outside)
        for operation in (cv2.erode, cv2.dilate)
    )
    return np.asarray(lowest != highest)


def count(prediction: Prediction) -> dict[str, NDArray[np.int64]]:
    counts = count_boundary(prediction.classes, prediction.label, prediction.num_classes, prediction.ignore)
    return dict(zip(COLUMNS, counts.values(), strict=True))


def terms(counts: Arrays) -> Arrays:
    return overlap({name: counts[column] for name, column in zip(CLASS_COUNTS, COLUMNS, strict=True)})


def contradictions(arrays: Arrays) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Check that the rims are parts of the masks."""
    right, predicted, labelled = (arrays[name] for name in CLASS_COUNTS)
    both, predicted_rim, labelled_rim = (arrays[name] for name in COLUMNS)
    yield beyond(labelled_rim, labelled), "boundary_labelled is negative, or more than labelled"
    yield beyond(predicted_rim, predicted), "boundary_predicted is negative, or more than predicted"
    least = np.minimum(np.minimum(predicted_rim, labelled_rim), right)
    yield beyond(both, least), "boundary_intersection is negative, or more than one of the counts that contain it"


BOUNDARY = Metric(
    name="boundary",
    quantity="boundary_miou",
    title="Boundary mIoU",
    columns=dict.fromkeys(COLUMNS, "classes"),
    count=count,
    terms=terms,
    value=mean_iou,
    higher=True,
    contradictions=contradictions,
)
