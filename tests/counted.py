"""Stores with counts that a test chooses: cells as a run would have written them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from robustbench_seg.files import digest
from robustbench_seg.metrics import SHIPPED, ImageCounts
from robustbench_seg.metrics.calibration import BINS, QUANTA
from robustbench_seg.store.cell import QualityCell
from robustbench_seg.store.folder import Store
from robustbench_seg.store.record import Record, quality_key
from robustbench_seg.store.view import View

ImageClass = NDArray[np.int64]  # (images, classes)
ImageBin = NDArray[np.int64]  # (images, bins)
SIDE = 256
LATER = [  # columns that schema version 2 did not have
    "split", "precision", "seed", "engine_version", "corruption_source", "fingerprint", "checkpoint_sha256", "key",
]  # fmt: skip


def random_counts(rng: np.random.Generator, images: int, classes: int) -> tuple[ImageClass, ImageClass, ImageClass]:
    """Intersection, predicted and labelled. Of one shape all have the same labels, as models of the same data have;
    about a third of the classes are not in an image.
    """
    labels = np.random.default_rng([images, classes])
    labelled = labels.integers(1, 1000, (images, classes)) * (labels.random((images, classes)) > 0.3)
    intersection = rng.integers(0, labelled + 1)
    return intersection, intersection + rng.permuted(labelled - intersection, axis=1), labelled


def random_rims(
    rng: np.random.Generator, counts: tuple[ImageClass, ImageClass, ImageClass]
) -> tuple[ImageClass, ImageClass, ImageClass]:
    """Boundary counts that masks of these counts can have."""
    intersection, predicted, labelled = counts
    rims = rng.integers(0, predicted + 1), rng.integers(0, labelled + 1)
    return rng.integers(0, np.minimum(np.minimum(*rims), intersection) + 1), *rims


def random_calibration(
    rng: np.random.Generator, counts: tuple[ImageClass, ImageClass, ImageClass]
) -> tuple[ImageBin, ImageBin, ImageBin]:
    """Pixels, correct and confidence by bin, of these counts."""
    right, total = counts[0].sum(axis=1), counts[2].sum(axis=1)
    correct, wrong = (rng.multinomial(number, np.full(BINS, 1 / BINS)) for number in (right, total - right))
    pixels = correct + wrong
    within = np.arange(BINS) + rng.uniform(0.01, 0.99, pixels.shape)
    return pixels, correct, np.rint(pixels * within / BINS * QUANTA).astype(np.int64)


def write_cell(
    folder: Path,
    counts: tuple[ImageClass, ImageClass, ImageClass],
    ids: Sequence[str],
    condition: tuple[str, int] = ("clean", 0),
    view: View = View(),  # noqa: B008 (a frozen value)
    **fields: Any,
) -> Path:
    """Write one cell.

    fields: model, dataset, split, seed, precision, of the cell; fingerprint, corruption_source, checkpoint_sha256,
    environment, alignment, of the record; boundary, calibration (as `counts`), likelihood.
    """
    counted = [name for name in ("boundary", "calibration", "likelihood") if name in fields]
    cell = QualityCell(
        model=fields.get("model", "m"),
        dataset=fields.get("dataset", "d"),
        split=fields.get("split", "test"),
        corruption=condition[0],
        severity=condition[1],
        view=view,
        precision=fields.get("precision", "fp32"),
        seed=fields.get("seed", 0),
        metrics=tuple(counted),
    )
    decides = {
        "engine_version": 2,
        "checkpoint_sha256": fields.get("checkpoint_sha256", "0" * 64),
        "fingerprint": fields.get("fingerprint", "f"),
        "corruption_source": fields.get("corruption_source", ""),
    }
    record = Record(
        kind="quality",
        key=quality_key(cell, ids=ids, **decides),
        cell=cell,
        class_names=tuple(f"class {k}" for k in range(counts[0].shape[1])),
        licence="CC0-1.0",
        about="",
        parameters=7,
        environment=fields.get("environment", {}),
        timings={},
        images=len(ids),
        of=len(ids),
        alignment=fields.get("alignment", ()),
        **decides,
    )
    given = fields | {"miou": counts, **({"likelihood": [fields["likelihood"]]} if "likelihood" in fields else {})}
    columns = {
        column: values
        for name in ("miou", *counted)
        for column, values in zip(SHIPPED[name].columns, given[name], strict=True)
    }
    rows = [
        ImageCounts(image_id=name, height=SIDE, width=SIDE, counts={c: values[k] for c, values in columns.items()})
        for k, name in enumerate(ids)
    ]
    Store(folder).write_quality(rows, record)
    return Store(folder).path("quality", cell.slug, record.key)


def as_version(path: Path, version: int) -> Path:
    """Write a cell's file again as an earlier schema version did: fewer columns, no digest, no checksums; 1 had keys of
    its own.
    """
    table = pq.read_table(path)
    record = json.loads(table.schema.metadata[b"robustbench_seg"]) | {"schema_version": version}
    later = ["checkpoint_sha256", "key", "num_classes", "machine"] if record["kind"] == "latency" else LATER
    del record["corruption_source"], record["machine"]
    path.unlink()
    if version == 1:
        later = [*later, *table.column_names[table.column_names.index("boundary_intersection") :]]
        del record["cell"]["metrics"]
        decides = [record[name] for name in ("engine_version", "checkpoint_sha256", "fingerprint")]
        key = digest(["quality", 1, record["cell"], *decides, table["image_id"].to_pylist()])
        path = path.with_name(path.name.replace(record["key"], key))
        record["key"] = key
    metadata = {b"robustbench_seg": json.dumps(record, sort_keys=True)}
    pq.write_table(table.drop_columns(later).replace_schema_metadata(metadata), path, compression="zstd")
    return path
