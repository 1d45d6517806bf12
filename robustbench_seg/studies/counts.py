"""The per-image counts of chosen cells as arrays, for statistics: no model runs again, and no torch is needed.

Every metric is a function of integers, its terms, each summed over the images first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..datasets import blocks_of
from ..errors import StoreError
from ..metrics import MIOU, SHIPPED, Arrays, Metric, find_metric
from ..store.cell import CLEAN
from .blocks import Blocks, blocks_by_counts

__all__ = ["CellCounts", "Counts", "blocks_in", "metrics_in", "read_counts", "unknown_metrics"]


class CellCounts:
    """The columns of one cell's file, int64 (images,) or (images, size) and the image ids, each held as narrow as its
    values allow.

    kept: columns that cells share, by name, hash and shape: image ids and labels are the same in all cells of one data
    set, and are there once.
    """

    def __init__(self, arrays: Arrays, hashes: Mapping[str, str], kept: dict[object, NDArray[Any]]) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        for name, values in arrays.items():
            place = (name, hashes[name], values.shape)
            self.arrays[name] = kept[place] if place in kept else kept.setdefault(place, narrowed(values))

    def __contains__(self, name: object) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> NDArray[Any]:
        values = self.arrays[name]
        return values if values.dtype == object else values.astype(np.int64)


def narrowed(values: NDArray[Any]) -> NDArray[Any]:
    """Hold integers in as few bytes as they need."""
    wide = values.dtype == object or values.min() < 0
    return values if wide else values.astype(np.min_scalar_type(int(values.max())))


@dataclass(frozen=True, eq=False)
class Counts:
    """What one metric is made of, per cell and image: for mIoU, intersection and union of each class.

    cells: a row per cell, as they stand on the first axis. blocks: the name of each image's block, one per image.
    terms: of `Metric.terms`, integers (cells, images) or (cells, images, size), all over pixels whose label is not
    ignored. Images: those that have any such pixel.
    """

    cells: pd.DataFrame
    blocks: tuple[str, ...]
    terms: Mapping[str, NDArray[Any]]
    metric: Metric = MIOU


def metrics_in(cells: pd.DataFrame) -> dict[str, Metric]:
    """The metrics that some of these cells have a value of, by its column of `quality_frame`."""
    kinds = cells[["metrics", "metric_sources"]].drop_duplicates()
    found = [
        find_metric(name, dict(sources).get(name, ""))
        for names, sources in zip(kinds["metrics"], kinds["metric_sources"], strict=True)
        for name in names
    ]
    ours = [one for one in SHIPPED.values() if one is MIOU or one in found]
    return {one.quantity: one for one in (*ours, *found) if one is not None}


def unknown_metrics(cells: pd.DataFrame) -> list[str]:
    """Say which metrics of a user's own have no value in some cells, as their code is not here, or was edited since."""
    pairs = dict.fromkeys(pair for sources in cells["metric_sources"] for pair in sources)
    return [
        f"Cells have counts of the metric {name} by code that is unknown here or was edited since; no value is shown."
        for name in dict.fromkeys(name for name, source in pairs if find_metric(name, source) is None)
    ]


def read_counts(cells: pd.DataFrame, quantity: str = "miou") -> Counts:
    """Give the counts of cells of one data set and choice of images.

    cells: those of `quality_frame` that are asked for, such as quality_frame(folder).query("severity == 3"); those of
    several folders may be concatenated. quantity: the column of a metric there. Memory: 8 bytes for each cell, image
    and class (12 for each of the 15 bins of "ece").
    Raises StoreError where there is no cell, and where cells differ in images, labels or classes, or lack the counts.
    """
    if not len(cells):
        raise StoreError("no cell fits what was asked for")
    first = cells.iloc[0]
    metric = ({one.quantity: one for one in SHIPPED.values()} | metrics_in(cells))[quantity]
    terms: dict[str, NDArray[Any]] = {}
    for k, cell in enumerate(cells.itertuples()):
        if (cell.fingerprint, cell.truth) != (first["fingerprint"], first["truth"]):
            raise StoreError(
                f"{cell.path}: is of other images or labels than {first['path']}; only the same are compared"
            )
        if cell.class_names != first["class_names"]:
            raise StoreError(f"{cell.path}: has other classes than {first['path']}")
        if absent := [name for name in metric.reads if name not in cell.counts]:
            raise StoreError(f"{cell.path}: has no {absent[0]}; that metric was off when it was measured")
        if dict(cell.metric_sources).get(metric.name, "") != metric.source:
            raise StoreError(
                f"{cell.path}: was measured by another source of the metric {metric.name}; measure it anew"
            )
        for name, values in metric.terms({name: cell.counts[name] for name in metric.reads}).items():
            if k == 0:
                terms[name] = np.empty((len(cells), *values.shape), np.int32)
            terms[name] = terms[name].astype(np.promote_types(terms[name].dtype, narrowest(values)), copy=False)
            terms[name][k] = values
    blocks = blocks_in(cells)
    if not blocks.labelled.all():
        terms = {name: values[:, blocks.labelled] for name, values in terms.items()}
    return Counts(cells.reset_index(drop=True), blocks.names, terms, metric)


def narrowest(values: NDArray[Any]) -> type[np.signedinteger[Any]]:
    """Choose int32 or int64, depending on what the values need."""
    bounds = np.iinfo(np.int32)
    return np.int32 if bounds.min <= values.min() and values.max() <= bounds.max else np.int64


def blocks_in(cells: pd.DataFrame) -> Blocks:
    """Find what is drawn of the images of these cells, by the counts of a clean cell where there is one.

    Noise would set an image apart from its copy, as every image has noise of its own.
    """
    clean = cells[cells["corruption"] == CLEAN]
    first = (clean if len(clean) else cells).iloc[0]
    counts = first["counts"]
    names = blocks_of(first["dataset"], counts["image_id"].tolist())
    intersection, predicted, labelled = (counts[name] for name in MIOU.columns)
    return blocks_by_counts(names, labelled, np.concatenate([intersection, predicted], axis=1))
