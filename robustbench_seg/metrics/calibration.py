"""Calibration of probabilities: expected calibration error and negative log-likelihood.

Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equations 3 and 5. Each pixel's probability, or its
logarithm, is first rounded to a multiple of 2^-20. So sums are integers, and the order of addition does not matter.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .entry import CLASS_COUNTS, Arrays, Metric
from .iou import beyond
from .prediction import Prediction

__all__ = ["BINS", "CALIBRATION", "COLUMNS", "LIKELIHOOD", "QUANTA", "count_calibration", "count_likelihood"]

BINS = 15
SHIFT = 20
QUANTA = 1 << SHIFT  # quanta in a probability of 1, or in 1 nat
COLUMNS = ("calibration_pixels", "calibration_correct", "calibration_confidence")
LIKELIHOODS = "negative_log_likelihood"
# The least and the greatest confidence of a pixel in each bin, in quanta.
LEAST = np.array([0, *(k * QUANTA // BINS + 1 for k in range(1, BINS))])
GREATEST = np.array([(k + 1) * QUANTA // BINS for k in range(BINS)])


def count_calibration(confidence: NDArray[np.float32], correct: NDArray[np.bool_]) -> dict[str, NDArray[np.int64]]:
    """Count pixels (n,) in bins of confidence, the probability 0-1 of the predicted class; int64 (15,) per column.

    Bin k holds the pixels whose rounded confidence is in (k / 15, (k + 1) / 15]; 0 is in the first bin.
    calibration_pixels: number of pixels. calibration_correct: number of pixels with the right class.
    calibration_confidence: sum of the confidences in units of 2^-20. Raises ValueError for a confidence outside of 0-1
    and for NaN.
    """
    require_within("confidence", confidence, 0, 1)
    quanta = quantise(confidence)
    bins = np.maximum(
        (BINS * quanta - 1) >> SHIFT, 0
    )  # exact: of the bounds k / 15, only 0 and 1 are multiples of 2^-20
    by_outcome = np.bincount(2 * bins + correct, minlength=2 * BINS).reshape(BINS, 2)
    total = np.bincount(bins, weights=quanta, minlength=BINS)  # exact in float64: integers below 2^53
    counts = by_outcome.sum(axis=1), by_outcome[:, 1], total.astype(np.int64)
    return dict(zip(COLUMNS, counts, strict=True))


def count_likelihood(log_probability: NDArray[np.float32]) -> int:
    """Sum -log p of the labelled classes over pixels (n,), in units of 2^-20 nats.

    Raises ValueError for a logarithm that is above 0 or not finite.
    """
    require_within("log probability", log_probability, float(np.finfo(np.float32).min), 0)
    return -int(quantise(log_probability).sum())


def require_within(what: str, values: NDArray[np.float32], least: float, most: float) -> None:
    if values.size and not (least <= values.min() and values.max() <= most):  # false for NaN
        raise ValueError(f"{what} must be in {least:g} .. {most:g}, got {values.min()} .. {values.max()}")


def quantise(values: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.asarray(np.rint(values * np.float32(QUANTA)), np.int64)


def gaps(counts: Arrays) -> Arrays:
    """Compute the number of correct pixels minus the sum of confidences in each bin, in quanta; and its pixels."""
    pixels, correct, confidence = (counts[name] for name in COLUMNS)
    return {"gap": correct * QUANTA - confidence, "pixels": pixels}


def mean_gap(terms: Arrays) -> Any:
    """Average |accuracy - mean confidence| of the bins over pixels: 0-1, lower is better; NaN without pixels."""
    return np.abs(terms["gap"]).sum(axis=-1) / QUANTA / terms["pixels"].sum(axis=-1)


def likelihoods(counts: Arrays) -> Arrays:
    return {"likelihoods": counts[LIKELIHOODS], "pixels": counts["labelled"].sum(axis=-1)}


def mean_likelihood(terms: Arrays) -> Any:
    """Average -log p of the labelled class over pixels: nats, 0 or more, lower is better; NaN without pixels."""
    return terms["likelihoods"] / QUANTA / terms["pixels"]


def count_bins(prediction: Prediction) -> dict[str, NDArray[np.int64]]:
    assert prediction.confidence is not None
    valid = prediction.valid
    return count_calibration(prediction.confidence[valid], prediction.classes[valid] == prediction.label[valid])


def count_log_likelihood(prediction: Prediction) -> dict[str, int]:
    assert prediction.log_likelihood is not None
    return {LIKELIHOODS: count_likelihood(prediction.log_likelihood[prediction.valid])}


def contradictory_bins(arrays: Arrays) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Check that the bins hold all labelled pixels, and all pixels with the right class."""
    right, _, labelled = (arrays[name] for name in CLASS_COUNTS)
    pixels, correct, confidence = (arrays[name] for name in COLUMNS)
    total = labelled.sum(axis=1, keepdims=True)
    yield beyond(pixels, total), "calibration_pixels is negative, or more than labelled"
    yield beyond(correct, pixels), "calibration_correct is negative, or more than calibration_pixels"
    yield pixels.sum(axis=1) != total[:, 0], "calibration_pixels and labelled do not sum to the same"
    yield correct.sum(axis=1) != right.sum(axis=1), "calibration_correct and intersection do not sum to the same"
    yield (confidence < pixels * LEAST) | (confidence > pixels * GREATEST), "calibration_confidence leaves its bin"


def contradictory_likelihoods(arrays: Arrays) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Check that no sum of -log p is negative, or without pixels."""
    values, total = arrays[LIKELIHOODS], arrays["labelled"].sum(axis=1)
    yield (
        (values < 0) | ((values > 0) & (total == 0)),
        f"{LIKELIHOODS} is negative, or above 0 without a labelled pixel",
    )


CALIBRATION = Metric(
    name="calibration",
    quantity="ece",
    title="Expected calibration error",
    columns=dict.fromkeys(COLUMNS, BINS),
    count=count_bins,
    terms=gaps,
    value=mean_gap,
    higher=False,
    probabilities=True,
    biased=True,
    contradictions=contradictory_bins,
)
LIKELIHOOD = Metric(
    name="likelihood",
    quantity="nll",
    title="Negative log-likelihood",
    unit="nats per pixel",
    columns={LIKELIHOODS: "integer"},
    also=("labelled",),
    count=count_log_likelihood,
    terms=likelihoods,
    value=mean_likelihood,
    higher=False,
    probabilities=True,
    contradictions=contradictory_likelihoods,
)
