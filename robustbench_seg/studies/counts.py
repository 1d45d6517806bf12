"""The per-image counts of cells as arrays, for statistics: no model runs again, and torch is not needed.

Every metric is a function of integers, its terms, which are first summed over the images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..datasets import blocks_of, groups_of
from ..errors import StoreError
from ..metrics import MIOU, SHIPPED, Arrays, Metric, find_metric
from ..store.cell import CLEAN
from .blocks import Blocks, blocks_by_counts

__all__ = ["CellCounts", "Counts", "blocks_in", "metrics_in", "narrow", "read_counts", "unknown_metrics", "why_without"]

COLUMNS = ["path", "fingerprint", "truth", "class_names", "metric_sources", "counts"]  # that `read_counts` reads


class CellCounts:
    """The columns of one cell's file: image ids, and int64 (images,) or (images, size).

    In memory a column has the smallest integer type for its values. shared: columns by name, hash and shape, for all
    cells: image ids and labels are the same in all cells of one data set, and are kept once.
    """

    def __init__(self, arrays: Arrays, hashes: Mapping[str, str], shared: dict[object, NDArray[Any]]) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        for name, values in arrays.items():
            place = (name, hashes[name], values.shape)
            self.arrays[name] = shared[place] if place in shared else shared.setdefault(place, narrow(values))

    def __contains__(self, name: object) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> NDArray[Any]:
        values = self.arrays[name]
        return values if values.dtype == object else values.astype(np.int64)


def narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Convert whole numbers of 0 or more to the smallest type that holds them; return other values unchanged."""
    other = values.dtype == object or values.min() < 0
    return values if other else values.astype(np.min_scalar_type(int(values.max())))


@dataclass(frozen=True, eq=False)
class Counts:
    """The terms of one metric per cell and image: for mIoU, intersection and union of each class.

    cells: a row per cell, in the order of the first axis. blocks: the name of each image's block, one per image. terms:
    from `Metric.terms`, integers (cells, images) or (cells, images, size), over the pixels that are counted.
    Images without such a pixel are omitted. groups: as blocks, the name of each image's group, such as a drive; empty
    unless there are several groups.
    """

    cells: pd.DataFrame
    blocks: tuple[str, ...]
    terms: Mapping[str, NDArray[Any]]
    metric: Metric = MIOU
    groups: tuple[str, ...] = ()


def metrics_in(cells: pd.DataFrame) -> dict[str, Metric]:
    """Find the metrics with a value in some of these cells, by column of `quality_frame`."""
    kinds = cells[["metrics", "metric_sources"]].drop_duplicates()
    counted = [
        find_metric(name, dict(sources).get(name, ""))
        for names, sources in zip(kinds["metrics"], kinds["metric_sources"], strict=True)
        for name in names
    ]
    ours = [metric for metric in SHIPPED.values() if metric is MIOU or metric in counted]
    return {metric.quantity: metric for metric in (*ours, *counted) if metric is not None}


def unknown_metrics(cells: pd.DataFrame) -> list[str]:
    """Name the user's own metrics without a value in some cells: their code is not here, or was edited since."""
    pairs = dict.fromkeys(pair for sources in cells["metric_sources"] for pair in sources)
    return [
        f"Cells have counts of the metric {name} from code that is unknown here or was edited since; no value is shown."
        for name in dict.fromkeys(name for name, source in pairs if find_metric(name, source) is None)
    ]


def read_counts(cells: pd.DataFrame, quantity: str = "miou") -> Counts:
    """Read the counts of cells with the same data set and the same images.

    cells: rows of `quality_frame`, such as quality_frame(folder).query("severity == 3"); frames of several folders may
    be concatenated. quantity: the column of a metric in the frame. Memory: 8 bytes per cell, image and class (12 per
    bin for the 15 bins of "ece").
    Raises StoreError if there is no cell, if cells differ in images, labels or classes, or if a cell lacks the counts.
    """
    if not len(cells):
        raise StoreError("no cell matches the request")
    first = cells.iloc[0]
    metrics = {metric.quantity: metric for metric in SHIPPED.values()} | metrics_in(cells)
    if quantity not in metrics:
        raise StoreError(f"no cell has {quantity!r:.60} from code that is known here; there are {', '.join(metrics)}")
    metric = metrics[quantity]
    terms: dict[str, NDArray[Any]] = {}
    for k, cell in enumerate(cells[COLUMNS].itertuples()):
        if (cell.fingerprint, cell.truth) != (first["fingerprint"], first["truth"]):
            raise StoreError(
                f"{cell.path}: has other images or labels than {first['path']}; only cells of the same are compared"
            )
        if cell.class_names != first["class_names"]:
            raise StoreError(f"{cell.path}: has other classes than {first['path']}")
        if fault := why_without(metric, cell.counts, cell.metric_sources):
            raise StoreError(f"{cell.path}: {fault}")
        for name, values in metric.terms({name: cell.counts[name] for name in metric.reads}).items():
            if k == 0:
                terms[name] = np.empty((len(cells), *values.shape), np.int32)
            terms[name] = terms[name].astype(np.promote_types(terms[name].dtype, narrowest(values)), copy=False)
            terms[name][k] = values
    blocks = blocks_in(cells)
    if not blocks.labelled.all():
        terms = {name: values[:, blocks.labelled] for name, values in terms.items()}
    ids = first["counts"]["image_id"][blocks.labelled].tolist()
    groups = groups_of(first["dataset"], ids)
    own = groups if len(set(groups)) > 1 else ()
    return Counts(cells.reset_index(drop=True), blocks.names, terms, metric, own)


def why_without(metric: Metric, counts: CellCounts, metric_sources: Sequence[tuple[str, str]]) -> str:
    """State why a cell has no value of a metric: its counts are absent, or other code made them; "" if it has one."""
    if absent := [name for name in metric.reads if name not in counts]:
        return f"has no {absent[0]}; its metric was off when the cell was measured"
    if dict(metric_sources).get(metric.name, "") != metric.source:
        return f"was measured with another source of the metric {metric.name}; measure it again"
    return ""


def narrowest(values: NDArray[Any]) -> type[np.signedinteger[Any]]:
    """Choose int32 or int64, depending on what the values need."""
    bounds = np.iinfo(np.int32)
    return np.int32 if bounds.min <= values.min() and values.max() <= bounds.max else np.int64


def blocks_in(cells: pd.DataFrame) -> Blocks:
    """Group the images of these cells into blocks, from the counts of a clean cell if there is one.

    In a cell with noise, the counts of an image and of its copy differ, because each image has different noise.
    """
    clean = cells[cells["corruption"] == CLEAN]
    first = (clean if len(clean) else cells).iloc[0]
    counts = first["counts"]
    own = (first.get(name, empty) for name, empty in (("block_pattern", ""), ("own_blocks", ())))
    names = blocks_of(first["dataset"], counts["image_id"].tolist(), *own)
    intersection, predicted, labelled = (counts[name] for name in MIOU.columns)
    others = np.concatenate([intersection, predicted], axis=1)
    return blocks_by_counts(names, labelled, others, void=first.get("void") == "counted")
