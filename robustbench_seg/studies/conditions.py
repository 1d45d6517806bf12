"""Scores under a data set's own conditions, such as ACDC's fog: of the images that were taken in each.

What stands before the last slash of an image's id is its condition, so one cell holds all of them. A resample draws
blocks of all images, and scores each condition by its images in it: ratios between conditions are paired.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bootstrap import Scores, resample
from .counts import Counts, blocks_in, read_counts
from .statistics import Draws, Interval, interval

__all__ = ["ConditionScores", "condition_scores", "conditions_of_images", "reference_of"]

REFERENCE = "reference"  # the last part of the name of clean partners


@dataclass(frozen=True, eq=False)
class ConditionScores:
    """A metric of cells under each condition.

    conditions: in the order of their names, the reference first. reference: the condition that the others are compared
    with, "" without one. images, blocks: how many of each condition have a labelled pixel. scores: of `bootstrap`, a
    row of its cells for each cell and condition.
    """

    conditions: tuple[str, ...]
    reference: str
    images: dict[str, int]
    blocks: dict[str, int]
    scores: Scores

    def draws(self, condition: str, **fields: object) -> Draws:
        """Look up the score of a cell under a condition, in the data and in each resample."""
        return self.scores.of(condition=condition, **fields)

    def interval(self, condition: str, draws: Draws) -> Interval:
        """Make the interval of a statistic of a condition; its ends are NaN where its blocks are too few."""
        if np.isnan(draws[0]):
            return Interval(float("nan"), float("nan"), float("nan"))
        # A resample without an image of the condition has no score of it; with 10 blocks that is one in 20,000.
        return interval(draws[~np.isnan(draws)], self.blocks[condition])

    def retention(self, condition: str, **fields: object) -> Draws:
        """Divide the score under a condition by the score under the reference."""
        return self.draws(condition, **fields) / self.draws(self.reference, **fields)


def conditions_of_images(ids: Sequence[str]) -> list[str]:
    """Name the condition of each image, "" where its id has none."""
    return [image_id.rpartition("/")[0] for image_id in ids]


def reference_of(dataset: str, conditions: Sequence[str]) -> str:
    """Choose the condition of clean partners: reference images, or all images of the first of several data sets.

    "" where there is neither.
    """
    partners = [name for name in conditions if name.rpartition("/")[2] == REFERENCE]
    first = dataset.partition("+")[0]
    return partners[0] if len(partners) == 1 else first if "+" in dataset and first in conditions else ""


def condition_scores(cells: pd.DataFrame, quantity: str = "miou") -> ConditionScores | None:
    """Score cells of the same images under each of their conditions; None where all images are of one.

    cells: of `quality_frame`. quantity: the column of a metric there. Raises StoreError as `read_counts` does.
    """
    counts = read_counts(cells, quantity)
    ids = cells.iloc[0]["counts"]["image_id"].tolist()
    labelled = blocks_in(cells).labelled
    names = np.array(conditions_of_images(ids))[labelled]
    present = sorted(set(names))
    if len(present) < 2:
        return None
    reference = reference_of(str(cells.iloc[0]["dataset"]), present)
    present.sort(key=lambda name: name != reference)
    masks = {name: names == name for name in present}
    blocks = np.array(counts.blocks)
    return ConditionScores(
        conditions=tuple(present),
        reference=reference,
        images={name: int(mask.sum()) for name, mask in masks.items()},
        blocks={name: len(set(blocks[mask])) for name, mask in masks.items()},
        scores=resample(split(counts, masks)),
    )


def split(counts: Counts, masks: Mapping[str, NDArray[np.bool_]]) -> Counts:
    """Repeat cells for each condition, with the counts of its images alone."""
    terms = {}
    for name, values in counts.terms.items():
        sides = (1, -1, *[1] * (values.ndim - 2))
        terms[name] = np.concatenate([np.where(mask.reshape(sides), values, 0) for mask in masks.values()])
    cells = pd.concat([counts.cells.assign(condition=name) for name in masks], ignore_index=True)
    return Counts(cells, counts.blocks, terms, counts.metric)
