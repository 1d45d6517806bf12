"""The counts of our metrics as operations on a device, which give the same integers as the metrics' own code.

They are for a GPU, from which only counts come back: maps of each pixel would be too much to move, and to count in this
process. No operation waits for the device (`torch.where` with a number would: it sends the number), and no sum depends
on an order, as all are of integers. What the metrics' own code refuses is counted, and refused by `columns_of` when the
counts are there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..datasets.base import IGNORE
from ..metrics import BOUNDARY, CALIBRATION, LIKELIHOOD, MIOU, rim_width
from ..metrics.calibration import BINS, QUANTA
from .devices import kernels_on

__all__ = ["COUNTERS", "Maps", "columns_of", "count_maps"]

VALUES = 256  # that a pixel of a class map can have; the last one, IGNORE, takes pixels that do not count
LANES = 64  # copies of a histogram: neighbouring pixels have one class, and would wait for each other
SHIFT = QUANTA.bit_length() - 1
LEAST = torch.finfo(torch.float32).min


@dataclass(frozen=True, eq=False)
class Maps:
    """What is counted, all (B, height, width) on one device; see `Rated` and `Setting`. classes, label: uint8."""

    classes: Tensor
    label: Tensor
    confidence: Tensor | None = None
    log_likelihood: Tensor | None = None
    void: str = "ignored"

    @cached_property
    def valid(self) -> Tensor:
        """The pixels with a label."""
        return self.label != IGNORE

    @cached_property
    def valid_classes(self) -> Tensor:
        """The classes where there is a label, IGNORE elsewhere."""
        return self.classes.masked_fill(~self.valid, IGNORE)


def count_maps(maps: Maps, names: Sequence[str]) -> Tensor:
    """Count images for metrics of COUNTERS: int64 (B, integers), for `columns_of`."""
    return torch.cat([COUNTERS[name].count(maps) for name in names], dim=1)


def columns_of(counts: NDArray[np.int64], names: Sequence[str], num_classes: int) -> dict[str, Any]:
    """Turn the integers of an image into the columns of metrics, as copies. Raises ValueError for what these refuse."""
    columns: dict[str, Any] = {}
    for name in names:
        own, counts = counts[: COUNTERS[name].size], counts[COUNTERS[name].size :]
        columns |= COUNTERS[name].columns(own, num_classes)
    return columns


def histogram(values: Tensor, bins: int = VALUES, weights: Tensor | None = None) -> Tensor:
    """Count how often each of `bins` values occurs in (B, height, width), or sum weights: int64 (B, bins)."""
    if weights is None and (kernels := kernels_on(values.device)):
        return cast(Tensor, kernels.histogram(values, bins))
    lanes = torch.arange(values.shape[2], device=values.device) % LANES * bins
    places = (values.long() + lanes).flatten(1)
    ones = torch.ones((1, 1), dtype=torch.int64, device=values.device) if weights is None else weights.long().flatten(1)
    total = torch.zeros((len(values), LANES * bins), dtype=torch.int64, device=values.device)
    return total.scatter_add_(1, places, ones.expand_as(places)).view(-1, LANES, bins).sum(dim=1)


def overlap(predicted: Tensor, labelled: Tensor, counted: Tensor) -> Tensor:
    """Count pixels of each value that are equal and counted; that are predicted; that are labelled."""
    both = labelled.masked_fill(~counted | (predicted != labelled), IGNORE)
    return torch.cat([histogram(both), histogram(predicted), histogram(labelled)], dim=1)


def count_classes(maps: Maps) -> Tensor:
    return overlap(maps.classes if maps.void == "counted" else maps.valid_classes, maps.label, maps.valid)


def class_columns(counts: NDArray[np.int64], num_classes: int) -> dict[str, Any]:
    both, predicted, labelled = counts.reshape(3, VALUES)
    beyond = np.flatnonzero(labelled[:IGNORE] + np.where(np.arange(IGNORE) == num_classes, 0, predicted[:IGNORE]))
    if beyond.size and beyond[-1] >= num_classes:
        raise ValueError(f"class {beyond[-1]} is outside 0 .. {num_classes - 1}")
    return dict(zip(MIOU.columns, (part[:num_classes].copy() for part in (both, predicted, labelled)), strict=True))


def count_rims(maps: Maps) -> Tensor:
    predicted, labelled = (classes.masked_fill(~rims(classes), IGNORE) for classes in (maps.valid_classes, maps.label))
    return overlap(predicted, labelled, labelled != IGNORE)


def rims(classes: Tensor) -> Tensor:
    """Find the pixels whose window holds more than one value: see `metrics.boundary.rims`."""
    width = rim_width(classes.shape[1], classes.shape[2])
    if kernels := kernels_on(classes.device):
        return cast(Tensor, kernels.rims(classes, width))
    padded = functional.pad(classes, (width,) * 4, value=IGNORE)
    lowest, highest = (
        sliding(sliding(padded, 2 * width + 1, 1, most), 2 * width + 1, 2, most)
        for most in (torch.minimum, torch.maximum)
    )
    return lowest != highest


def sliding(values: Tensor, side: int, axis: int, most: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Take the extreme of each window of `side` values along an axis: windows of twice the size, again and again."""
    count, reach = values.shape[axis] - side + 1, 1
    while 2 * reach <= side:
        length = values.shape[axis] - reach
        values = most(values.narrow(axis, 0, length), values.narrow(axis, reach, length))
        reach *= 2
    return most(values.narrow(axis, 0, count), values.narrow(axis, side - reach, count))


