"""The store as data frames: one row per finished cell, counts already summed over its images."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ..errors import StoreError
from ..metrics import (
    CalibrationCounts,
    ClassCounts,
    best_constant_miou,
    ece,
    iou_per_class,
    largest_predicted_share,
    miou,
    nll,
)
from ..record import LatencyCell, QualityCell, Record, View
from ..store import BOUNDARY_COUNTS, CALIBRATION_COUNTS, COUNTS, LIKELIHOOD, Store, read_cell, read_record
from .counts import has, per_image

__all__ = ["MACHINE", "NOISY_SPREAD", "identity_of", "latency_frame", "quality_frame", "read_plans"]

SAMPLES_FOR_P99 = 100
NOISY_SPREAD = 0.1  # distance of the quartiles over the median
ONE_CLASS_SHARE = 0.99  # a model that gives one class to so many pixels has degenerated
OPTIONAL = (*BOUNDARY_COUNTS, *CALIBRATION_COUNTS, LIKELIHOOD)
COMMON = (
    "key", "checkpoint_sha256", "licence", "about", "parameters", "engine_version", "corruption_source", "fingerprint",
    "images", "of", "synthetic",
)  # fmt: skip
# What a speed cell's key has beside the cell and the weights; threads are None in older records.
MACHINE = ("machine", "threads", "torch")


def quality_frame(folder: Path) -> pd.DataFrame:
    """One row per quality cell, but for those of a corruption of a user's own that was edited since, see `read_plans`.

    Columns: model, dataset, split, corruption, severity, view, precision, seed, metrics; miou (0-1), classes (how many
    it is the mean of), iou (a list, NaN where a class does not occur), boundary_miou (0-1), ece (0-1), nll (nats per
    pixel), these three NaN where they were not counted, flag ("" or why the number deserves no trust); path of the
    file; COMMON; environment.
    """
    frame = pd.DataFrame([quality_row(path) for path in Store(folder).files("quality")])
    if not len(frame) or not (own := frame["corruption_source"] != "").any():
        return frame
    meant = {cell["key"] for plan in read_plans(folder) for cell in plan["cells"]}
    return frame[~own | frame["key"].isin(meant)]


def quality_row(path: Path) -> dict[str, Any]:
    record, table = read_cell(path, [*COUNTS, *OPTIONAL])
    counts = ClassCounts(*sums(table, COUNTS))
    boundary, calibration = sums(table, BOUNDARY_COUNTS), sums(table, CALIBRATION_COUNTS)
    likelihood = sums(table, (LIKELIHOOD,))
    iou = iou_per_class(counts)
    cell = QualityCell(**record.cell | {"view": View(**record.cell["view"])})
    return {
        **record.cell,
        "view": str(cell.view),
        "metrics": tuple(record.cell.get("metrics", ())),
        "slug": cell.slug,
        "miou": miou(counts),
        "classes": int(np.count_nonzero(~np.isnan(iou))),
        "iou": iou.tolist(),
        "boundary_miou": miou(ClassCounts(*boundary)) if boundary else float("nan"),
        "ece": ece(CalibrationCounts(*calibration)) if calibration else float("nan"),
        "nll": nll(likelihood[0].item(), int(counts.labelled.sum())) if likelihood else float("nan"),
        "class_names": record.class_names,
        "flag": flag_of(counts),
        "path": path,
        **common(record),
    }


def sums(table: pa.Table, names: Sequence[str]) -> list[NDArray[np.int64]]:
    """Sum columns over images; nothing where they are null (switched off) or not there (schema version 1)."""
    if not all(has(table, name) for name in names):
        return []
    return [numbers.sum(axis=0) for numbers in per_image(table, names)]


def flag_of(counts: ClassCounts) -> str:
    """Say why a number deserves no trust, or nothing."""
    if largest_predicted_share(counts) >= ONE_CLASS_SHARE:
        return "one class"
    if miou(counts) <= best_constant_miou(counts):
        return "no better than one class for every pixel"
    return ""


def latency_frame(folder: Path) -> pd.DataFrame:
    """One row per speed cell: its fields, samples, times per batch, images_per_s, memory, MACHINE, COMMON, environment.

    median_ms and p90_ms are from image to logits; p99_ms too, NaN below 100 samples. classify_ms is the median from
    logits to classes, total_ms that of both together. spread is the quartiles' distance over the median; noisy says
    that it is above 10 %, as it is when something else keeps the machine busy.
    """
    return pd.DataFrame([latency_row(path) for path in Store(folder).files("latency")])


def latency_row(path: Path) -> dict[str, Any]:
    record, table = read_cell(path, ("latency_ms", "classify_ms"))
    cell = LatencyCell(**record.cell)
    samples, classify = (table[name].to_numpy() for name in ("latency_ms", "classify_ms"))
    machine = (
        record.environment["machine"],
        record.environment.get("threads"),
        record.environment["packages"].get("torch"),
    )
    first, median, third, p90, p99 = np.quantile(samples, (0.25, 0.5, 0.75, 0.9, 0.99))
    return {
        **record.cell,
        "samples": len(samples),
        "median_ms": median,
        "p90_ms": p90,
        "p99_ms": p99 if len(samples) >= SAMPLES_FOR_P99 else float("nan"),
        "classify_ms": np.median(classify),
        "total_ms": np.median(samples + classify),
        "images_per_s": 1000 * cell.batch / median,
        "spread": (third - first) / median,
        "noisy": bool((third - first) / median > NOISY_SPREAD),
        "peak_memory_mib": record.peak_memory_mib,
        "macs": record.macs,
        **dict(zip(MACHINE, machine, strict=True)),
        **common(record),
    }


def common(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in COMMON} | {"environment": json.dumps(record.environment)}


def identity_of(plan: Mapping[str, Any]) -> str:
    """What plans agree in whose cells belong together."""
    return json.dumps([plan[name] for name in ("suite", "protocol", "conditions", "views")])


def source_of(store: Store, cell: Mapping[str, Any]) -> str | None:
    """Read the hash of a planned cell's corruption, "" for those that are no user's own; None where it is not done."""
    if not store.has(cell["kind"], cell["slug"], cell["key"]):
        return None
    return read_record(store.path(cell["kind"], cell["slug"], cell["key"])).corruption_source


def read_plans(folder: Path) -> list[dict[str, Any]]:
    """What was meant to be measured here: one plan per suite and set of conditions, its runs' cells together.

    What else it says is the last run's. A cell that a later run has anew, from other weights or mended data, and that
    was not finished is not meant any more; nor is one of a user's own corruption that was edited before that run, since
    the two are of other pixels. Raises StoreError for a folder without results.
    """
    store = Store(folder)
    merged: dict[str, dict[str, Any]] = {}
    last: dict[tuple[object, ...], dict[str, Any]] = {}  # what the last run has for a cell of so many images

    def is_meant(cell: dict[str, Any], latest: dict[str, Any]) -> bool:
        if cell["key"] == latest["key"]:
            return True
        source = source_of(store, cell)
        return source == "" or (source is not None and source == source_of(store, latest))

    def place(plan: dict[str, Any], cell: dict[str, Any]) -> tuple[object, ...]:
        return plan["suite"], plan["precision"], plan["images"], cell["kind"], cell["slug"]

    plans = store.plans()
    for plan in plans:
        last |= {place(plan, cell): cell for cell in plan["cells"]}
    for plan in plans:
        identity = identity_of(plan)
        cells = merged.get(identity, {"cells": []})["cells"]
        have = {cell["key"] for cell in cells}
        for cell in plan["cells"]:
            if cell["key"] not in have and is_meant(cell, last[place(plan, cell)]):
                cells.append(cell)
        merged[identity] = {**plan, "cells": cells}
    if not merged:
        raise StoreError(f"{folder}: holds no results (no plans/*.json)")
    return list(merged.values())
