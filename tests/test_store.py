import io
import json
import os
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counted import random_counts, write_cell

from robustbench_seg.errors import StoreError
from robustbench_seg.files import digest, replacing, write_json
from robustbench_seg.metrics import CalibrationCounts, ClassCounts
from robustbench_seg.record import SCHEMA_VERSION, LatencyCell, QualityCell, Record, View, latency_key, quality_key
from robustbench_seg.store import BOUNDARY_COUNTS, COUNTS, ImageCounts, Store, read_cell, read_record

CELL = QualityCell(
    model="m", dataset="d", split="test", corruption="fog", severity=2, view=View(), precision="fp32", seed=0
)
SPEED = LatencyCell(model="m", num_classes=2, height=64, width=96, batch=1, precision="fp32", device="cpu")
DECIDES = {"engine_version": 1, "checkpoint_sha256": "c", "fingerprint": "f", "ids": ("a", "b")}


def record(**changes: object) -> Record:
    fields = {
        "kind": "quality",
        "key": "k",
        "cell": {},
        "class_names": ("a", "b"),
        "checkpoint_sha256": "c",
        "licence": "CC0-1.0",
        "about": "",
        "parameters": 1,
        "environment": {"machine": "none", "packages": {}},
        "timings": {},
    }
    return Record(**{**fields, **changes})


ROWS = [ImageCounts(image_id="x", height=2, width=3, classes=ClassCounts(*(np.array([1, 2]) for _ in range(3))))]


def test_whatever_decides_the_numbers_is_in_the_key() -> None:
    keys = {quality_key(CELL, **DECIDES)}
    for field, value in {
        "model": "n",
        "dataset": "e",
        "split": "val",
        "corruption": "frost",
        "severity": 3,
        "view": View(scale=2.0),
        "precision": "bf16",
        "seed": 1,
        "metrics": ("boundary",),
    }.items():
        keys.add(quality_key(QualityCell(**{**vars(CELL), field: value}), **DECIDES))
    for field, value in {
        "engine_version": 2,
        "checkpoint_sha256": "d",
        "fingerprint": "g",
        "ids": ("b", "a"),
    }.items():
        keys.add(quality_key(CELL, **{**DECIDES, field: value}))
    assert len(keys) == 1 + 9 + 4
    assert quality_key(CELL, **DECIDES) in keys


def test_a_speed_cells_key_has_the_machine() -> None:
    assert latency_key(SPEED, checkpoint_sha256="c", machine="a") != latency_key(
        SPEED, checkpoint_sha256="c", machine="b"
    )


def test_a_record_reads_back_as_it_was_written(tmp_path: Path) -> None:
    written = record(timings={"total_s": 1.5}, environment={"command": "x|y"})
    Store(tmp_path).write_quality(CELL, ROWS, written)
    assert read_record(Store(tmp_path).path("quality", CELL.slug, "k")) == written


def test_another_schema_version_and_other_files_are_refused_by_name(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_quality(CELL, ROWS, record(schema_version=SCHEMA_VERSION + 1))
    with pytest.raises(StoreError, match=rf"{CELL.slug}-k.parquet: schema version {SCHEMA_VERSION + 1}; this program"):
        read_record(store.path("quality", CELL.slug, "k"))
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(StoreError, match=r"x\.parquet: not a Parquet file"):
        read_record(tmp_path / "x.parquet")


def test_optional_counts_read_back_as_they_were_written_and_null_where_there_are_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)

    def lists(size: int) -> list[np.ndarray]:
        return [rng.integers(0, 2**40, size) for _ in range(3)]

    full = ImageCounts(
        image_id="y",
        height=2,
        width=3,
        classes=ClassCounts(*lists(2)),
        boundary=ClassCounts(*lists(2)),
        calibration=CalibrationCounts(*lists(15)),
        negative_log_likelihood=2**40,
    )
    store = Store(tmp_path)
    store.write_quality(CELL, [*ROWS, full], record())
    table = pq.read_table(store.path("quality", CELL.slug, "k"))
    for part, names in (
        (full.boundary, ("boundary_intersection", "boundary_predicted", "boundary_labelled")),
        (full.calibration, ("calibration_pixels", "calibration_correct", "calibration_confidence")),
    ):
        for name in names:
            assert table[name].to_pylist() == [None, getattr(part, name.partition("_")[2]).tolist()]
            assert table.schema.field(name).type.value_type == pa.int64()
    assert table["negative_log_likelihood"].to_pylist() == [None, 2**40]


def test_a_cell_of_schema_version_1_is_still_read(tmp_path: Path) -> None:
    """As version 1 wrote it: without the optional metrics' columns, and without their names in the cell."""
    from robustbench_seg.studies.frame import quality_frame

    counts = pa.FixedSizeListArray.from_arrays(pa.array([3, 1, 2, 0], pa.int64()), 2)
    labelled = pa.FixedSizeListArray.from_arrays(pa.array([4, 2, 3, 1], pa.int64()), 2)
    columns = {"cell": ["x", "x"], "image_id": ["a", "b"], "height": [2, 2], "width": [3, 2]}
    table = pa.table({**columns, "intersection": counts, "predicted": labelled, "labelled": labelled})
    cell = {**vars(CELL), "view": {"mode": "whole", "crop": None, "stride": None, "scale": 1.0, "flip": False}}
    del cell["metrics"]
    old = {**json.loads(record(cell=cell).to_json()), "schema_version": 1}
    (tmp_path / "cells").mkdir()
    path = tmp_path / "cells" / "x-k.parquet"
    pq.write_table(table.replace_schema_metadata({b"robustbench_seg": json.dumps(old)}), path)
    assert read_record(path).schema_version == 1
    row = quality_frame(tmp_path).iloc[0]
    assert row["iou"] == [5 / 9, 1 / 5]
    assert row["metrics"] == ()
    assert np.isnan(row[["boundary_miou", "ece", "nll"]].astype(float)).all()


