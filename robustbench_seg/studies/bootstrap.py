"""The bootstrap over images: the distribution of every score over other samples of images, from stored counts.

A split is a sample of all possible images. A resample draws as many images as the split has, with replacement, sums
their counts and computes every score again. There are 10,000 resamples. All models, conditions and views share each
resample, so differences are paired: effects that an image has on all of them cancel. If images resemble each other
(frames of a video), a resample draws blocks of images, which the data set defines. The weights of a model are fixed:
the resamples vary the images, not the training run.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 6 and 8.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import UsageError
from ..metrics import MIOU, Metric
from .counts import Counts, narrow, read_counts
from .robustness import expect_comparable
from .statistics import Draws

__all__ = ["RESAMPLES", "Resampled", "Scores", "bootstrap", "resample"]

RESAMPLES = 10_000

ROWS, COLUMNS = 1000, 1024  # resamples, and columns (cells times classes or bins), in one product of matrices


@dataclass(frozen=True, eq=False)
class Scores:
    """A metric, such as mIoU (0-1), of each cell, in the data and in each resample.

    cells: a row per cell. draws: (1 + resamples, cells); row 0 is the data. alone: (blocks, cells), the score of each
    single block, NaN if it has none. by_group: (groups, cells), the score of each of the groups of images, such as
    drives.
    """

    cells: pd.DataFrame
    draws: NDArray[np.float64]
    alone: NDArray[np.float64]
    by_group: NDArray[np.float64]
    groups: tuple[str, ...] = ()
    metric: Metric = MIOU

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return len(self.alone)

    def of(self, **fields: Any) -> Draws:
        """Return the score of the one cell with these fields, such as model="a", corruption="fog", severity=3.

        NaN without such a cell. Raises UsageError for several cells.
        """
        indices = self.places(fields)
        if len(indices) > 1:
            names = ", ".join(f"{name}={value!r}" for name, value in fields.items())
            raise UsageError(f"{len(indices)} cells have {names}; name the fields in which they differ")
        return self.draws[:, indices[0]] if len(indices) else np.full(len(self.draws), np.nan)

    def under(self, **fields: Any) -> Callable[[str, int], Draws]:
        """Return a look-up from (corruption, severity) to the scores of the cells with these fields, for `headline`.

        fields: for example a model and a view. The look-up returns NaN for a missing cell. Raises UsageError for
        several cells of one condition, and for cells of different data, models or settings: they must not share a mean.
        """
        return self.lookup(fields, self.draws)

    def with_parts(self, **fields: Any) -> Callable[[str, int], NDArray[np.float64]]:
        """Return a look-up as `under` does, with the scores of the single blocks, then groups, after the draws."""
        return self.lookup(fields, self.draws, self.alone, self.by_group)

    def lookup(
        self, fields: Mapping[str, Any], *values: NDArray[np.float64]
    ) -> Callable[[str, int], NDArray[np.float64]]:
        """Return a look-up from (corruption, severity) to a column of values, each (rows, cells), one after another."""
        indices = self.places(fields)
        cells = self.cells.iloc[indices]
        expect_comparable(cells, ["corruption", "severity"])
        places = dict(zip(zip(cells["corruption"], cells["severity"], strict=True), indices, strict=True))
        missing = np.full(sum(map(len, values)), np.nan)
        return lambda corruption, severity: (
            np.concatenate([one[:, places[corruption, severity]] for one in values])
            if (corruption, severity) in places
            else missing
        )

    def places(self, fields: Mapping[str, Any]) -> NDArray[np.intp]:
        """Return the indices of the cells with these fields."""
        return np.flatnonzero(np.logical_and.reduce([self.cells[name] == value for name, value in fields.items()]))


def bootstrap(counts: Counts, *, resamples: int = RESAMPLES, seed: int = 0) -> Scores:
    """Draw blocks with replacement, and compute every cell's score from the counts of each resample.

    A resample is scored by `metrics`, as the split is: an mIoU is the mean over the classes that occur in the labels or
    predictions. So row 0 is the number in the tables, and an interval is for that number.

    Sampling noise biases a calibration error upwards, in the data and again in each resample. So the resamples of such
    a metric are corrected, see `without_bias`. The interval is then for the true error, and the number in the table is
    in its upper part.

    The resamples depend only on the seed and the number of blocks, and sums are exact integers, so results do not
    depend on threads. Memory: 8 bytes per cell and resample or block, plus about 50 MB and 26 kB per block. Raises
    UsageError for fewer than 2 blocks or fewer than 1 resample.
    """
    names = np.unique(counts.blocks)
    if len(names) < 2 or resamples < 1:
        raise UsageError(f"a bootstrap needs 2 blocks and 1 resample at least, got {len(names)} and {resamples}")
    cells, terms = len(counts.cells), counts.terms
    step = max(1, COLUMNS // max(values[0, 0].size for values in terms.values()))
    blocks, groups = sorted_by(counts.blocks), sorted_by(counts.groups)
    parts = [slice(first, min(first + step, cells)) for first in range(0, cells, step)]

    def sums(part: slice, by: Order = blocks) -> dict[str, NDArray[np.float64]]:
        return {name: per_block(values[part, by.order], by.starts) for name, values in terms.items()}

    def scores(sums: Mapping[str, NDArray[np.float64]], shape: tuple[int, int]) -> NDArray[np.float64]:
        shaped = {name: values.reshape(*shape, *terms[name].shape[2:]) for name, values in sums.items()}
        return counts.metric.score(shaped, shape)

    draws = np.empty((1 + resamples, cells))
    alone, by_group = (np.empty((len(each.starts), cells)) for each in (blocks, groups))
    for part in parts:
        for values, each in ((alone, blocks), (by_group, groups)):
            if len(values):
                values[:, part] = scores(sums(part, each), (len(values), part.stop - part.start))
    every = [narrow(weights) for weights in multiplicities(len(names), resamples, seed)]
    for part in parts:
        own, row = sums(part), 0
        for weights in every:
            drawn = {name: weights.astype(np.float64) @ values for name, values in own.items()}
            draws[row : row + len(weights), part] = scores(drawn, (len(weights), part.stop - part.start))
            row += len(weights)
    if counts.metric.biased:
        draws[1:] = without_bias(draws, alone)
    return Scores(counts.cells, draws, alone, by_group, group_names(counts), counts.metric)


def without_bias(draws: NDArray[np.float64], alone: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift the resamples of each cell down by twice the excess of their mean over the data; NaN stay, and are skipped.

    Not below 0, unless the cell has a negative value in the data, in a resample or in a block alone: a metric that is
    never negative has no such true value. draws, alone: of `Scores`. Source: Efron and Tibshirani, chapter 10.
    """
    resampled = draws[1:]
    with np.errstate(invalid="ignore"):  # a cell without any value
        mean = np.nansum(resampled, axis=0) / np.count_nonzero(~np.isnan(resampled), axis=0)
    negative = (draws < 0).any(axis=0) | (alone < 0).any(axis=0)
    return np.asarray(np.maximum(resampled - 2 * (mean - draws[0]), np.where(negative, -np.inf, 0)))


