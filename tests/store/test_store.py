import hashlib
import io
import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counted import random_calibration, random_counts, random_rims, write_cell

from robustbench_seg.errors import DamagedError, StoreError
from robustbench_seg.files import digest, replacing, write_json
from robustbench_seg.metrics import MIOU, ImageCounts
from robustbench_seg.store.cell import LatencyCell, QualityCell
from robustbench_seg.store.file import read_cell, read_record
from robustbench_seg.store.folder import Store
from robustbench_seg.store.plan import Failure, Plan
from robustbench_seg.store.record import SCHEMA_VERSION, Record, latency_key, quality_key
from robustbench_seg.store.view import View

CELL = QualityCell(
    model="m", dataset="d", split="test", corruption="fog", severity=2, view=View(), precision="fp32", seed=0
)
SPEED = LatencyCell(model="m", num_classes=2, height=64, width=96, batch=1, precision="fp32", device="cpu")
DECIDES = {"engine_version": 1, "checkpoint_sha256": "c", "fingerprint": "f", "ids": ("a", "b")}
ROWS = [ImageCounts(image_id="x", height=2, width=3, counts=dict.fromkeys(MIOU.columns, np.array([1, 2])))]
SAMPLES = {"latency_ms": [3.0, 1.0, 2.0], "classify_ms": [0.5, 0.25, 0.75]}


def record(cell: QualityCell | LatencyCell = CELL, **changes: object) -> Record:
    """The record of a cell of ROWS, or of a speed cell, with the key that its values make."""
    fields = {
        "kind": "quality" if isinstance(cell, QualityCell) else "latency",
        "key": "",
        "cell": cell,
        "class_names": ("a", "b"),
        "checkpoint_sha256": "c",
        "licence": "CC0-1.0",
        "about": "",
        "parameters": 1,
        "environment": {"machine": "none", "packages": {}},
        "timings": {},
        "images": 1 if isinstance(cell, QualityCell) else 0,
        "of": 233,
        "machine": "" if isinstance(cell, QualityCell) else "none, 1 thread",
    }
    made = Record(**{**fields, **changes})
    return replace(made, key=made.key or made.expected_key(["x"]))


def path_of(folder: Path, stored: Record) -> Path:
    return Store(folder).path(stored.kind, stored.cell.slug, stored.key)


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
        "void": "counted",
    }.items():
        keys.add(quality_key(QualityCell(**{**vars(CELL), field: value}), **DECIDES))
    for field, value in {
        "engine_version": 2,
        "checkpoint_sha256": "d",
        "fingerprint": "g",
        "ids": ("b", "a"),
    }.items():
        keys.add(quality_key(CELL, **{**DECIDES, field: value}))
    keys.add(quality_key(CELL, **DECIDES, corruption_source="own"))
    assert len(keys) == 1 + 10 + 4 + 1
    assert quality_key(CELL, **DECIDES) in keys


def test_the_keys_of_committed_cells_are_those_that_their_values_make() -> None:
    """Pinned, and made by hand as JSON: no stored cell is measured again because the files got more columns."""
    cell = {
        **{"model": "m", "dataset": "d", "split": "test", "corruption": "fog", "severity": 2, "precision": "fp32"},
        **{"seed": 0, "metrics": []},
        "view": {"mode": "whole", "crop": None, "stride": None, "scale": 1.0, "flip": False},
    }
    text = json.dumps(["quality", 2, cell, 1, "c", "f", ["a", "b"]], sort_keys=True, separators=(",", ":"))
    assert quality_key(CELL, **DECIDES) == hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    assert quality_key(CELL, **DECIDES, corruption_source="") == quality_key(CELL, **DECIDES)


def test_a_speed_cells_key_has_the_machine() -> None:
    assert latency_key(SPEED, checkpoint_sha256="c", machine="a") != latency_key(
        SPEED, checkpoint_sha256="c", machine="b"
    )


def test_a_record_reads_back_as_it_was_written(tmp_path: Path) -> None:
    written = record(timings={"total_s": 1.5}, environment={"command": "x|y", "packages": {"torch": "2"}})
    Store(tmp_path).write_quality(ROWS, written)
    assert read_record(path_of(tmp_path, written)) == written
    speed = record(SPEED, peak_memory_mib=2.5, macs=7)
    Store(tmp_path).write_latency(SAMPLES, speed)
    assert read_record(path_of(tmp_path, speed)) == speed


def test_a_cell_of_a_later_program_is_refused_and_not_called_damaged(tmp_path: Path) -> None:
    path = write_cell(tmp_path, random_counts(np.random.default_rng(0), 2, 3), ["a", "b"])
    table = pq.read_table(path)
    later = json.loads(table.schema.metadata[b"robustbench_seg"]) | {"schema_version": SCHEMA_VERSION + 1}
    pq.write_table(table.replace_schema_metadata({b"robustbench_seg": json.dumps(later)}), path)
    with pytest.raises(
        StoreError, match=rf"\.parquet: schema version {SCHEMA_VERSION + 1}; this program reads"
    ) as found:
        read_record(path)
    assert not isinstance(found.value, DamagedError)


