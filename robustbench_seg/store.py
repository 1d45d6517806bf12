"""A folder of results: one Parquet file per cell, written atomically: a kill loses at most the cell in progress.

    DIR/cells/<slug>-<key>.parquet      a quality cell, a row per image
    DIR/latency/<slug>-<key>.parquet    a speed cell, a row per sample
    DIR/failed/<slug>-<key>.json        a cell that raised: record and traceback
    DIR/plans/<suite>-<digest>.json     what a run meant to measure
    DIR/gallery/<slug>-<key>/           small pictures

`pandas.read_parquet(DIR/cells)` and DuckDB read the folders as they are; the record is in each file's metadata.
"""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .errors import StoreError
from .files import digest, locked, replacing, write_json
from .metrics import CalibrationCounts, ClassCounts
from .metrics.calibration import BINS
from .record import SCHEMA_VERSION, LatencyCell, QualityCell, Record

__all__ = ["ImageCounts", "Store", "read_cell", "read_record"]

METADATA_KEY = b"robustbench_seg"
FOLDERS = {"quality": "cells", "latency": "latency"}
COUNTS = ("intersection", "predicted", "labelled")
BOUNDARY_COUNTS = tuple(f"boundary_{name}" for name in COUNTS)
CALIBRATION_COUNTS = ("calibration_pixels", "calibration_correct", "calibration_confidence")
LIKELIHOOD = "negative_log_likelihood"
LATENCY_COLUMNS = ("latency_ms", "classify_ms")


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageCounts:
    """What is counted in one image; None for a metric that is switched off.

    height, width: of the label. negative_log_likelihood: of `metrics.count_likelihood`.
    """

    image_id: str
    height: int
    width: int
    classes: ClassCounts
    boundary: ClassCounts | None = None
    calibration: CalibrationCounts | None = None
    negative_log_likelihood: int | None = None


class Store:
    """Reads and writes one result folder; it holds no state but the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def in_use(self) -> AbstractContextManager[None]:
        """Keep other runs out; see `files.locked`."""
        return locked(self.folder)

    def path(self, kind: str, slug: str, key: str) -> Path:
        return self.folder / FOLDERS[kind] / f"{slug}-{key}.parquet"

    def has(self, kind: str, slug: str, key: str) -> bool:
        """Whether the cell is done."""
        return self.path(kind, slug, key).is_file()

    def files(self, kind: str) -> list[Path]:
        """List the finished cells' files of a kind."""
        return sorted(p for p in (self.folder / FOLDERS[kind]).glob("*.parquet") if not p.name.startswith("."))

    def expect_version(self) -> None:
        """Raise StoreError if the folder holds cells of an earlier schema: they are read, but none are added."""
        for kind in FOLDERS:
            for path in self.files(kind)[:1]:
                if (held := read_record(path).schema_version) != SCHEMA_VERSION:
                    raise StoreError(
                        f"{self.folder}: holds cells of schema version {held}, these have {SCHEMA_VERSION}; "
                        "give another --out"
                    )

    def expect_counts(self, classes: int, metrics: Sequence[str]) -> None:
        """Raise StoreError if the folder's cells have other classes or metrics than these are to have.

        All files have the same columns; and a cell stored with fewer metrics must not stand beside, or for, one with
        more.
        """
        for path in self.files("quality")[:1]:
            record = read_record(path)
            if (held := len(record.class_names)) != classes:
                raise StoreError(
                    f"{self.folder}: holds cells of {held} classes, these have {classes}; give another --out"
                )
            if (counted := record.cell["metrics"]) != list(metrics):
                held_metrics, these = (", ".join(names) or "none" for names in (counted, metrics))
                raise StoreError(
                    f"{self.folder}: holds cells with the metrics {held_metrics}, these have {these}; "
                    "give another --out"
                )

    def gallery(self, slug: str, key: str) -> Path:
        """Where the pictures of a cell are."""
        return self.folder / "gallery" / f"{slug}-{key}"

    def write_quality(self, cell: QualityCell, rows: list[ImageCounts], record: Record) -> None:
        """Store a quality cell."""
        classes = len(record.class_names)
        columns = repeated(
            len(rows),
            cell=cell.slug,
            model=cell.model,
            dataset=cell.dataset,
            corruption=cell.corruption,
            severity=cell.severity,
            view=str(cell.view),
        )
        columns["image_id"] = pa.array([row.image_id for row in rows], pa.string())
        columns["height"] = pa.array([row.height for row in rows], pa.int32())
        columns["width"] = pa.array([row.width for row in rows], pa.int32())
        for part, names, size in (
            ("classes", COUNTS, classes),
            ("boundary", BOUNDARY_COUNTS, classes),
            ("calibration", CALIBRATION_COUNTS, BINS),
        ):
            for name in names:
                field = name.removeprefix(f"{part}_")
                columns[name] = fixed_lists([getattr(getattr(row, part), field, None) for row in rows], size)
        columns[LIKELIHOOD] = pa.array([row.negative_log_likelihood for row in rows], pa.int64())
        self.write("quality", cell, pa.table(columns), record)

    def write_latency(self, cell: LatencyCell, samples: dict[str, list[float]], record: Record) -> None:
        """Store a speed cell; samples: LATENCY_COLUMNS, milliseconds, a value per sample."""
        number = len(samples[LATENCY_COLUMNS[0]])
        columns = repeated(
            number,
            cell=cell.slug,
            model=cell.model,
            height=cell.height,
            width=cell.width,
            batch=cell.batch,
            precision=cell.precision,
            device=cell.device,
        )
        columns["sample"] = pa.array(range(number), pa.int32())
        for name in LATENCY_COLUMNS:
            columns[name] = pa.array(samples[name], pa.float64())
        self.write("latency", cell, pa.table(columns), record)

    def write(self, kind: str, cell: QualityCell | LatencyCell, table: pa.Table, record: Record) -> None:
        """Write one file whole, with its record, and drop the note of an earlier failure."""
        table = table.replace_schema_metadata({METADATA_KEY: record.to_json()})
        with replacing(self.path(kind, cell.slug, record.key)) as temporary:
            # Counts hardly repeat, so a dictionary of them is longer than they are.
            words = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
            with temporary.open("wb") as file:  # pyarrow itself can't open a path that is not UTF-8
                pq.write_table(table, file, compression="zstd", compression_level=19, use_dictionary=words)
        self.forget_failures(cell, record)

    def forget_failures(self, cell: QualityCell | LatencyCell, record: Record) -> None:
        """Drop the notes of a cell that failed, be it with other data or weights than the record's.

        Those of other numbers of images are other cells'; one that can't be read must not cost this cell.
        """
        own = json.loads(record.to_json())
        for path in (self.folder / "failed").glob(f"{cell.slug}-*.json"):
            with suppress(StoreError):
                failed = read_note(path, "failure", "record")["record"]
                if isinstance(failed, dict) and all(failed.get(name) == own[name] for name in ("cell", "images")):
                    path.unlink()

    def write_failure(self, cell: QualityCell | LatencyCell, record: Record, traceback: str) -> None:
        """Note that a cell raised; the next run tries it again."""
        self.forget_failures(cell, record)
        content = {"record": json.loads(record.to_json()), "traceback": traceback}
        write_json(self.folder / "failed" / f"{cell.slug}-{record.key}.json", content)

    def failures(self) -> dict[str, dict[str, Any]]:
        """The failed cells' content, by file name."""
        paths = sorted((self.folder / "failed").glob("*.json"))
        return {path.name: read_note(path, "failure", "record") for path in paths}

    def write_plan(self, suite: str, plan: dict[str, Any]) -> None:
        """Note what a run means to measure, so that a report can tell what is missing. The same plan is one file."""
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        write_json(self.folder / "plans" / f"{suite}-{digest(plan, 6)}.json", {**plan, "written": now})

    def plans(self) -> list[dict[str, Any]]:
        """What the suites that were run here meant to measure, the last one run at the end.

        Raises StoreError for a file that is no plan.
        """
        plans = [read_note(path, "plan", "cells") for path in sorted((self.folder / "plans").glob("*.json"))]
        return sorted(plans, key=lambda plan: str(plan.get("written", "")))  # older files do not tell


