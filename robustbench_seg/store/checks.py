"""What holds of every cell by definition: a file of which it does not hold was damaged, changed or swapped."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..errors import StoreError
from ..metrics.calibration import BINS, QUANTA
from .cell import QualityCell
from .columns import (
    BOUNDARY_COUNTS,
    CALIBRATION_COUNTS,
    COUNTS,
    LATENCY_COLUMNS,
    LIKELIHOOD,
    Arrays,
    arrays_of,
    counted_columns,
    naming_columns,
)
from .record import Record

__all__ = ["expect_whole"]

METRIC = dict.fromkeys(BOUNDARY_COUNTS, "boundary") | dict.fromkeys(CALIBRATION_COUNTS, "calibration")
METRIC |= {LIKELIHOOD: "likelihood"}
KINDS = {str: pa.string(), int: pa.int64()}
LARGEST_SIDE_PX = 2**20  # so that no sum over what an image has can overflow
# The least and the greatest confidence of a pixel in each bin, in quanta; see `metrics.count_calibration`.
LEAST = np.array([0, *(k * QUANTA // BINS + 1 for k in range(1, BINS))])
GREATEST = np.array([(k + 1) * QUANTA // BINS for k in range(BINS)])


def expect_whole(record: Record, table: pa.Table, where: str) -> Arrays:
    """Check a cell's columns against its record, and counts or samples against each other; return them as arrays.

    where: the file, for the message. Raises StoreError that says the first thing that is wrong.
    """
    for fault in columns_wrong(record, table):
        raise StoreError(f"{where}: {fault}")
    arrays = arrays_of(table, counted_columns(record))
    wrong = images_wrong if isinstance(record.cell, QualityCell) else samples_wrong
    for fault in wrong(record, arrays):
        raise StoreError(f"{where}: {fault}")
    return arrays


def columns_wrong(record: Record, table: pa.Table) -> Iterator[str]:
    """Say which columns are not there, of another type, lack values, or name another cell than the record."""
    names, counted = naming_columns(record), counted_columns(record)
    expected = [*names, *counted]
    for name in expected:
        if name not in table.column_names:
            yield f"has no column {name}"
    if table.column_names != expected:
        more = next((name for name in table.column_names if name not in expected), "")
        yield f"has a column {more!r:.60} too many" if more else "its columns are in another order, or come twice"
    if not len(table) or (record.kind == "quality" and len(table) != record.images):
        yield f"has {len(table)} rows, its record says {record.images or 'one or more'}"
    columns = dict(zip(expected, table.columns, strict=True))
    for name, value in names.items():
        kind = columns[name].type
        if (kind.value_type if pa.types.is_dictionary(kind) else kind) != KINDS[type(value)]:
            yield f"its column {name} must be of {KINDS[type(value)]}, not of {kind}"
        if (found := distinct(columns[name])) != {value}:
            others = ", ".join(f"{other!r:.60}" for other in found - {value})
            yield f"its column {name} has rows of {others}, its record says {value!r:.60}"
    for name, kind in counted.items():
        column = columns[name]
        if not same_type(column.type, kind):
            yield f"its column {name} must be of {kind}, not of {column.type}"
        off = name in METRIC and METRIC[name] not in getattr(record.cell, "metrics", ())
        if column.null_count != (len(table) if off else 0):
            yield f"its column {name} must {'be empty: that metric was off' if off else 'have a value in each row'}"


def distinct(column: pa.ChunkedArray) -> set[Any]:
    """The values of a column of one value, or those that are too many, None for null."""
    encoded = pa.types.is_dictionary(column.type)
    found = {None} if column.null_count else set()
    return found.union(*((chunk.dictionary if encoded else chunk.unique()).to_pylist() for chunk in column.chunks))


def same_type(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether types are the same, however the elements of lists are called."""
    if pa.types.is_fixed_size_list(one) and pa.types.is_fixed_size_list(other):
        return bool(one.list_size == other.list_size and one.value_type == other.value_type)
    return bool(one == other)


