"""Scores under the conditions of a data set, such as the fog of ACDC.

The condition of an image is the part of its id before the last slash; one cell holds the images of all conditions. A
resample draws blocks of all images, and scores each condition from its images among them. So ratios between conditions
are paired.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .arms import Entry
from .bootstrap import Scores, resample
from .counts import Counts, blocks_in, read_counts
from .runs import Runs
from .statistics import NOTHING, Draws, Interval, interval

__all__ = ["RETENTION", "ConditionScores", "condition_scores", "conditions_of_images", "reference_of"]

REFERENCE = "reference"  # the last part of the name of clean partners
RETENTION = "retention"  # among the values of conditions


@dataclass(frozen=True, eq=False)
class ConditionScores:
    """A metric of cells under each condition.

    conditions: the reference first, then sorted by name. reference: the condition that the others are compared with, ""
    if there is none. images, blocks: for each condition, the number with a labelled pixel. classes: those with a
    labelled pixel, by their place. scores: from `bootstrap`, with a row per cell and condition.
    """

    conditions: tuple[str, ...]
    reference: str
    images: dict[str, int]
    blocks: dict[str, int]
    classes: dict[str, tuple[int, ...]]
    scores: Scores

    @property
    def others(self) -> list[str]:
        """The conditions except the reference."""
        return [name for name in self.conditions if name != self.reference]

    def differ(self, names: Sequence[str]) -> str:
        """State how many classes these conditions have, if not the same: their scores do not compare; "" if they do."""
        if len({self.classes[name] for name in names}) == 1:
            return ""
        numbers = sorted({len(self.classes[name]) for name in names})
        return f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]} each, not the same"

    def draws(self, condition: str, **fields: object) -> Draws:
        """Look up the score of a cell under a condition, in the data and in each resample."""
        return self.scores.of(condition=condition, **fields)

    def values(self, **fields: object) -> dict[str, Draws]:
        """Look up the score of a cell under each condition.

        With a reference, RETENTION too: the mean under the other conditions, divided by the score under the reference;
        NaN if that is 0, or if the conditions have not all the same classes.
        """
        values = {name: self.draws(name, **fields) for name in self.conditions}
        if self.reference:
            reference, alike = values[self.reference], not self.differ(self.conditions)
            mean = np.mean([values[name] for name in self.others], axis=0)
            values[RETENTION] = mean / np.where((reference > 0) & alike, reference, np.nan)
        return values

    def interval(self, name: str, draws: Draws) -> Interval:
        """Compute the interval of one of `values`; its ends are NaN if the condition has too few blocks.

        RETENTION, which needs all conditions, has the blocks of the condition with the fewest.
        """
        if np.isnan(draws[0]):
            return NOTHING
        # A resample without an image of the condition has no score for it; with 10 blocks this is one in 20,000.
        return interval(draws[~np.isnan(draws)], self.blocks_of(name))

    def intervals(self, entry: Entry, name: str) -> tuple[Interval, Interval]:
        """Make `interval` of one of a row's `values`, and that over images and runs."""
        number, runs = self.interval(name, entry.values[name]), [values[name] for values in entry.runs]
        there = ~np.isnan(np.sum(runs, axis=0))
        if len(runs) < 2 or not there[0]:
            return number, Interval(number.estimate)
        return number, Runs([draws[there] for draws in runs], (), self.blocks_of(name)).interval

    def blocks_of(self, name: str) -> int:
        """Count the blocks of one of `values`."""
        return self.blocks.get(name, min(self.blocks.values()))

    def worst(self, values: Mapping[str, Draws]) -> str:
        """The condition with the lowest of `values`, except the reference."""
        return min(self.others, key=lambda name: float(np.nan_to_num(values[name][0], nan=np.inf)))


def conditions_of_images(ids: Sequence[str]) -> list[str]:
    """Return the condition of each image, "" if its id has none."""
    return [image_id.rpartition("/")[0] for image_id in ids]


def reference_of(dataset: str, conditions: Sequence[str]) -> str:
    """Choose the condition of clean partners: reference images, or all images of the first of several data sets.

    Returns "" if there is neither.
    """
    partners = [name for name in conditions if name.rpartition("/")[2] == REFERENCE]
    first = dataset.partition("+")[0]
    return partners[0] if len(partners) == 1 else first if "+" in dataset and first in conditions else ""


def condition_scores(cells: pd.DataFrame, quantity: str = "miou") -> ConditionScores | None:
    """Score cells of the same images under each condition; None if all images have the same condition.

    cells: from `quality_frame`. quantity: the column of a metric in the frame. Raises StoreError as `read_counts` does.
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
    pixels = np.asarray(cells.iloc[0]["counts"]["labelled"])[labelled]
    return ConditionScores(
        conditions=tuple(present),
        reference=reference,
        images={name: int(mask.sum()) for name, mask in masks.items()},
        blocks={name: len(set(blocks[mask])) for name, mask in masks.items()},
        classes={name: tuple(np.flatnonzero(pixels[mask].any(axis=0)).tolist()) for name, mask in masks.items()},
        scores=resample(split_by_condition(counts, masks)),
    )


def split_by_condition(counts: Counts, masks: Mapping[str, NDArray[np.bool_]]) -> Counts:
    """Repeat the cells for each condition, with the counts of its images only."""
    terms = {}
    for name, values in counts.terms.items():
        sides = (1, -1, *[1] * (values.ndim - 2))
        terms[name] = np.concatenate([np.where(mask.reshape(sides), values, 0) for mask in masks.values()])
    cells = pd.concat([counts.cells.assign(condition=name) for name in masks], ignore_index=True)
    return Counts(cells, counts.blocks, terms, counts.metric)