def test_speed_cells_keep_all_samples(tmp_path: Path) -> None:
    import pandas as pd

    samples = {"latency_ms": [3.0, 1.0, 2.0], "classify_ms": [0.5, 0.25, 0.75]}
    Store(tmp_path).write_latency(SPEED, samples, record(kind="latency"))
    frame = pd.read_parquet(tmp_path / "latency")
    assert {name: frame[name].tolist() for name in samples} == samples
    assert frame["sample"].tolist() == [0, 1, 2]


def test_a_failure_is_dropped_once_the_cell_is_stored(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_failure(CELL, record(), "Traceback: oh")
    assert [content["traceback"] for content in store.failures().values()] == ["Traceback: oh"]
    store.write_quality(CELL, ROWS, record())
    assert store.failures() == {}


def test_a_failure_is_dropped_once_the_cell_is_stored_from_other_data(tmp_path: Path) -> None:
    store = Store(tmp_path)
    other = replace(CELL, seed=1)  # its files begin alike
    store.write_failure(CELL, record(key="old", cell=asdict(CELL)), "Traceback: broken image")
    store.write_failure(other, record(key="other", cell=asdict(other)), "Traceback: oh")
    store.write_quality(CELL, ROWS, record(key="new", cell=asdict(CELL)))
    assert list(store.failures()) == [f"{CELL.slug}-other.json"]


def test_a_limited_cell_leaves_the_failure_of_the_full_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_failure(CELL, record(key="full", cell=asdict(CELL), images=233), "Traceback: broken image")
    store.write_quality(CELL, ROWS, record(key="limited", cell=asdict(CELL), images=2))
    assert list(store.failures()) == [f"{CELL.slug}-full.json"]


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"record": 1}', '{"record": {}}'])
def test_a_note_that_can_not_be_read_costs_no_cell(tmp_path: Path, content: str) -> None:
    store = Store(tmp_path)
    (tmp_path / "failed").mkdir()
    (tmp_path / "failed" / f"{CELL.slug}-old.json").write_text(content)
    store.write_quality(CELL, ROWS, record())
    assert store.has("quality", CELL.slug, "k")
    store.write_failure(CELL, record(key="other"), "Traceback: oh")
    assert (tmp_path / "failed" / f"{CELL.slug}-other.json").is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such paths")
def test_a_folder_may_have_a_name_that_is_no_text(tmp_path: Path) -> None:
    store = Store(tmp_path / "out\udcff")
    store.write_quality(CELL, ROWS, record())
    assert read_record(store.path("quality", CELL.slug, "k")) == record()


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
@pytest.mark.parametrize("kind", ["plans", "failed"])
def test_a_note_that_is_not_one_is_named(tmp_path: Path, kind: str, content: str) -> None:
    (tmp_path / kind).mkdir()
    (tmp_path / kind / "x.json").write_text(content)
    with pytest.raises(StoreError, match=r"x\.json: not a (plan|failure) of this program"):
        Store(tmp_path).plans() if kind == "plans" else Store(tmp_path).failures()


@pytest.mark.parametrize("change", [b"{", b'{"schema_version": 2}', b"[]", b'{"schema_version": 2, "new": 1}'])
def test_a_record_that_cant_be_read_is_named(tmp_path: Path, change: bytes) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({b"robustbench_seg": change}), path)
    with pytest.raises(StoreError, match=r"x\.parquet: its record can't be read"):
        read_record(path)


def test_the_plan_of_the_last_run_comes_last(tmp_path: Path) -> None:
    store = Store(tmp_path)
    plans = [{"cells": [], "suite": name} for name in ("b", "c", "a", "b")]
    for plan in plans:
        store.write_plan(str(plan["suite"]), plan)
    assert [plan["suite"] for plan in store.plans()] == ["c", "a", "b"]


def test_a_lock_of_a_process_that_is_gone_does_not_count(tmp_path: Path) -> None:
    store = Store(tmp_path)
    child = os.fork()
    if child == 0:
        lock = store.in_use()
        lock.__enter__()
        os._exit(0)  # without unlocking
    os.waitpid(child, 0)
    with store.in_use():
        pass


def test_replacing_leaves_the_old_file_when_the_block_raises(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("new, but not who")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]


def test_json_is_strict_and_key_sorted(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"b": 1, "a": 2})
    assert list(json.loads((tmp_path / "x.json").read_text())) == ["a", "b"]
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "x.json", float("nan"))
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})


def test_a_cell_is_read_in_the_callers_thread_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of Arrow's that lets go of a Python object while the interpreter ends aborts the program."""
    threads: set[int] = set()

    class Content(bytes):
        def __del__(self) -> None:
            threads.add(threading.get_ident())

    class Watched(io.FileIO):
        def read(self, size: int | None = -1) -> bytes:
            threads.add(threading.get_ident())
            return Content(super().read(size) or b"")

    counts = random_counts(np.random.default_rng(0), 500, 19)
    path = write_cell(tmp_path, counts, [f"{k:03}" for k in range(500)], boundary=counts)
    monkeypatch.setattr(Path, "open", lambda path, mode: Watched(path))
    for _ in range(20):
        table = read_cell(path, ("image_id", *COUNTS, *BOUNDARY_COUNTS))[1]
        assert table.num_rows == 500
        del table
    assert threads == {threading.get_ident()}