def rim_columns(counts: NDArray[np.int64], num_classes: int) -> dict[str, Any]:
    return dict(zip(BOUNDARY.columns, counts.reshape(3, VALUES)[:, :num_classes].copy(), strict=True))


def quantise(values: Tensor, valid: Tensor, least: float, most: float) -> tuple[Tensor, Tensor, Tensor]:
    """Round values to quanta, float32; also return which count, and how many can't: (B, 1)."""
    within = (least <= values) & (values <= most)  # false for NaN
    use = valid & within
    quanta = (values * QUANTA).masked_fill(~use, 0).round()
    return quanta, use, (valid & ~within).flatten(1).sum(dim=1, keepdim=True)


def count_bins(maps: Maps) -> Tensor:
    assert maps.confidence is not None
    if kernels := kernels_on(maps.label.device):
        return cast(Tensor, kernels.quanta(maps.confidence, maps.classes, maps.label, BINS, 0, 1))
    quanta, use, wrong = quantise(maps.confidence, maps.valid, 0, 1)
    quanta = quanta.int()
    bins = ((BINS * quanta - 1) >> SHIFT).clamp(min=0)
    outcome = (2 * bins + (maps.classes == maps.label)).masked_fill(~use, 2 * BINS)
    outcomes = histogram(outcome, 2 * BINS + 1)
    by_outcome = outcomes[:, :-1].view(-1, BINS, 2)
    sums = histogram(bins, BINS, quanta)
    return torch.cat([by_outcome.sum(dim=2), by_outcome[:, :, 1], sums, wrong], dim=1)


def bin_columns(counts: NDArray[np.int64], num_classes: int) -> dict[str, Any]:
    refuse(counts[-1], "confidence must be in 0 .. 1")
    return dict(zip(CALIBRATION.columns, counts[:-1].reshape(3, BINS).copy(), strict=True))


def count_likelihood(maps: Maps) -> Tensor:
    assert maps.log_likelihood is not None
    if kernels := kernels_on(maps.label.device):
        return cast(Tensor, kernels.quanta(maps.log_likelihood, maps.classes, maps.label, 1, LEAST, 0)[:, 2:])
    quanta, _, wrong = quantise(maps.log_likelihood, maps.valid, LEAST, 0)
    return torch.cat([-quanta.long().flatten(1).sum(dim=1, keepdim=True), wrong], dim=1)


def likelihood_columns(counts: NDArray[np.int64], num_classes: int) -> dict[str, Any]:
    refuse(counts[1], f"log probability must be in {LEAST:g} .. 0")
    return dict.fromkeys(LIKELIHOOD.columns, int(counts[0]))


def refuse(pixels: np.int64, rule: str) -> None:
    if pixels:
        raise ValueError(f"{rule}, and is not in {pixels} pixels")


@dataclass(frozen=True)
class Counter:
    """How a metric is counted on a device. size: integers of an image. columns: turns them into its columns."""

    size: int
    count: Callable[[Maps], Tensor]
    columns: Callable[[NDArray[np.int64], int], dict[str, Any]]


COUNTERS: Mapping[str, Counter] = {
    "miou": Counter(3 * VALUES, count_classes, class_columns),
    "boundary": Counter(3 * VALUES, count_rims, rim_columns),
    "calibration": Counter(3 * BINS + 1, count_bins, bin_columns),
    "likelihood": Counter(2, count_likelihood, likelihood_columns),
}
