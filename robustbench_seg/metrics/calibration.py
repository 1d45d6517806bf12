"""How far probabilities can be trusted: expected calibration error and negative log-likelihood.

Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equations 3 and 5. Each pixel's probability, or its
logarithm, is rounded to a multiple of 2^-20 first, so that sums are integers and no order of addition changes them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "QUANTA", "CalibrationCounts", "count_calibration", "count_likelihood", "ece", "nll"]

BINS = 15
SHIFT = 20
QUANTA = 1 << SHIFT  # of probability, or of nats, in 1


@dataclass(frozen=True, eq=False)
class CalibrationCounts:
    """Int64 (15,), over pixels whose label is not ignored, by the probability of the class that was chosen.

    Bin k holds those in (k / 15, (k + 1) / 15]; 0 is in the first. pixels: how many. correct: how many of them have
    the right class. confidence: the sum of their probabilities in units of 2^-20.
    """

    pixels: NDArray[np.int64]
    correct: NDArray[np.int64]
    confidence: NDArray[np.int64]


def count_calibration(confidence: NDArray[np.float32], correct: NDArray[np.bool_]) -> CalibrationCounts:
    """Count pixels (n,) by confidence, the probability 0-1 of the chosen class; the bin is that of the rounded value.

    Raises ValueError for a confidence outside of 0-1, NaN too.
    """
    require_within("confidence", confidence, 0, 1)
    quanta = quantise(confidence)
    bins = np.maximum((BINS * quanta - 1) >> SHIFT, 0)  # exact: no multiple of 1/15 but 0 and 1 is a multiple of 2^-20
    by_outcome = np.bincount(2 * bins + correct, minlength=2 * BINS).reshape(BINS, 2)
    total = np.bincount(bins, weights=quanta, minlength=BINS)  # of integers below 2^53, so exact in float64
    return CalibrationCounts(by_outcome.sum(axis=1), by_outcome[:, 1], total.astype(np.int64))


def count_likelihood(log_probability: NDArray[np.float32]) -> int:
    """Sum -log p of the labelled classes over pixels (n,), in units of 2^-20 nats.

    Raises ValueError for a logarithm above 0 or not finite.
    """
    require_within("log probability", log_probability, float(np.finfo(np.float32).min), 0)
    return -int(quantise(log_probability).sum())


def require_within(what: str, values: NDArray[np.float32], least: float, most: float) -> None:
    if values.size and not (least <= values.min() and values.max() <= most):  # false for NaN
        raise ValueError(f"{what} must be in {least:g} .. {most:g}, got {values.min()} .. {values.max()}")


def quantise(values: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.asarray(np.rint(values * np.float32(QUANTA)), np.int64)


def ece(counts: CalibrationCounts) -> float:
    """Mean over pixels of |accuracy - mean confidence| of their bin, 0-1, lower is better; NaN without pixels."""
    total = counts.pixels.sum()
    gaps = np.abs(counts.correct - counts.confidence / QUANTA)
    return float(gaps.sum() / total) if total else float("nan")


def nll(negative_log_likelihood: int, pixels: int) -> float:
    """Mean -log p of the labelled class per pixel in nats, 0 or more, lower is better; NaN without pixels."""
    return negative_log_likelihood / QUANTA / pixels if pixels else float("nan")
