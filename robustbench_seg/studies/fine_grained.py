"""Fine-grained mIoU: over images and over classes, and over the worst tenth of the images, from stored counts.

The usual mIoU sums counts over the split, so large objects and full images decide it. Here each image i has an IoU of
each class c that its label has,

    IoU(i, c) = TP / (TP + FP + FN),

over its labelled pixels. A class that is not in the image's label has none, so false positives of that class lower only
the classes that they replace. With I(c) the images whose label has c, and C(i) the classes of image i:

    mIoU^I    = mean over i of the mean over C(i) of IoU(i, c)
    mIoU^I10  = the same mean over the max(1, floor(n / 10)) images with the lowest mean over C(i), of n
    mIoU^C    = mean over c of the mean over I(c) of IoU(i, c)
    mIoU^C10  = mean over c of the mean over the max(1, floor(n / 10)) lowest IoU(i, c), of the n images in I(c)

All are 0-1, higher is better. An image without a labelled pixel, and a class in no label, do not count.

Source: Wang et al., "Revisiting Evaluation Metrics for Semantic Segmentation: Optimization and Evaluation of
Fine-grained Intersection over Union", NeurIPS 2023 (Datasets and Benchmarks), section 3, with q = 10 %. For two
classes their program counts the second alone; here both count, as everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..metrics import Arrays, iou_per_class
from .blocks import Blocks
from .bootstrap import multiplicities
from .robustness import Conditions, headline
from .statistics import Draws

__all__ = ["MEASURES", "WORST", "FineGrained", "fine_grained", "image_class_iou", "image_iou"]

WORST = 10  # per cent of the images
RESAMPLES = 1000  # the first of the bootstrap's, and so paired with them: each sorts the images again
MEASURES = ("miou_image", f"miou_image_worst_{WORST}", "miou_class", f"miou_class_worst_{WORST}")
Place = tuple[str, str, int]  # the title of a model, corruption, severity


def image_class_iou(counts: Arrays) -> NDArray[np.float64]:
    """Compute IoU(i, c), (images, classes), NaN where the label of the image lacks the class.

    counts: intersection, predicted and labelled, (images, classes).
    """
    return np.where(counts["labelled"] > 0, iou_per_class(counts), np.nan)


def image_iou(counts: Arrays) -> NDArray[np.float64]:
    """Compute the mean of IoU(i, c) over the classes of each image, (images,); NaN without a labelled pixel."""
    return mean_of_present(image_class_iou(counts))


def mean_of_present(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average over the last axis without NaN; NaN where there is nothing else."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(values, axis=-1) / np.count_nonzero(~np.isnan(values), axis=-1))


def lowest_mean(values: NDArray[np.float64]) -> float:
    """Average the lowest values, max(1, floor(n WORST / 100)) of n; NaN without any."""
    return float(np.sort(values)[: max(1, len(values) * WORST // 100)].mean()) if len(values) else float("nan")


def lowest_mean_drawn(values: NDArray[np.float64], drawn: NDArray[np.float64], which: NDArray[np.intp]) -> Draws:
    """Average as `lowest_mean` over the images of each row: (rows,).

    values: (images,), without NaN. drawn: how often each row has each block, (rows, blocks). which: the block of each
    image.
    """
    order = np.argsort(values, kind="stable")
    total = drawn @ np.bincount(which, minlength=drawn.shape[1])
    number = np.maximum(1, total * WORST // 100)
    until = np.minimum(np.cumsum(drawn[:, which[order]], axis=1), number[:, None])
    with np.errstate(invalid="ignore"):
        return np.where(total > 0, np.diff(until, axis=1, prepend=0) @ values[order] / number, np.nan)


@dataclass(frozen=True, eq=False)
class FineGrained:
    """The measures of each cell of one view. draws: by place and measure; of the last, only in the data."""

    draws: Mapping[Place, Mapping[str, Draws]]

    def of(self, title: str, conditions: Conditions) -> dict[tuple[str, str], Draws]:
        """Give the measures of a model by measure: clean, and the plain mean over corruptions of means over severities.

        NaN where a cell is missing.
        """
        rows = len(next(iter(self.draws.values()))[MEASURES[0]])
        values = {}
        for name in MEASURES:

            def score(corruption: str, severity: int, name: str = name) -> Draws:
                own = self.draws.get((title, corruption, severity), {})
                return own.get(name, np.full(rows, np.nan))

            values[name, "clean"] = score("clean", 0)
            if conditions:
                values[name, "mean"] = np.asarray(headline(score, conditions))
        return values


def fine_grained(cells: pd.DataFrame, blocks: Blocks) -> FineGrained:
    """Compute the measures of cells, in the data and in resamples of the blocks that `bootstrap` draws.

    cells: of `quality_frame`, with `title`, the models' names; of the same images and one view. blocks: as returned by
    `blocks_in`.
    """
    names, which = np.unique(blocks.names, return_inverse=True)
    resamples = RESAMPLES if len(names) > 1 else 0
    drawn = np.concatenate([*islice(multiplicities(len(names), resamples, 0), 1 + (resamples > 0))])
    return FineGrained(
        {
            (cell.title, cell.corruption, cell.severity): measures(
                {name: cell.counts[name][blocks.labelled] for name in ("intersection", "predicted", "labelled")},
                drawn,
                which,
            )
            for cell in cells[["title", "corruption", "severity", "counts"]].itertuples()
        }
    )


def measures(counts: Arrays, drawn: NDArray[np.float64], which: NDArray[np.intp]) -> dict[str, Draws]:
    """Compute the MEASURES of one cell. drawn: how often each row has each block. which: the block of each image."""
    by_class = image_class_iou(counts)
    by_image = mean_of_present(by_class)
    labelled = ~np.isnan(by_image)
    lowest = np.full(len(drawn), np.nan)
    lowest[0] = mean_of_present(np.array([lowest_mean(part[~np.isnan(part)]) for part in by_class.T]))
    values = (
        drawn_mean(by_image[:, None], drawn, which)[:, 0],
        lowest_mean_drawn(by_image[labelled], drawn, which[labelled]),
        mean_of_present(drawn_mean(by_class, drawn, which)),
        lowest,
    )
    return dict(zip(MEASURES, values, strict=True))


def drawn_mean(values: NDArray[np.float64], drawn: NDArray[np.float64], which: NDArray[np.intp]) -> NDArray[np.float64]:
    """Average over the images of each row, without NaN: (images, columns) to (rows, columns)."""
    sums, numbers = np.zeros((2, drawn.shape[1], values.shape[1]))
    np.add.at(sums, which, np.nan_to_num(values))
    np.add.at(numbers, which, ~np.isnan(values))
    with np.errstate(invalid="ignore"):
        return np.asarray((drawn @ sums) / (drawn @ numbers))
