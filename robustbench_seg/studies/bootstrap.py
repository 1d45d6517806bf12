"""The bootstrap over images: what every score would have been with other images, from stored counts.

A split's images are a sample of the images that there could have been. So images are drawn with replacement, as many as
there are, their counts summed and every score computed again; and so 10,000 times. One such draw serves all models,
conditions and views, so differences are paired: what all suffer alike on an image cancels. Where images resemble each
other (frames of a video) it is blocks of them that are drawn; the data set names them. The weights of a model are
fixed: the resamples show what other images would give, not another training run.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 6 and 8.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import UsageError
from ..metrics import MIOU, Metric
from .counts import Counts
from .robustness import expect_comparable
from .statistics import Draws

__all__ = ["Scores", "bootstrap", "resample"]

ROWS, COLUMNS = 1000, 1024  # resamples, and columns (cells times classes or bins), in one product of matrices


@dataclass(frozen=True, eq=False)
class Scores:
    """A metric, such as mIoU (0-1), of each cell, in the data and in each resample.

    cells: a row per cell. draws: (1 + resamples, cells), row 0 of the data. alone: (blocks, cells), the score of each
    block by itself; NaN where it has none.
    """

    cells: pd.DataFrame
    draws: NDArray[np.float64]
    alone: NDArray[np.float64]
    metric: Metric = MIOU

    @property
    def blocks(self) -> int:
        """How many blocks were drawn from."""
        return len(self.alone)

    def of(self, **fields: Any) -> Draws:
        """The score of the one cell with these fields, such as model="a", corruption="fog", severity=3, view="whole".

        NaN where there is none. Raises UsageError where there are several.
        """
        chosen = self.places(fields)
        if len(chosen) > 1:
            names = ", ".join(f"{name}={value!r}" for name, value in fields.items())
            raise UsageError(f"{len(chosen)} cells have {names}; name the fields in which they differ")
        return self.draws[:, chosen[0]] if len(chosen) else np.full(len(self.draws), np.nan)

    def under(self, **fields: Any) -> Callable[[str, int], Draws]:
        """The scores by corruption and severity of what these fields name: a model in a view, say; for `headline`.

        NaN where a cell is missing. Raises UsageError where a condition has several, and where conditions are of other
        data, models or settings: these must not share a mean.
        """
        return self.lookup(self.draws, fields)

    def by_block(self, **fields: Any) -> Callable[[str, int], NDArray[np.float64]]:
        """Look up as `under` does what each block has alone: (blocks,)."""
        return self.lookup(self.alone, fields)

    def lookup(
        self, values: NDArray[np.float64], fields: Mapping[str, Any]
    ) -> Callable[[str, int], NDArray[np.float64]]:
        """Give the columns of values, (rows, cells), by corruption and severity."""
        chosen = self.places(fields)
        cells = self.cells.iloc[chosen]
        expect_comparable(cells, ["corruption", "severity"])
        places = dict(zip(zip(cells["corruption"], cells["severity"], strict=True), chosen, strict=True))
        missing = np.full(len(values), np.nan)
        return lambda corruption, severity: (
            values[:, places[corruption, severity]] if (corruption, severity) in places else missing
        )

    def places(self, fields: Mapping[str, Any]) -> NDArray[np.intp]:
        """Which cells have these fields."""
        return np.flatnonzero(np.logical_and.reduce([self.cells[name] == value for name, value in fields.items()]))


def bootstrap(counts: Counts, *, resamples: int = 10_000, seed: int = 0) -> Scores:
    """Draw blocks with replacement, and compute every cell's score from the counts of the drawn.

    A resample is scored as the split itself is, by `metrics`: an mIoU is the mean over the classes that occur in its
    labels or predictions. So row 0 is the number of the tables, and an interval belongs to that.

    Chance makes a calibration error larger, in the data already and in a resample once more. So the resamples of such a
    metric are moved down by twice as much as they are above the data on average (Efron and Tibshirani, chapter 10),
    though not below 0: an interval is then one of the true error, and the number of the table is in its upper part.

    The drawn blocks depend only on the seed and the number of blocks, and the sums are exact integers, so results do
    not depend on threads. Memory: 8 bytes for each cell and resample or block, and in addition some 50 MB and 8 kB per
    block.
    Raises UsageError for fewer than 2 blocks or fewer than 1 resample.
    """
    names, block = np.unique(counts.blocks, return_inverse=True)
    if len(names) < 2 or resamples < 1:
        raise UsageError(f"a bootstrap needs 2 blocks and 1 resample at least, got {len(names)} and {resamples}")
    cells, terms = len(counts.cells), counts.terms
    step = max(1, COLUMNS // max(values[0, 0].size for values in terms.values()))
    order = np.argsort(block, kind="stable")
    starts = np.flatnonzero(np.diff(block[order], prepend=-1))
    parts = [slice(first, min(first + step, cells)) for first in range(0, cells, step)]

    def sums(part: slice) -> dict[str, NDArray[np.float64]]:
        return {name: per_block(values[part, order], starts) for name, values in terms.items()}

    def scores(sums: Mapping[str, NDArray[np.float64]], shape: tuple[int, int]) -> NDArray[np.float64]:
        shaped = {name: values.reshape(*shape, *terms[name].shape[2:]) for name, values in sums.items()}
        return counts.metric.score(shaped, shape)

    draws, alone = np.empty((1 + resamples, cells)), np.empty((len(names), cells))
    for part in parts:
        alone[:, part] = scores(sums(part), (len(names), part.stop - part.start))
    row = 0
    for weights in multiplicities(len(names), resamples, seed):
        for part in parts:
            drawn = {name: weights @ values for name, values in sums(part).items()}
            draws[row : row + len(weights), part] = scores(drawn, (len(weights), part.stop - part.start))
        row += len(weights)
    if counts.metric.biased:
        bias = draws[1:].mean(axis=0) - draws[0]
        draws[1:] = np.maximum(draws[1:] - 2 * bias, 0)
    return Scores(counts.cells, draws, alone, counts.metric)


def resample(counts: Counts) -> Scores:
    """Give `bootstrap` its counts; of less than 2 blocks, which cannot be drawn, the scores of the data alone."""
    blocks = len(set(counts.blocks))
    if blocks > 1:
        return bootstrap(counts)
    sums = {name: values.sum(axis=1, dtype=np.float64) for name, values in counts.terms.items()}
    values = counts.metric.score(sums, (len(counts.cells),))
    return Scores(counts.cells, values[None], np.repeat(values[None], blocks, axis=0), counts.metric)


def multiplicities(blocks: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each block was drawn, (rows, blocks): first every block once, then the resamples, ROWS at a time."""
    rng = np.random.default_rng(seed)
    yield np.ones((1, blocks))
    for first in range(0, resamples, ROWS):
        rows = min(ROWS, resamples - first)
        yield rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=rows).astype(np.float64)


def per_block(counts: NDArray[Any], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Sum (cells, images) or (cells, images, size) over the images of each block, to (blocks, cells x size).

    As float64, since products of such matrices are quick, and exact for integers whose sums are below 2**53.
    """
    sums = np.add.reduceat(counts, starts, axis=1, dtype=np.float64)
    return sums.swapaxes(0, 1).reshape(len(starts), -1)
