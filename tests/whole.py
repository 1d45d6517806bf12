"""A store in which every kind of file is there once, and what a report reads of it."""

import json
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counted import as_version, random_calibration, random_counts, random_rims, write_cell

from robustbench_seg.errors import StoreError
from robustbench_seg.store.cell import LatencyCell
from robustbench_seg.store.columns import arrays_of
from robustbench_seg.store.file import digest_of, hashes_of, read_record
from robustbench_seg.store.folder import Store
from robustbench_seg.store.plan import Failure, Plan, PlannedCell
from robustbench_seg.store.record import Record, latency_key
from robustbench_seg.studies.frame import latency_frame, quality_frame
from robustbench_seg.studies.plans import read_plans

IDS = ("a", "b", "c")
CLASSES = 4
RECORD, DIGEST = b"robustbench_seg", b"robustbench_seg_digest"
CURE = "; remove it, or run its suite again, which measures that cell again"
Change = Callable[[Any], Any]


def write_whole(folder: Path) -> None:
    """Two quality cells with all metrics, a speed cell, their plan, a failure, and the pictures of one image."""
    rng = np.random.default_rng(0)
    for condition in (("clean", 0), ("fog", 3)):
        counts = random_counts(rng, len(IDS), CLASSES)
        more = {"boundary": random_rims(rng, counts), "calibration": random_calibration(rng, counts)}
        write_cell(folder, counts, IDS, condition, likelihood=[5, 2**21, 0], **more)
    store = Store(folder)
    cell = LatencyCell(model="m", num_classes=CLASSES, height=64, width=96, batch=1, precision="fp32", device="cpu")
    sha256, machine = "0" * 64, "none, 2 threads, torch 2"
    speed = Record(
        kind="latency", key=latency_key(cell, checkpoint_sha256=sha256, machine=machine), cell=cell,
        class_names=("x",) * CLASSES, checkpoint_sha256=sha256, licence="", about="", parameters=7,
        environment={"machine": "none", "threads": 2, "packages": {"torch": "2"}}, timings={"total_s": 1.5},
        machine=machine, macs=9, peak_memory_mib=2.5,
    )  # fmt: skip
    store.write_latency({"latency_ms": [3.0, 1.0, 2.0], "classify_ms": [0.5, 0.0, 0.75]}, speed)
    records = [read_record(path) for kind in ("quality", "latency") for path in store.files(kind)]
    failed = replace(records[0], cell=replace(records[0].cell, seed=1), key="f" * 32)
    store.write_failure(Failure(record=failed, traceback="Traceback\nValueError: oh"))
    planned = [PlannedCell(kind=record.kind, slug=record.cell.slug, key=record.key) for record in (*records, failed)]
    store.write_plan(
        Plan(
            suite="whole", description="for tests", protocol="p", conditions=(("fog", (3,)),), precision="fp32",
            images=len(IDS), gallery=("a",), views=("whole",), cells=tuple(planned), limits=("None.",),
        )
    )  # fmt: skip
    place = store.gallery(records[0].cell.slug, records[0].key)
    place.mkdir(parents=True)
    for name in ("image", "label", "prediction"):
        PIL.Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8)).save(place / f"a-{name}.png")


def read_all(folder: Path) -> dict[str, Any]:
    """What a report computes from a store's files: all numbers, by place."""
    quality, latency = quality_frame(folder), latency_frame(folder)
    plans = read_plans(folder, quality)
    failures = {name: failure.message for name, failure in Store(folder).failures().items()}
    numbers = ["miou", "boundary_miou", "ece", "nll", "flag", "classes", "images", "of"]
    places = ["model", "corruption", "severity", "view", "seed", "precision", "split", "dataset"]
    return {
        "plans": plans,
        "failures": failures,
        "quality": {} if quality.empty else quality.set_index(places)[numbers].T.to_dict(),
        "latency": {} if latency.empty else latency.set_index("key")[["median_ms", "total_ms", "samples"]].T.to_dict(),
    }


def rewrite(
    path: Path,
    columns: Callable[[pa.Table], pa.Table] = lambda table: table,
    record: Callable[[dict[str, Any]], Any] = lambda record: record,
    *,
    sealed: bool = True,
) -> None:
    """Write a cell's file with other columns or another record. sealed: with the digest that these have."""
    table = pq.read_table(path)
    metadata = dict(table.schema.metadata)
    text = record(json.loads(metadata[RECORD]))
    metadata[RECORD] = text if isinstance(text, bytes) else json.dumps(text).encode()
    counted = table.column_names[table.column_names.index("sample" if "sample" in table.column_names else "image_id") :]
    changed = columns(table)
    if DIGEST in metadata and sealed:
        with suppress(KeyError, ValueError, TypeError):  # of columns that are none
            metadata[DIGEST] = digest_of(metadata[RECORD], hashes_of(arrays_of(changed, counted)))
    pq.write_table(changed.replace_schema_metadata(metadata), path)


def copied(whole: Path, tmp_path: Path, pattern: str, version: int = 3) -> Path:
    """Copy a store, and find the file that is to be damaged, as that schema version wrote it."""
    shutil.copytree(whole, tmp_path / "out")
    path = next((tmp_path / "out").glob(pattern))
    return path if version == 3 else as_version(path, version)


def expect_line(folder: Path, path: Path, message: str, *, cure: bool = True) -> None:
    with pytest.raises(StoreError) as found:
        read_all(folder)
    text = str(found.value)
    assert text.startswith(f"{path}: ")
    assert re.search(message, text), text
    assert "\n" not in text
    assert text.endswith(CURE) or not cure


def without(name: str) -> Change:
    return lambda table: table.drop_columns([name])


def put(name: str, values: Any, kind: Any = None) -> Change:
    def change(table: pa.Table) -> pa.Table:
        place = table.column_names.index(name)
        return table.set_column(place, name, pa.array(values, kind or table[name].type))

    return change


def counts(name: str, change: Change) -> Change:
    """Change the array of a column of lists, or of numbers."""

    def changed(table: pa.Table) -> pa.Table:
        values = np.array(table[name].to_pylist())
        return put(name, change(values).tolist())(table)

    return changed


def at(place: Any, value: Any) -> Change:
    """Set the number at a place: of an image, or of an image and class or bin."""

    def change(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values[place] = value
        return values

    return change


def lists(size: int) -> pa.DataType:
    return pa.list_(pa.int64(), size)


def drop(*names: str) -> Change:
    def change(record: dict[str, Any]) -> dict[str, Any]:
        *inner, last = names
        place = record
        for name in inner:
            place = place[name]
        del place[last]
        return record

    return change


def change_at(*names: str, to: Any) -> Change:
    def change(record: dict[str, Any]) -> dict[str, Any]:
        *inner, last = names
        place = record
        for name in inner:
            place = place[name]
        place[last] = to
        return record

    return change
