"""The bytes of a cell's file, by hand: stores of today and of earlier programs go on in one another."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counted import random_calibration, random_counts, random_rims, write_cell

IDS = ["a", "ü", "c"]
CLASSES, BINS = 4, 15
NAMES = {
    **dict.fromkeys(("cell", "model", "dataset", "corruption"), pa.string()), "severity": pa.int64(),
    **dict.fromkeys(("view", "split", "precision"), pa.string()), "seed": pa.int64(), "engine_version": pa.int64(),
    **dict.fromkeys(("corruption_source", "fingerprint", "checkpoint_sha256", "key"), pa.string()),
}  # fmt: skip
PER_CLASS, PER_BIN = (pa.list_(pa.int64(), size) for size in (CLASSES, BINS))
COUNTS = {
    "image_id": pa.string(), "height": pa.int32(), "width": pa.int32(),
    **dict.fromkeys(("intersection", "predicted", "labelled"), PER_CLASS),
    **dict.fromkeys(("boundary_intersection", "boundary_predicted", "boundary_labelled"), PER_CLASS),
    **dict.fromkeys(("calibration_pixels", "calibration_correct", "calibration_confidence"), PER_BIN),
    "negative_log_likelihood": pa.int64(),
}  # fmt: skip
RECORD = {
    "about", "cell", "checkpoint_sha256", "class_names", "corruption_source", "difference", "engine_version",
    "environment", "fingerprint", "images", "key", "kind", "licence", "machine", "macs", "of", "parameters",
    "peak_memory_mib", "schema_version", "synthetic", "timings",
}  # fmt: skip


def blake2b(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize("metrics", [(), ("boundary", "likelihood"), ("boundary", "calibration", "likelihood")])
def test_names_types_record_and_digest_are_those_of_schema_version_3(tmp_path: Path, metrics: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    counts = random_counts(rng, len(IDS), CLASSES)
    every = {
        "boundary": random_rims(rng, counts),
        "calibration": random_calibration(rng, counts),
        "likelihood": [5] * 3,
    }
    path = write_cell(tmp_path, counts, IDS, ("fog", 3), **{name: every[name] for name in metrics})
    table = pq.read_table(path)
    encoded = {name: pa.dictionary(pa.int32(), kind) if kind == pa.string() else kind for name, kind in NAMES.items()}
    assert list(zip(table.column_names, table.schema.types, strict=True)) == list((encoded | COUNTS).items())
    metadata = table.schema.metadata
    assert set(metadata) == {b"robustbench_seg", b"robustbench_seg_digest"}
    record = json.loads(metadata[b"robustbench_seg"])
    assert metadata[b"robustbench_seg"] == canonical(record)
    assert set(record) == RECORD
    assert (record["schema_version"], record["cell"]["metrics"]) == (3, list(metrics))
    off = [name for name in ("boundary", "calibration", "likelihood") if name not in metrics]
    empty = [name for name in COUNTS if any(one in name for one in off)]
    assert [name for name in COUNTS if table[name].null_count] == empty
    hashes = {}
    for name in (name for name in COUNTS if name not in empty):
        values = table[name].to_pylist()
        kind = np.int32 if name in ("height", "width") else np.int64
        hashes[name] = blake2b(canonical(values) if name == "image_id" else np.array(values, kind).tobytes())
    digest = blake2b(metadata[b"robustbench_seg"] + canonical(hashes))
    assert metadata[b"robustbench_seg_digest"].decode() == digest
    column = pq.ParquetFile(path).metadata.row_group(0).column(len(NAMES) + 3)
    assert (column.compression, column.is_stats_set, column.has_dictionary_page) == ("ZSTD", False, False)
