"""The per-image counts of chosen cells as arrays, for statistics: no model runs again, and no torch is needed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..datasets import blocks_of
from ..errors import StoreError
from ..store import COUNTS, read_cell

__all__ = ["Counts", "read_counts"]


@dataclass(frozen=True, eq=False)
class Counts:
    """Pixels per cell, image and class, all over pixels whose label is not ignored.

    cells: a row per cell, as they stand on the first axis. blocks: the name of each image's block, one per image.
    intersection, union: int32 (cells, images, classes).
    """

    cells: pd.DataFrame
    blocks: tuple[str, ...]
    intersection: NDArray[np.int32]
    union: NDArray[np.int32]


def read_counts(cells: pd.DataFrame, prefix: str = "") -> Counts:
    """Read the counts of cells of one data set and choice of images.

    cells: those of `quality_frame` that are asked for, such as quality_frame(folder).query("severity == 3"); those of
    several folders may be concatenated. prefix: "" for IoU, "boundary_" for boundary IoU. Memory: 8 bytes for each
    cell, image and class, and one file.
    Raises StoreError where there is no cell, where cells differ in images, labels or classes, or lack the counts.
    """
    if not len(cells):
        raise StoreError("no cell fits what was asked for")
    first = cells.iloc[0]
    classes = len(first["class_names"])
    shape = (len(cells), int(first["images"]), classes)
    intersection, union = np.empty(shape, np.int32), np.empty(shape, np.int32)
    columns = [prefix + name for name in COUNTS]
    ids: list[str] = []
    for k, (path, fingerprint) in enumerate(zip(cells["path"], cells["fingerprint"], strict=True)):
        record, table = read_cell(path, ["image_id", *columns])
        absent = [name for name in columns if name not in table.column_names or table[name].null_count]
        if absent:
            raise StoreError(f"{path}: has no {absent[0]}; that metric was off when it was measured")
        ids = ids or table["image_id"].to_pylist()
        if table["image_id"].to_pylist() != ids or fingerprint != first["fingerprint"]:
            raise StoreError(f"{path}: is of other images or labels than {first['path']}; only the same are compared")
        if list(record.class_names) != list(first["class_names"]):
            raise StoreError(f"{path}: has other classes than {first['path']}")
        agreed, predicted, of_label = (
            table[name].combine_chunks().flatten().to_numpy().reshape(-1, classes) for name in columns
        )
        intersection[k] = agreed
        union[k] = predicted + of_label - agreed
    return Counts(cells.reset_index(drop=True), blocks_of(first["dataset"], ids), intersection, union)
