"""The per-image counts of chosen cells as arrays, for statistics: no model runs again, and no torch is needed.

Every metric is a function of two kinds of integers, each summed over the images first: `METRICS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..datasets import blocks_of
from ..errors import StoreError
from ..metrics.calibration import QUANTA
from ..store.cell import CLEAN
from ..store.columns import BOUNDARY_COUNTS, CALIBRATION_COUNTS, COUNTS, LIKELIHOOD
from ..store.file import read_columns
from .blocks import Blocks, blocks_by_counts

__all__ = ["METRICS", "Counts", "Metric", "blocks_in", "read_counts"]

Integers = NDArray[Any]  # int32 or int64 (images, columns)
Sums = NDArray[np.float64]  # over images: (..., columns), of integers below 2**53, but for an enormous likelihood


@dataclass(frozen=True)
class Metric:
    """How a metric comes from counts.

    columns: of the store, that it needs. parts: makes upper and lower counts of them. value: makes the metric of the
    sums of these, (..., columns) each, to (...); NaN where there is nothing. dtype: holds the counts of an image.
    biased: whether chance alone makes it larger, as it does a mean of absolute values.
    """

    columns: tuple[str, ...]
    parts: Callable[..., tuple[Integers, Integers]]
    value: Callable[[Sums, Sums], Sums]
    dtype: type[np.signedinteger[Any]] = np.int64
    biased: bool = False


def overlap(intersection: Integers, predicted: Integers, labelled: Integers) -> tuple[Integers, Integers]:
    """Intersection and union of each class."""
    return intersection, predicted + labelled - intersection


def mean_iou(intersection: Sums, union: Sums) -> Sums:
    """The mean of IoU over the classes that have a union."""
    counted = union > 0
    with np.errstate(invalid="ignore"):
        iou = np.divide(intersection, union, out=np.zeros_like(union), where=counted)
        return np.asarray(iou.sum(axis=-1) / counted.sum(axis=-1))


def gaps(pixels: Integers, correct: Integers, confidence: Integers) -> tuple[Integers, Integers]:
    """How far the accuracy of each bin is above its confidence, times its pixels and in quanta; and its pixels."""
    return correct * QUANTA - confidence, pixels


def mean_gap(gap: Sums, pixels: Sums) -> Sums:
    """The expected calibration error."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(gap).sum(axis=-1) / QUANTA / pixels.sum(axis=-1))


def likelihood(negative_log_likelihood: Integers, labelled: Integers) -> tuple[Integers, Integers]:
    """The sum over labelled pixels, and how many there are."""
    return negative_log_likelihood[:, None], labelled.sum(axis=1, keepdims=True)


def mean_likelihood(negative_log_likelihood: Sums, pixels: Sums) -> Sums:
    """The negative log-likelihood per pixel."""
    with np.errstate(invalid="ignore"):
        return np.asarray(negative_log_likelihood[..., 0] / QUANTA / pixels[..., 0])


# By their column of `quality_frame`.
METRICS: Mapping[str, Metric] = {
    "miou": Metric(COUNTS, overlap, mean_iou, np.int32),
    "boundary_miou": Metric(BOUNDARY_COUNTS, overlap, mean_iou, np.int32),
    "ece": Metric(CALIBRATION_COUNTS, gaps, mean_gap, biased=True),
    "nll": Metric((LIKELIHOOD, COUNTS[2]), likelihood, mean_likelihood),
}


@dataclass(frozen=True, eq=False)
class Counts:
    """What one metric is made of, per cell, image and column: for mIoU, intersection and union of each class.

    cells: a row per cell, as they stand on the first axis. blocks: the name of each image's block, one per image.
    upper, lower: integers (cells, images, columns), all over pixels whose label is not ignored. Images: those that have
    any such pixel.
    """

    cells: pd.DataFrame
    blocks: tuple[str, ...]
    upper: NDArray[Any]
    lower: NDArray[Any]
    metric: Metric = METRICS["miou"]


def read_counts(cells: pd.DataFrame, metric: str = "miou") -> Counts:
    """Read the counts of cells of one data set and choice of images.

    cells: those of `quality_frame` that are asked for, such as quality_frame(folder).query("severity == 3"); those of
    several folders may be concatenated. metric: of METRICS. Memory: 8 bytes for each cell, image and class (16 for each
    of the 15 bins of "ece"), and one file.
    Raises StoreError where there is no cell, where cells differ in images, labels or classes, or lack the counts, and
    for a file that is another than when the frame was made.
    """
    if not len(cells):
        raise StoreError("no cell fits what was asked for")
    first = cells.iloc[0]
    chosen = METRICS[metric]
    upper = lower = np.empty(0, chosen.dtype)
    for k, cell in enumerate(cells.itertuples()):
        if (cell.fingerprint, cell.truth) != (first["fingerprint"], first["truth"]):
            raise StoreError(
                f"{cell.path}: is of other images or labels than {first['path']}; only the same are compared"
            )
        if cell.class_names != first["class_names"]:
            raise StoreError(f"{cell.path}: has other classes than {first['path']}")
        found = read_columns(cell.path, ["image_id", *chosen.columns], cell.stamp)
        if absent := [name for name in chosen.columns if name not in found]:
            raise StoreError(f"{cell.path}: has no {absent[0]}; that metric was off when it was measured")
        above, below = chosen.parts(*(found[name] for name in chosen.columns))
        if k == 0:
            upper, lower = (np.empty((len(cells), *part.shape), chosen.dtype) for part in (above, below))
        upper[k], lower[k] = above, below
    blocks = blocks_in(cells)
    if not blocks.labelled.all():
        upper, lower = (part[:, blocks.labelled] for part in (upper, lower))
    return Counts(cells.reset_index(drop=True), blocks.names, upper, lower, chosen)


def blocks_in(cells: pd.DataFrame) -> Blocks:
    """Find what is drawn of the images of these cells, by the counts of a clean cell where there is one.

    Noise would set an image apart from its copy, as every image has noise of its own.
    """
    clean = cells[cells["corruption"] == CLEAN]
    first = (clean if len(clean) else cells).iloc[0]
    found = read_columns(first["path"], ["image_id", *COUNTS], first["stamp"])
    names = blocks_of(first["dataset"], found["image_id"].tolist())
    intersection, predicted, labelled = (found[name] for name in COUNTS)
    return blocks_by_counts(names, labelled, np.concatenate([intersection, predicted], axis=1))