def samples_wrong(record: Record, arrays: Arrays) -> Iterator[str]:
    """Say what can't be times, or another machine's."""
    if record.expected_key(()) != record.key:
        yield f"its record has the key {record.expected_key(())}, not {record.key}"
    if not np.array_equal(arrays["sample"], np.arange(len(arrays["sample"]))):
        yield "its samples are not numbered from 0 on"
    for name in LATENCY_COLUMNS:
        if not (np.isfinite(arrays[name]) & (arrays[name] >= 0)).all():
            yield f"its column {name} has a value that is no time"
    if not arrays[LATENCY_COLUMNS[0]].min() > 0:
        yield f"its column {LATENCY_COLUMNS[0]} has a time of 0"


def images_wrong(record: Record, arrays: Arrays) -> Iterator[str]:
    """Say of which image counts contradict each other, or that images are not those of the key."""
    for name, values in arrays.items():
        if values.ndim == 2 and values.dtype != np.int64:  # what is null is no integer
            yield f"its column {name} has a list that lacks a number"
    ids = arrays["image_id"].tolist()
    if len(set(ids)) < len(ids):
        yield f"image {next(name for name in ids if ids.count(name) > 1)!r:.60} has more than one row"
    if record.expected_key(ids) != record.key:
        yield f"its record and images have the key {record.expected_key(ids)}, not {record.key}"
    for wrong, text in contradictions(arrays):
        if wrong.any():
            yield f"image {ids[int(np.argwhere(wrong)[0][0])]!r:.60}: {text}"


def contradictions(arrays: Arrays) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Where what must hold does not, (images,) or (images, numbers per image), and in words.

    All counts are of the pixels that have a label, or of some of them. What comes first bounds what is summed later, so
    that nothing overflows.
    """
    height, width = (arrays[name].astype(np.int64) for name in ("height", "width"))
    for name, side in (("height", height), ("width", width)):
        yield (side < 1) | (side > LARGEST_SIDE_PX), f"{name} must be 1 .. {LARGEST_SIDE_PX}"
    pixels = (height * width)[:, None]
    right, predicted, labelled = (arrays[name] for name in COUNTS)
    yield beyond(labelled, pixels), "labelled is negative, or more than its pixels"
    yield beyond(predicted, pixels), "predicted is negative, or more than its pixels"
    yield beyond(right, np.minimum(predicted, labelled)), "intersection is negative, or more than predicted or labelled"
    total = labelled.sum(axis=1, keepdims=True)
    yield total > pixels, "labelled sums to more than its pixels"
    yield predicted.sum(axis=1, keepdims=True) != total, "predicted and labelled do not sum to the same"
    if BOUNDARY_COUNTS[0] in arrays:
        both, predicted_rim, labelled_rim = (arrays[name] for name in BOUNDARY_COUNTS)
        yield beyond(labelled_rim, labelled), "boundary_labelled is negative, or more than labelled"
        yield beyond(predicted_rim, predicted), "boundary_predicted is negative, or more than predicted"
        least = np.minimum(np.minimum(predicted_rim, labelled_rim), right)
        yield beyond(both, least), "boundary_intersection is negative, or more than what it is a part of"
    if CALIBRATION_COUNTS[0] in arrays:
        of_bin, correct, confidence = (arrays[name] for name in CALIBRATION_COUNTS)
        yield beyond(of_bin, total), "calibration_pixels is negative, or more than labelled"
        yield beyond(correct, of_bin), "calibration_correct is negative, or more than calibration_pixels"
        yield of_bin.sum(axis=1, keepdims=True) != total, "calibration_pixels and labelled do not sum to the same"
        yield correct.sum(axis=1) != right.sum(axis=1), "calibration_correct and intersection do not sum to the same"
        yield (confidence < of_bin * LEAST) | (confidence > of_bin * GREATEST), "calibration_confidence leaves its bin"
    if LIKELIHOOD in arrays:
        likelihood = arrays[LIKELIHOOD]
        yield (likelihood < 0) | ((likelihood > 0) & (total[:, 0] == 0)), f"{LIKELIHOOD} is negative, or of no pixel"


def beyond(count: NDArray[np.int64], most: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (count < 0) | (count > most)
