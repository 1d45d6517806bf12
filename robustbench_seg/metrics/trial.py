"""A trial of a metric of a user's own before the first cell, on sums that are easily predicted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .entry import CLASS_COUNTS, Arrays, Metric

__all__ = ["expect_value"]

FACTORS = np.arange(1, 7).reshape(2, 3)  # what all columns of a cell are, by resample and cell


def expect_value(metric: Metric, num_classes: int) -> None:
    """Raise UsageError where terms or value can't be made of sums, or a cell's value depends on other cells.

    They are made in a table of cells, of float64, as resamples are, and of each cell alone, of integers, as a split is.
    """
    sizes = dict.fromkeys(CLASS_COUNTS, num_classes) | metric.sizes(num_classes)
    sums = {k: columns_of(sizes[k]) for k in metric.reads}
    terms = linear_terms(metric, sums)
    values = metric.score({name: term.astype(np.float64) for name, term in terms.items()}, FACTORS.shape)
    for place in np.ndindex(*FACTORS.shape):
        alone = metric.of({name: each[place] for name, each in sums.items()})
        if not np.isclose(alone, values[place], rtol=1e-9, equal_nan=True):
            raise UsageError(
                f"metric {metric.name}: its value of a cell depends on other cells: {values[place]:g} next to these, "
                f"{alone:g} alone; reduce no axis but the last of a list"
            )


def columns_of(size: int | None) -> NDArray[np.int64]:
    return FACTORS if size is None else np.repeat(FACTORS[..., None], size, axis=2)


def linear_terms(metric: Metric, sums: Arrays) -> dict[str, NDArray[Any]]:
    """Make the terms of sums that are FACTORS. Raises UsageError unless they are integers, and FACTORS times others."""
    try:
        terms = {name: np.asarray(term) for name, term in metric.terms(sums).items()}
    except Exception as error:
        raise UsageError(f"metric {metric.name}: its terms raise {type(error).__name__}: {error}") from error
    for name, term in terms.items():
        if term.dtype.kind not in "iu" or term.ndim not in (2, 3) or term.shape[:2] != FACTORS.shape:
            raise UsageError(
                f"metric {metric.name}: of integers {FACTORS.shape} its term {name!r:.60} is {term.dtype} "
                f"{term.shape}; it must be of integers and keep these axes"
            )
        if not np.array_equal(term.T, FACTORS.T * np.expand_dims(term[0, 0], (-2, -1))):
            raise UsageError(
                f"metric {metric.name}: its term {name!r:.60} is no linear function of its columns, so it can't be "
                "summed over images"
            )
    return terms
