"""A trial of a metric of a user's own before the first cell, on sums that were drawn."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .entry import CLASS_COUNTS, Arrays, Metric

__all__ = ["expect_value"]

SHAPE = (2, 3)  # resamples and cells
LARGEST = 1000
FACTORS = np.arange(1, 7)  # of each resample and cell, what all of its columns are where columns are equal


def expect_value(metric: Metric, num_classes: int) -> None:
    """Raise UsageError where terms or value can't be made of sums, or a cell's value depends on other cells.

    A metric of columns that limit each other may raise on columns that were drawn: then equal columns are tried, too.
    """
    sizes = dict.fromkeys(CLASS_COUNTS, num_classes) | metric.sizes(num_classes)
    shapes = {name: SHAPE if (size := sizes[name]) is None else (*SHAPE, size) for name in metric.reads}
    draws = np.random.default_rng(0)
    try:
        expect_value_of(metric, draw_sums(shapes, draws), draw_sums(shapes, draws))
    except UsageError as fault:
        if fault.__cause__ is None:  # what terms and value returned is wrong
            raise
        same = {name: np.repeat(FACTORS, sizes[name] or 1).reshape(shape) for name, shape in shapes.items()}
        try:
            expect_value_of(metric, same, same)
        except UsageError as other:
            if other.__cause__ is None:
                raise
            raise fault from fault.__cause__


def draw_sums(shapes: Mapping[str, tuple[int, ...]], draws: np.random.Generator) -> dict[str, NDArray[np.int64]]:
    """Draw columns by name. No class has more pixels in its intersection than are predicted or labelled."""
    sums = {name: draws.integers(1, LARGEST, shape) for name, shape in shapes.items()}
    hits = sums.get("intersection", 0)
    return {name: values + hits if name in ("predicted", "labelled") else values for name, values in sums.items()}


def expect_value_of(metric: Metric, some: Arrays, more: Arrays) -> None:
    """Raise UsageError as `expect_value`, on these sums.

    Values are made in a table of cells, of float64, as resamples are, and of each cell alone, of integers, as a split
    is. No two cells should have columns of one ratio, else a mean of ratios over cells would be the ratio of each.
    """
    terms = linear_terms(metric, some, more)
    values = metric.score({name: term.astype(np.float64) for name, term in terms.items()}, SHAPE)
    for place in np.ndindex(*SHAPE):
        alone = metric.of({name: each[place] for name, each in some.items()})
        if not np.isclose(alone, values[place], rtol=1e-9, equal_nan=True):
            raise UsageError(
                f"metric {metric.name}: its value of a cell depends on other cells: {values[place]:g} next to these, "
                f"{alone:g} alone; reduce no axis but the last of a list"
            )


def linear_terms(metric: Metric, some: Arrays, more: Arrays) -> dict[str, NDArray[Any]]:
    """Make the terms of some sums. Raises UsageError unless both together have the sum of their terms."""
    terms, others = terms_of(metric, some), terms_of(metric, more)
    together = terms_of(metric, {name: some[name] + more[name] for name in some})
    for name, term in terms.items():
        if not np.array_equal(together[name], term + others[name]):
            raise UsageError(
                f"metric {metric.name}: its term {name!r:.60} is no linear function of its columns, so it can't be "
                "summed over images"
            )
    return terms


def terms_of(metric: Metric, sums: Arrays) -> dict[str, NDArray[Any]]:
    """Make the terms of sums. Raises UsageError unless they are integers for each cell."""
    try:
        terms = {name: np.asarray(term) for name, term in metric.terms(sums).items()}
    except Exception as error:
        raise UsageError(f"metric {metric.name}: its terms raise {type(error).__name__}: {error}") from error
    for name, term in terms.items():
        if term.dtype.kind not in "iu" or term.ndim not in (2, 3) or term.shape[:2] != SHAPE:
            raise UsageError(
                f"metric {metric.name}: of integers {SHAPE} its term {name!r:.60} is {term.dtype} "
                f"{term.shape}; it must be of integers and keep these axes"
            )
    return terms
