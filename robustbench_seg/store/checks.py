"""Check a cell's file against rules that hold for every cell. A file that breaks one was damaged or replaced."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..errors import StoreError
from ..metrics import find_metric
from .cell import QualityCell
from .columns import LATENCY_COLUMNS, Arrays, arrays_of, counted_columns, filled_columns, naming_columns
from .record import Record

__all__ = ["expect_whole"]

KINDS = {str: pa.string(), int: pa.int64()}
LARGEST_SIDE_PX = 2**20  # so that no sum over an image can overflow
LARGEST_SUM = 2**62  # of a column over images, in magnitude: an int64 holds it


def expect_whole(record: Record, table: pa.Table, where: str) -> Arrays:
    """Check a cell's columns against its record, and counts or samples against each other; return them as arrays.

    where: the file, for the message. Raises StoreError with the first fault.
    """
    for fault in column_faults(record, table):
        raise StoreError(f"{where}: {fault}")
    arrays = arrays_of(table, counted_columns(record))
    faults = image_faults if isinstance(record.cell, QualityCell) else sample_faults
    for fault in faults(record, arrays):
        raise StoreError(f"{where}: {fault}")
    return arrays


def column_faults(record: Record, table: pa.Table) -> Iterator[str]:
    """Report columns that are absent, have another type, lack values, or name another cell than the record."""
    names, counted = naming_columns(record), counted_columns(record)
    expected, present = [*names, *counted], table.column_names
    for name in expected:
        if name not in present:
            yield f"has no column {name}"
    if present != expected:
        more = next((name for name in present if name not in expected), "")
        yield f"has an extra column {more!r:.60}" if more else "its columns are in another order, or repeated"
    if not len(table) or (record.kind == "quality" and len(table) != record.images):
        yield f"has {len(table)} rows, its record states {record.images or 'one or more'}"
    columns = dict(zip(expected, table.columns, strict=True))
    for name, value in names.items():
        kind = columns[name].type
        if (kind.value_type if pa.types.is_dictionary(kind) else kind) != KINDS[type(value)]:
            yield f"its column {name} must be of {KINDS[type(value)]}, not of {kind}"
        if (values := distinct(columns[name])) != {value}:
            others = ", ".join(f"{other!r:.60}" for other in values - {value})
            yield f"its column {name} has rows of {others}, its record states {value!r:.60}"
    filled = filled_columns(record)
    for name, kind in counted.items():
        column = columns[name]
        if not same_type(column.type, kind):
            yield f"its column {name} must be of {kind}, not of {column.type}"
        off = name not in filled
        if column.null_count != (len(table) if off else 0):
            yield f"its column {name} must {'be empty: that metric was off' if off else 'have a value in each row'}"


def distinct(column: pa.ChunkedArray) -> set[Any]:
    """Return the set of a column's values, with None for null."""
    encoded = pa.types.is_dictionary(column.type)
    nulls = {None} if column.null_count else set()
    return nulls.union(*((chunk.dictionary if encoded else chunk.unique()).to_pylist() for chunk in column.chunks))


def same_type(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether types are the same; the name of a list's elements does not matter."""
    if pa.types.is_fixed_size_list(one) and pa.types.is_fixed_size_list(other):
        return bool(one.list_size == other.list_size and one.value_type == other.value_type)
    return bool(one == other)


def sample_faults(record: Record, arrays: Arrays) -> Iterator[str]:
    """Report values that can't be times, and a key of another machine."""
    if record.expected_key(()) != record.key:
        yield f"its record has the key {record.expected_key(())}, not {record.key}"
    if not np.array_equal(arrays["sample"], np.arange(len(arrays["sample"]))):
        yield "its samples are not numbered from 0"
    for name in LATENCY_COLUMNS:
        if not (np.isfinite(arrays[name]) & (arrays[name] >= 0)).all():
            yield f"its column {name} has a value that is not a time"
    if not arrays[LATENCY_COLUMNS[0]].min() > 0:
        yield f"its column {LATENCY_COLUMNS[0]} has a time of 0"


def image_faults(record: Record, arrays: Arrays) -> Iterator[str]:
    """Report an image with contradictory counts, and images that differ from the images of the key."""
    for name, values in arrays.items():
        if values.ndim == 2 and values.dtype != np.int64:  # null makes the array one of floats
            yield f"its column {name} has a list that lacks a number"
    ids = arrays["image_id"].tolist()
    if len(set(ids)) < len(ids):
        yield f"image {next(name for name in ids if ids.count(name) > 1)!r:.60} has more than one row"
    if record.expected_key(ids) != record.key:
        yield f"its record and images have the key {record.expected_key(ids)}, not {record.key}"
    for wrong, text in contradictions(record, arrays):
        if wrong.any():
            yield f"image {ids[int(np.argwhere(wrong)[0][0])]!r:.60}: {text}"


def contradictions(record: Record, arrays: Arrays) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Yield where a rule is broken, booleans (images,) or (images, numbers per image), and the fault in words.

    The first rules bound the values that later rules sum, so no sum overflows.
    """
    for name in ("height", "width"):
        yield (arrays[name] < 1) | (arrays[name] > LARGEST_SIDE_PX), f"{name} must be 1 .. {LARGEST_SIDE_PX}"
    own = {name: one.source for name, one in record.own_metrics.items()}
    for name in ("miou", *getattr(record.cell, "metrics", ())):
        if (metric := find_metric(name, own.get(name, ""))) is not None:
            yield from metric.contradictions(arrays)
    if getattr(record.cell, "void", "") == "counted":
        counted, what = arrays["height"].astype(np.int64) * arrays["width"], "its pixels"
    else:
        counted, what = arrays["labelled"].sum(axis=1), "labelled"
    predicted = arrays["predicted"].sum(axis=1)
    yield predicted > counted, f"predicted sums to more than {what}"
    if all(target is not None for _, target in record.alignment):  # else a pixel may have none of the classes
        yield predicted != counted, f"predicted and {what} do not sum to the same"
    for name, values in arrays.items():
        if name not in ("image_id", "height", "width"):
            yield np.abs(values.astype(np.float64)) > LARGEST_SUM / len(values), f"{name} is too large to sum"