def test_optional_counts_read_back_as_they_were_written_and_are_null_where_there_are_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    counts = random_counts(rng, 3, 4)
    full = {"boundary": random_rims(rng, counts), "calibration": random_calibration(rng, counts)}
    full["likelihood"] = [2**40, 0, 7]
    for fields in ({}, full):
        table = pq.read_table(write_cell(tmp_path, counts, list("abc"), seed=len(fields), **fields))
        for part in ("boundary", "calibration"):
            names = [name for name in table.column_names if name.startswith(part)]
            assert len(names) == 3
            for k, name in enumerate(names):
                assert table[name].to_pylist() == (fields[part][k].tolist() if fields else [None] * 3)
                assert table.schema.field(name).type.value_type == pa.int64()
        assert table["negative_log_likelihood"].to_pylist() == fields.get("likelihood", [None] * 3)


class Older(pq.ParquetFile):
    """Reads as pyarrow before 26 does."""

    def read(self, columns: list[str] | None = None, **more: object) -> pa.Table:
        table = super().read(columns=columns, **more)
        if any(pa.types.is_fixed_size_list(column.type) and column.null_count for column in table.columns):
            raise pa.ArrowInvalid("Expected all lists to be of size=15 but index 1 had size=0")
        return table


def test_an_older_pyarrow_reads_the_same_though_it_cannot_read_null_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = random_counts(np.random.default_rng(0), 3, 4)
    path, lacking = (write_cell(tmp_path, counts, list("abc"), seed=seed) for seed in (0, 1))
    table = pq.read_table(lacking)
    null = pa.array([None, *table["labelled"].to_pylist()[1:]], table.schema.field("labelled").type)
    pq.write_table(table.set_column(table.column_names.index("labelled"), "labelled", null), lacking)
    expected = read_cell(path)
    monkeypatch.setattr(pq, "ParquetFile", Older)
    got = read_cell(path)
    assert got.hashes == expected.hashes
    assert got.record == expected.record
    with pytest.raises(DamagedError, match="column labelled must have a value in each row"):
        read_cell(lacking)


def test_speed_cells_keep_all_samples(tmp_path: Path) -> None:
    Store(tmp_path).write_latency(SAMPLES, record(SPEED))
    frame = pd.read_parquet(tmp_path / "latency")
    assert {name: frame[name].tolist() for name in SAMPLES} == SAMPLES
    assert frame["sample"].tolist() == [0, 1, 2]


def test_what_would_not_be_read_is_not_written(tmp_path: Path) -> None:
    rows = [replace(ROWS[0], counts=ROWS[0].counts | {"predicted": np.array([1, 3])})]
    with pytest.raises(StoreError, match="image 'x': predicted sums to more than labelled"):
        Store(tmp_path).write_quality(rows, record())
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_failure_is_dropped_once_the_cell_is_stored(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_failure(Failure(record=record(), traceback="Traceback: oh"))
    assert [failure.traceback for failure in store.failures().values()] == ["Traceback: oh"]
    store.write_quality(ROWS, record())
    assert store.failures() == {}


def test_a_failure_is_dropped_once_the_cell_is_stored_from_other_data(tmp_path: Path) -> None:
    store = Store(tmp_path)
    other = record(replace(CELL, seed=1))  # its files begin alike
    store.write_failure(Failure(record=record(fingerprint="broken"), traceback="Traceback: broken image"))
    store.write_failure(Failure(record=other, traceback="Traceback: oh"))
    store.write_quality(ROWS, record())
    assert list(store.failures()) == [f"{CELL.slug}-{other.key}.json"]


def test_no_note_is_kept_of_a_cell_that_another_process_has_stored_meanwhile(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_quality(ROWS, record())
    store.write_failure(Failure(record=record(), traceback="Traceback: oh"))
    assert store.failures() == {}
    damaged = path_of(tmp_path, record())
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert not store.holds(record())
    store.write_failure(Failure(record=record(), traceback="Traceback: oh"))
    assert len(store.failures()) == 1


def test_a_limited_cell_leaves_the_failure_of_the_full_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    full = record(images=233, key="f" * 32)
    store.write_failure(Failure(record=full, traceback="Traceback: broken image"))
    store.write_quality(ROWS, record())
    assert list(store.failures()) == [f"{CELL.slug}-{full.key}.json"]


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"record": 1}', '{"record": {}}'])
def test_a_note_that_can_not_be_read_costs_no_cell(tmp_path: Path, content: str) -> None:
    store = Store(tmp_path)
    (tmp_path / "failed").mkdir()
    (tmp_path / "failed" / f"{CELL.slug}-old.json").write_text(content)
    store.write_quality(ROWS, record())
    assert path_of(tmp_path, record()).is_file()
    store.write_failure(Failure(record=record(fingerprint="g"), traceback="Traceback: oh"))
    assert len(list((tmp_path / "failed").iterdir())) == 2, "what can't be judged is not deleted"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such paths")
def test_a_folder_may_have_a_name_that_is_no_text(tmp_path: Path) -> None:
    store = Store(tmp_path / "out\udcff")
    store.write_quality(ROWS, record())
    assert read_record(path_of(store.folder, record())) == record()


def test_the_plan_of_the_last_run_comes_last(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in ("b", "c", "a", "b"):
        store.write_plan(
            Plan(
                suite=name, description="", protocol="p", conditions=(), precision="fp32", images=1, gallery=(),
                views=("whole",), cells=(),
            )
        )  # fmt: skip
    assert [plan.suite for plan in store.plans()] == ["c", "a", "b"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # newer Pythons': threads may hold locks in a fork
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
    path = write_cell(tmp_path, counts, [f"{k:03}" for k in range(500)])
    monkeypatch.setattr(Path, "open", lambda path, mode: Watched(path))
    for _ in range(20):
        assert len(read_cell(path).arrays["image_id"]) == 500
    assert threads == {threading.get_ident()}
