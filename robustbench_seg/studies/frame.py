"""The store as data frames: one row per finished cell, checked, with its counts already summed over its images."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import StoreError
from ..metrics import SHIPPED, Arrays, best_constant_miou, find_metric, iou_per_class, largest_predicted_share, miou
from ..store.cell import LatencyCell, QualityCell, View
from ..store.file import StoredCell, read_cell
from ..store.folder import Store
from .counts import CellCounts
from .machines import differing_machines
from .plans import OWN, read_plans

__all__ = ["MACHINE", "NOISY_SPREAD", "expect_agreement", "latency_frame", "quality_frame"]

SAMPLES_FOR_P99 = 100
NOISY_SPREAD = 0.1  # distance of the quartiles over the median
ONE_CLASS_SHARE = 0.99  # a model that gives one class to so many pixels has degenerated
COMMON = (
    "key", "checkpoint_sha256", "licence", "about", "parameters", "engine_version", "corruption_source", "fingerprint",
    "images", "of", "synthetic",
)  # fmt: skip
# What a speed cell's key has beside the cell and the weights; threads are None in older records.
MACHINE = ("machine", "threads", "torch")
DATA = ["dataset", "fingerprint"]
# Two files that agree in these are of one measurement, with other metrics at most.
PLACE = [
    "model", "checkpoint_sha256", "dataset", "split", "fingerprint", "images", "corruption", "severity", "view",
    "precision", "seed", "engine_version", "corruption_source",
]  # fmt: skip


def quality_frame(folder: Path) -> pd.DataFrame:
    """One row per quality cell, but for those of code of a user's own that was edited since, see `read_plans`.

    Each file is read once, and its counts are kept. Columns: model, dataset, split, corruption, severity, view,
    precision, seed, metrics, metric_sources (pairs of a metric of a user's own and the hash of its source); height,
    width (medians, in pixels); below_window (how many images are smaller than the view's windows); miou (0-1), classes
    (how many it is the mean of), iou (a list, NaN where a class does not occur), and a column for each other metric,
    such as boundary_miou (0-1), ece (0-1), nll (nats per pixel), NaN where it was not counted, or not by the code that
    is here; flag ("" or why the number deserves no trust); path, truth and content of the file, see `StoredCell`;
    counts, see `CellCounts`; COMMON; environment.

    Raises StoreError for a file that is damaged, or contradicts another.
    """
    store = Store(folder)
    kept: dict[object, NDArray[Any]] = {}
    frame = pd.DataFrame([quality_row(read_cell(path), kept) for path in store.files("quality")])
    expect_once(frame)
    expect_agreement(frame)
    if not len(frame) or not (own := frame[OWN].astype(bool).any(axis=1)).any() or not store.plans():
        return frame
    meant = {cell.key for plan in read_plans(folder, frame) for cell in plan.cells}
    return frame[~own | frame["key"].isin(meant)]


def quality_row(stored: StoredCell, kept: dict[object, NDArray[Any]]) -> dict[str, Any]:
    record, cell = stored.record, stored.record.cell
    assert isinstance(cell, QualityCell)  # the folder is that of quality cells, as `read_cell` has checked
    images = ("image_id", "height", "width")
    sums = {name: values.sum(axis=0) for name, values in stored.arrays.items() if name not in images}
    iou = iou_per_class(sums)
    height, width = (int(np.median(stored.arrays[name])) for name in ("height", "width"))
    return {
        **vars(cell),
        "metric_sources": tuple((name, own.source) for name, own in record.own_metrics.items()),
        "view": str(cell.view),
        "slug": cell.slug,
        "height": height,
        "width": width,
        "below_window": below_window(stored, cell.view),
        "classes": int(np.count_nonzero(~np.isnan(iou))),
        "iou": iou.tolist(),
        **values_of(stored, sums),
        "class_names": record.class_names,
        "flag": flag_of(sums),
        "truth": stored.truth(),
        "content": stored.content(),
        "counts": CellCounts(stored.arrays, stored.hashes, kept),
        **common(stored),
    }


def values_of(stored: StoredCell, sums: Arrays) -> dict[str, float]:
    """The value of each metric that ships, and of those of a user's own that the cell counts; NaN where it has none."""
    own = {name: one.source for name, one in stored.record.own_metrics.items()}
    values = dict.fromkeys((*(one.quantity for one in SHIPPED.values()), *own), float("nan"))
    for metric in (find_metric(name, own.get(name, "")) for name in (*SHIPPED, *own)):
        if metric is not None and all(name in sums for name in metric.columns):
            values[metric.quantity] = metric.of(sums)
    return values


def below_window(stored: StoredCell, view: View) -> int:
    """Count the images that have a side, at the view's smallest scale, below that of its windows."""
    sides = np.minimum(stored.arrays["height"], stored.arrays["width"])
    return int(np.count_nonzero(np.rint(min(view.scales) * sides) < (view.crop or 0)))


def flag_of(counts: Arrays) -> str:
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
    that it is above 10 %, as it is when something else keeps the machine busy. Also path, and what is raised, as in
    `quality_frame`.
    """
    frame = pd.DataFrame([latency_row(read_cell(path)) for path in Store(folder).files("latency")])
    expect_once(frame)
    return frame


def latency_row(stored: StoredCell) -> dict[str, Any]:
    record, cell = stored.record, stored.record.cell
    assert isinstance(cell, LatencyCell)
    samples, classify = (stored.arrays[name] for name in ("latency_ms", "classify_ms"))
    about = record.environment
    machine = (about.get("machine", ""), about.get("threads"), about.get("packages", {}).get("torch"))
    first, median, third, p90, p99 = np.quantile(samples, (0.25, 0.5, 0.75, 0.9, 0.99))
    return {
        **vars(cell),
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
        **common(stored),
    }


def common(stored: StoredCell) -> dict[str, Any]:
    record = stored.record
    about = {"path": stored.path, "environment": json.dumps(record.environment)}
    return {name: getattr(record, name) for name in COMMON} | about


def expect_once(cells: pd.DataFrame) -> None:
    """Raise StoreError where a folder holds a cell twice, as in a folder within that of the cells."""
    for key in cells.loc[cells.duplicated("key"), "key"] if len(cells) else ():
        first, *_, copy = sorted(cells.loc[cells["key"] == key, "path"], key=lambda path: len(path.parts))
        raise StoreError(f"{copy}: is there already as {first}; remove it")


def expect_agreement(cells: pd.DataFrame) -> None:
    """Raise StoreError where files contradict each other, whatever the folders that they are in.

    cells: of `quality_frame` or `latency_frame`. Cells of the same data must agree in its images, their sizes and what
    is labelled in them; two files of one measurement must agree in its counts. Times are never the same twice.
    """
    if "truth" in cells:
        expect_one(cells, DATA, "truth", "other labels or sizes of images of the same data")
        expect_one(cells, PLACE, "content", "other counts of the same cell")


def expect_one(cells: pd.DataFrame, names: list[str], digest: str, others: str) -> None:
    """Raise StoreError where cells that agree in these columns have several digests: it names one of the rarest."""
    kinds = cells.drop_duplicates([*names, digest])
    for place in kinds[kinds.duplicated(names)].index:
        alike = cells[(cells[names] == cells.loc[place, names]).all(axis=1)]
        paths = alike.drop_duplicates(digest).set_index(digest)["path"]
        common, *_, rare = alike[digest].value_counts().index
        machines = "" if digest == "truth" else differing_machines(alike["environment"])
        cure = f"remove one of them. {machines}" if machines else "remove the one that is wrong"
        raise StoreError(f"{paths[rare]}: has {others} than {paths[common]}; {cure}")