def read_note(path: Path, kind: str, holds: str) -> dict[str, Any]:
    """Read a JSON file of the store. Raises StoreError for one that is not of that kind: it lacks what it `holds`."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise StoreError(f"{path}: not a {kind} of this program ({error})") from None
    if not isinstance(found, dict) or holds not in found:
        raise StoreError(f"{path}: not a {kind} of this program (it has no {holds!r})")
    return found


def read_record(path: Path) -> Record:
    """Read the record of a finished cell. Raises StoreError for a file that is not one."""
    return read_cell(path, ())[0]


def read_cell(path: Path, columns: Sequence[str]) -> tuple[Record, pa.Table]:
    """Read a finished cell's record and those of these columns that it has. Raises StoreError as `read_record`."""
    try:
        # In this thread alone: one of Arrow's that lets go of a Python object while the interpreter ends aborts it.
        with path.open("rb") as source, pq.ParquetFile(source, pre_buffer=False) as file:
            metadata = file.schema_arrow.metadata or {}
            if METADATA_KEY not in metadata:
                raise StoreError(f"{path}: not a cell of this program (no {METADATA_KEY.decode()!r} in its metadata)")
            table = file.read(columns=list(columns), use_threads=False)
            return Record.from_dict(json.loads(metadata[METADATA_KEY]), str(path)), table
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path}: not a Parquet file ({error})") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"{path}: its record can't be read ({error}); another version of this program?") from None


def repeated(n: int, **values: str | int) -> dict[str, pa.Array]:
    """Make dictionary-encoded columns of one value each (Parquet gives integers back as plain integers)."""
    zeros = pa.array(np.zeros(n, np.int32))
    return {name: pa.DictionaryArray.from_arrays(zeros, pa.array([value])) for name, value in values.items()}


def fixed_lists(rows: list[NDArray[np.int64] | None], size: int) -> pa.Array:
    """Make a column of int64 lists of one size, or nulls."""
    return pa.array(rows, pa.list_(pa.int64(), size))
