"""What holds of every cell by definition: a file of which it does not hold was damaged, changed or swapped."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..errors import StoreError
from ..metrics import SHIPPED
from .cell import QualityCell
from .columns import LATENCY_COLUMNS, Arrays, arrays_of, counted_columns, filled_columns, naming_columns
from .record import Record

__all__ = ["expect_whole"]

KINDS = {str: pa.string(), int: pa.int64()}
LARGEST_SIDE_PX = 2**20  # so that no sum over what an image has can overflow
LARGEST_SUM = 2**62  # of a column over images, in magnitude: an int64 holds it


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
    filled = filled_columns(record)
    for name, kind in counted.items():
        column = columns[name]
        if not same_type(column.type, kind):
            yield f"its column {name} must be of {kind}, not of {column.type}"
        off = name not in filled
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
    for wrong, text in contradictions(record, arrays):
        if wrong.any():
            yield f"image {ids[int(np.argwhere(wrong)[0][0])]!r:.60}: {text}"


def contradictions(record: Record, arrays: Arrays) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Where what must hold does not, (images,) or (images, numbers per image), and in words.

    What comes first bounds what is summed later, so that nothing overflows.
    """
    for name in ("height", "width"):
        yield (arrays[name] < 1) | (arrays[name] > LARGEST_SIDE_PX), f"{name} must be 1 .. {LARGEST_SIDE_PX}"
    for name in ("miou", *getattr(record.cell, "metrics", ())):
        if name in SHIPPED:
            yield from SHIPPED[name].contradictions(arrays)
    for name in counts_of(arrays):
        yield np.abs(arrays[name].astype(np.float64)) > LARGEST_SUM / len(arrays[name]), f"{name} is too large to sum"


def counts_of(arrays: Arrays) -> list[str]:
    """The columns of integers that are summed over images."""
    return [name for name in arrays if name not in ("image_id", "height", "width")]