def resample(counts: Counts) -> Scores:
    """Run `bootstrap`; with fewer than 2 blocks, return only the scores of the data, without resamples."""
    blocks = len(set(counts.blocks))
    if blocks > 1:
        return bootstrap(counts)
    sums = {name: values.sum(axis=1, dtype=np.float64) for name, values in counts.terms.items()}
    values = counts.metric.score(sums, (len(counts.cells),))
    alone, by_group = (np.repeat(values[None], number, axis=0) for number in (blocks, 0))
    return Scores(counts.cells, values[None], alone, by_group, metric=counts.metric)


class Resampled(Mapping[str, Scores]):
    """Scores by metric, each resampled when it is first asked for. cells: those that have the metric."""

    def __init__(self, cells: Mapping[str, pd.DataFrame]) -> None:
        self.cells, self.scores = cells, dict[str, Scores]()

    def __getitem__(self, name: str) -> Scores:
        if name not in self.scores:
            self.scores[name] = resample(read_counts(self.cells[name], name))
        return self.scores[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)


def multiplicities(blocks: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each block is drawn, (rows, blocks): first the data (all once), then ROWS resamples at a time."""
    rng = np.random.default_rng(seed)
    yield np.ones((1, blocks))
    for first in range(0, resamples, ROWS):
        rows = min(ROWS, resamples - first)
        yield rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=rows).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Order:
    """Images sorted by what they belong to. order: their indices. starts: where each block or group begins there."""

    order: NDArray[np.intp]
    starts: NDArray[np.intp]


def sorted_by(names: Sequence[str]) -> Order:
    """Sort images by the names of their blocks, or of their groups."""
    _, which = np.unique(names, return_inverse=True)
    order = np.argsort(which, kind="stable")
    return Order(order, np.flatnonzero(np.diff(which[order], prepend=-1)))


def group_names(counts: Counts) -> tuple[str, ...]:
    return tuple(sorted(set(counts.groups)))


def per_block(counts: NDArray[Any], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Sum (cells, images) or (cells, images, size) over the images of each block, to (blocks, cells x size).

    As float64, because products of such matrices are fast, and exact for integers with sums below 2**53.
    """
    sums = np.add.reduceat(counts, starts, axis=1, dtype=np.float64)
    return sums.swapaxes(0, 1).reshape(len(starts), -1)
