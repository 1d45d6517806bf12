"""Stores with counts that a test chooses: cells as a run would have written them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustbench_seg.metrics import CalibrationCounts, ClassCounts
from robustbench_seg.record import QualityCell, Record, View
from robustbench_seg.store import ImageCounts, Store

ImageClass = NDArray[np.int64]  # (images, classes)


def random_counts(rng: np.random.Generator, images: int, classes: int) -> tuple[ImageClass, ImageClass, ImageClass]:
    """Intersection, predicted and labelled; about a third of the classes are not in an image."""
    labelled = rng.integers(1, 1000, (images, classes)) * (rng.random((images, classes)) > 0.3)
    intersection = rng.integers(0, labelled + 1)
    return intersection, intersection + rng.integers(0, 300, labelled.shape), labelled


def write_cell(
    folder: Path,
    counts: tuple[ImageClass, ImageClass, ImageClass],
    ids: Sequence[str],
    condition: tuple[str, int] = ("clean", 0),
    view: View = View(),  # noqa: B008 (a frozen value)
    **fields: Any,
) -> Path:
    """Write one cell.

    fields: model, dataset, of the cell; fingerprint, of the record; boundary, calibration (as `counts`), likelihood.
    """
    cell = QualityCell(
        model=fields.get("model", "m"),
        dataset=fields.get("dataset", "d"),
        split="test",
        corruption=condition[0],
        severity=condition[1],
        view=view,
        precision="fp32",
        seed=0,
    )
    classes = counts[0].shape[1]
    record = Record(
        kind="quality",
        key=f"{cell.slug}-{cell.dataset}",
        cell={**vars(cell), "view": vars(view)},
        class_names=tuple(f"class {k}" for k in range(classes)),
        checkpoint_sha256="0" * 64,
        licence="CC0-1.0",
        about="",
        parameters=7,
        environment={},
        timings={},
        fingerprint=fields.get("fingerprint", "f"),
        images=len(ids),
        of=len(ids),
    )
    rows = [
        ImageCounts(
            image_id=name,
            height=2,
            width=3,
            classes=ClassCounts(*(part[k] for part in counts)),
            boundary=ClassCounts(*(part[k] for part in fields["boundary"])) if "boundary" in fields else None,
            calibration=CalibrationCounts(*(part[k] for part in fields["calibration"]))
            if "calibration" in fields
            else None,
            negative_log_likelihood=fields["likelihood"][k] if "likelihood" in fields else None,
        )
        for k, name in enumerate(ids)
    ]
    Store(folder).write_quality(cell, rows, record)
    return Store(folder).path("quality", cell.slug, record.key)
