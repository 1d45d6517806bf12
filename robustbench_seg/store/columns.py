"""The columns of a cell's file: naming columns, with the same value in every row, and columns of counts or times."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..metrics import SHIPPED, ImageCounts
from .cell import LatencyCell
from .record import Record

__all__ = [
    "LATENCY_COLUMNS",
    "Arrays",
    "add_names",
    "arrays_of",
    "counted_columns",
    "filled_columns",
    "latency_table",
    "naming_columns",
    "quality_table",
]

LATENCY_COLUMNS = ("latency_ms", "classify_ms")
Arrays = Mapping[str, NDArray[Any]]  # columns by name


def naming_columns(record: Record) -> dict[str, str | int]:
    """Return the columns with the same value in all rows of a cell, and this value from the record.

    From schema version 3 on they are the key, and all that the key hashes except metrics and images. So they
    distinguish the rows of any two cells.
    """
    cell = record.cell
    names: dict[str, str | int] = {"cell": cell.slug, "model": cell.model}
    later: dict[str, str | int] = {"checkpoint_sha256": record.checkpoint_sha256, "key": record.key}
    if isinstance(cell, LatencyCell):
        names |= {name: getattr(cell, name) for name in ("height", "width", "batch", "precision", "device")}
        machine = record.machine or record.environment.get("machine", "")
        later = {"num_classes": cell.num_classes, "machine": machine, **later}
    else:
        names |= {name: getattr(cell, name) for name in ("dataset", "corruption", "severity")}
        names["view"] = cell.view.label
        later = {
            **{name: getattr(cell, name) for name in ("split", "precision", "seed")},
            **{name: getattr(record, name) for name in ("engine_version", "corruption_source", "fingerprint")},
            **later,
        }
    return names | later if record.schema_version > 2 else names


def counted_columns(record: Record) -> dict[str, pa.DataType]:
    """Return the other columns with their types: the counts of each image, or the times of each sample.

    The columns of all metrics that ship are present, in the order of the metrics. The columns of a user's own metrics
    come last; the columns of one metric are sorted by name, because JSON has no order.
    """
    if isinstance(record.cell, LatencyCell):
        return {"sample": pa.int32(), **dict.fromkeys(LATENCY_COLUMNS, pa.float64())}
    sizes: dict[str, int | None] = {}
    for metric in list(SHIPPED.values())[: None if record.schema_version > 1 else 1]:
        sizes |= metric.sizes(len(record.class_names))
    for name in record.cell.metrics:
        sizes |= dict(sorted(record.own_metrics[name].columns.items())) if name in record.own_metrics else {}
    counted = {name: pa.int64() if size is None else pa.list_(pa.int64(), size) for name, size in sizes.items()}
    return {"image_id": pa.string(), "height": pa.int32(), "width": pa.int32(), **counted}


def filled_columns(record: Record) -> list[str]:
    """List the `counted_columns` with a value in each row: all except the columns of metrics that were off."""
    metrics = getattr(record.cell, "metrics", ())
    off = {column for name, one in SHIPPED.items() if name not in ("miou", *metrics) for column in one.columns}
    return [name for name in counted_columns(record) if name not in off]


def quality_table(rows: Sequence[ImageCounts], record: Record) -> pa.Table:
    """Make the table of a quality cell, a row per image; columns of metrics that were off are null."""
    values = {name: [getattr(row, name) for row in rows] for name in ("image_id", "height", "width")}
    counts = {name: [row.counts.get(name) for row in rows] for name in counted_columns(record) if name not in values}
    return table_of(record, values | counts)


def latency_table(samples: Mapping[str, Sequence[float]], record: Record) -> pa.Table:
    """Make the table of a speed cell. samples: LATENCY_COLUMNS, milliseconds, a value per sample."""
    return table_of(record, {"sample": range(len(samples[LATENCY_COLUMNS[0]])), **samples})


def table_of(record: Record, values: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Make a cell's table, naming columns first. values: a sequence for each of `counted_columns`."""
    return add_names(record, pa.table({k: pa.array(values[k], kind) for k, kind in counted_columns(record).items()}))


def add_names(record: Record, counted: pa.Table) -> pa.Table:
    """Put the naming columns first, dictionary-encoded (Parquet returns integers without the encoding)."""
    zeros = pa.array(np.zeros(len(counted), np.int32))
    names = {k: pa.DictionaryArray.from_arrays(zeros, pa.array([v])) for k, v in naming_columns(record).items()}
    return pa.table(names | dict(zip(counted.column_names, counted.columns, strict=True)))


def arrays_of(table: pa.Table, names: Iterable[str]) -> Arrays:
    """Make arrays (rows,) or (rows, numbers per image) of the filled columns of the table.

    The columns of a metric that was off are null; in schema version 1 they are absent.
    """
    arrays = {}
    columns = dict(zip(table.column_names, table.columns, strict=True))
    for name in names:
        if name in columns and not columns[name].null_count:
            column = columns[name].combine_chunks()
            is_list = pa.types.is_fixed_size_list(column.type)
            values = np.asarray((column.flatten() if is_list else column).to_numpy(zero_copy_only=False))
            arrays[name] = values.reshape(len(table), -1) if is_list else values
    return arrays
