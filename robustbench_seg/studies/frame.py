"""The store as data frames: one row per finished cell, with the metrics of its images."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import StoreError
from ..metrics import SHIPPED, Arrays, best_constant_miou, find_metric, iou_per_class, largest_predicted_share, miou
from ..store.cell import LatencyCell, QualityCell
from ..store.file import StoredCell, read_cell
from ..store.folder import Store
from ..store.view import View
from .counts import CellCounts
from .machines import differing_machines
from .plans import OWN, read_plans

__all__ = [
    "COMMON", "MACHINE", "NOISY_SPREAD", "PLACE", "disagreements", "expect_agreement", "latency_frame", "quality_frame",
]  # fmt: skip

SAMPLES_FOR_P99 = 100
NOISY_SPREAD = 0.1  # distance of the quartiles over the median
REST = 0.01  # of pixels: a model that predicts all classes but one for no more of them has degenerated, unless labels
RARER = 10  # have few others too; it has degenerated if it predicts these so many times less often than they occur
COMMON = (
    "key", "checkpoint_sha256", "licence", "about", "parameters", "engine_version", "corruption_source", "fingerprint",
    "images", "of", "synthetic",
)  # fmt: skip
# The machine of a speed cell; threads are None in older records.
MACHINE = ("machine", "threads", "torch")
DATA = ["dataset", "fingerprint"]
# Two files that agree in these columns hold the same measurement; only their metrics may differ.
PLACE = [
    "model", "checkpoint_sha256", "dataset", "split", "fingerprint", "images", "corruption", "severity", "view",
    "precision", "void", "seed", "engine_version", "corruption_source",
]  # fmt: skip


def quality_frame(folder: Path) -> pd.DataFrame:
    """Make a frame with one row per quality cell, without cells of a user's own code that was edited, see `read_plans`.

    Each file is read once, and its counts are kept. Columns: model, dataset, split, corruption, severity, view,
    precision, seed, metrics, void, metric_sources (pairs of a user's own metric and the hash of its source); height,
    width (medians, in pixels); below_window (number of images that are smaller than the view's windows); miou (0-1),
    classes (number of classes in this mean), iou (a list, NaN for a class that does not occur), and a column for each
    other metric, such as boundary_miou (0-1), ece (0-1), nll (nats per pixel), NaN if it was not counted, or with other
    code; flag ("" or the reason why the number deserves no trust); path, truth and content of the file, see
    `StoredCell`; counts, see `CellCounts`; COMMON; environment.

    Raises StoreError for a file that is damaged, or contradicts another file.
    """
    store = Store(folder)
    shared: dict[object, NDArray[Any]] = {}
    frame = pd.DataFrame([quality_row(read_cell(path), shared) for path in store.files("quality")])
    expect_once(frame)
    expect_agreement(frame)
    if not len(frame) or not (own := frame[OWN].astype(bool).any(axis=1)).any() or not store.plans():
        return frame
    planned = {cell.key for plan in read_plans(folder, frame) for cell in plan.cells}
    return frame[~own | frame["key"].isin(planned)]


def quality_row(stored: StoredCell, shared: dict[object, NDArray[Any]]) -> dict[str, Any]:
    record, cell = stored.record, stored.record.cell
    assert isinstance(cell, QualityCell)  # `read_cell` has checked the folder
    images = ("image_id", "height", "width")
    sums = {name: values.sum(axis=0) for name, values in stored.arrays.items() if name not in images}
    iou = iou_per_class(sums)
    height, width = (int(np.median(stored.arrays[name])) for name in ("height", "width"))
    return {
        **vars(cell),
        "metric_sources": tuple((name, own.source) for name, own in record.own_metrics.items()),
        "view": cell.view.label,
        "scales": cell.view.scales,
        "slug": cell.slug,
        "height": height,
        "width": width,
        "below_window": below_window(stored, cell.view),
        "classes": int(np.count_nonzero(~np.isnan(iou))),
        "iou": iou.tolist(),
        **values_of(stored, sums),
        "class_names": record.class_names,
        "block_pattern": record.block_pattern,
        "own_blocks": record.own_blocks,
        "alignment": record.alignment,
        "flag": flag_of(sums, pixels_of(stored) if cell.void == "counted" else None),
        "truth": stored.truth(),
        "content": stored.content(),
        "counts": CellCounts(stored.arrays, stored.hashes, shared),
        **common(stored),
    }


def values_of(stored: StoredCell, sums: Arrays) -> dict[str, float]:
    """Compute each metric that ships, and each of the user's own metrics in the cell; NaN without counts or code."""
    own = {name: metric.source for name, metric in stored.record.own_metrics.items()}
    values = dict.fromkeys((*(metric.quantity for metric in SHIPPED.values()), *own), float("nan"))
    for metric in (find_metric(name, own.get(name, "")) for name in (*SHIPPED, *own)):
        if metric is not None and all(name in sums for name in metric.columns):
            values[metric.quantity] = metric.of(sums)
    return values


def below_window(stored: StoredCell, view: View) -> int:
    """Count the images with a side, at the view's smallest scale, that is shorter than a window."""
    sides = np.minimum(stored.arrays["height"], stored.arrays["width"])
    return int(np.count_nonzero(np.rint(min(view.scales) * sides) < (view.crop or 0)))


def pixels_of(stored: StoredCell) -> int:
    return int((stored.arrays["height"].astype(np.int64) * stored.arrays["width"]).sum())


def flag_of(counts: Arrays, pixels: int | None = None) -> str:
    """State why a number deserves no trust; "" if it does. pixels: how many count, if more than the labelled ones."""
    labelled = counts["labelled"]
    others = 1 - labelled.max() / max(1, labelled.sum())
    if 1 - largest_predicted_share(counts, pixels) <= min(REST, others / RARER):
        return "one class"
    if miou(counts) <= best_constant_miou(counts, pixels):
        return "no better than one class for every pixel"
    return ""


def latency_frame(folder: Path) -> pd.DataFrame:
    """Make a frame with one row per speed cell.

    Columns: the cell's fields, samples, times per batch, images_per_s, spread, noisy, peak_memory_mib, macs, MACHINE,
    path, COMMON, environment. median_ms, p90_ms and p99_ms (NaN for fewer than 100 samples) are from image to logits.
    classify_ms is the median from logits to classes, total_ms the median of the sum. spread is the distance of the
    quartiles divided by the median. noisy is whether spread is above 10 %, for example if another program uses the
    machine. Raises StoreError as `quality_frame` does.
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
    """Raise StoreError if a folder holds a cell twice, for example in a subfolder."""
    for key in cells.loc[cells.duplicated("key"), "key"] if len(cells) else ():
        first, *_, copy = sorted(cells.loc[cells["key"] == key, "path"], key=lambda path: len(path.parts))
        raise StoreError(f"{copy}: holds the same cell as {first}; remove it")


def expect_agreement(cells: pd.DataFrame) -> None:
    """Raise StoreError for the first of `disagreements`. cells: from `quality_frame` or `latency_frame`."""
    for line in disagreements(cells) if "truth" in cells else ():
        raise StoreError(line)


def disagreements(cells: pd.DataFrame) -> Iterator[str]:
    """Name the files of quality cells that contradict each other, in one folder or in several.

    Cells of the same data must agree in images, their sizes and their labelled pixels. Two files of one measurement
    must agree in its counts. Times always differ, so they are not compared. Views of one label, which are one view in
    tables, must have the same scales.
    """
    yield from differences(cells, ["view"], "scales", "other scales in a view of the same name")
    yield from differences(cells, DATA, "truth", "other labels or image sizes for the same data")
    yield from differences(cells, PLACE, "content", "other counts for the same cell")


def differences(cells: pd.DataFrame, names: list[str], digest: str, others: str) -> Iterator[str]:
    """Name a cell of the rarest digest wherever cells that agree in these columns differ in it."""
    kinds = cells.drop_duplicates([*names, digest])
    twice = kinds[kinds.duplicated(names)].drop_duplicates(names)
    for place in twice.index:
        alike = cells[(cells[names] == cells.loc[place, names]).all(axis=1)]
        paths = alike.drop_duplicates(digest).set_index(digest)["path"]
        common, *_, rare = alike[digest].value_counts().index
        machines = differing_machines(alike["environment"]) if digest == "content" else ""
        cure = f"remove one of them. {machines}" if machines else "remove the one that is wrong"
        yield f"{paths[rare]}: has {others} than {paths[common]}; {cure}"
