"""Whether a store is whole and consistent: every file is read and checked again, and all faults are collected.

A file by itself: the digest of its record and numbers, the key that follows from its settings and images, its name and
place, and counts that images can have (see `store.checks`). Files next to each other: cells of one data set have the
same images and labelled pixels, one measurement has one result, and plans and cells fit each other. With the data: the
fingerprint and the labelled pixels of each image.

It finds damage and mistakes, not forgery: the digest has no secret.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from ..datasets import Dataset
from ..datasets.base import Inspection
from ..errors import DataError, StoreError
from ..store.cell import CLEAN, QualityCell
from ..store.file import FOLDERS, StoredCell, read_cell
from ..store.folder import Store, read_failure, read_plan
from ..store.plan import Failure, Plan
from ..wording import BRIEF, counted, listed
from .frame import COMMON, disagreements
from .pictures import picture_of
from .plans import read_plans

__all__ = ["Verification", "data_faults", "verify"]

Content = TypeVar("Content")
MOST = 3  # names in a line
SUFFIXES = {**dict.fromkeys(FOLDERS.values(), ".parquet"), "plans": ".json", "failed": ".json"}


@dataclass(frozen=True, eq=False)
class Verification:
    """What the files of a store are.

    folder: of the store. cells: a row per sound file: the fields of its cell, what its numbers rest on, path, truth and
    content (see `StoredCell`). faults: a line each. notes: what was not checked.
    """

    folder: Path
    cells: pd.DataFrame
    faults: Sequence[str]
    notes: Sequence[str]


def verify(folder: Path) -> Verification:
    """Read and check everything in a store. Raises StoreError for a folder without any file of a store."""
    store, faults = Store(folder), []

    def sound(paths: Sequence[Path], read: Callable[[Path], Content]) -> list[Content]:
        contents = []
        for path in paths:
            try:
                contents.append(read(path))
            except StoreError as error:
                faults.append(str(error))
        return contents

    # Of a file in memory, the counts go before the next is read.
    stored = [row for kind in FOLDERS for row in sound(store.files(kind), lambda path: row_of(read_cell(path)))]
    files = sorted((folder / "plans").glob("*.json"))
    plans = sound(files, read_plan)
    failures = sound(sorted((folder / "failed").glob("*.json")), read_failure)
    if not (stored or plans or failures or faults):
        raise StoreError(f"{folder}: holds no results (neither cells nor plans)")
    sound(sorted((folder / "gallery").rglob("*.png")), picture_of)
    cells = pd.DataFrame(stored)
    quality = cells[cells["kind"] == "quality"] if stored else cells
    if len(quality):
        faults += disagreements(quality)
        faults += (
            f"{path}: its images are the clean ones"
            for path in quality.loc[(quality["corruption"] != CLEAN) & (quality["difference"] == 0), "path"]
        )
    keys = {cell["key"] for cell in stored}
    faults += strays(folder, keys)
    faults += (line for plan in plans for line in plan_faults(folder, plan, cells))
    faults += unplanned(plans, cells)
    if plans and len(plans) == len(files):
        faults += unfinished(folder, read_plans(folder, quality), keys, failures)
    old = sum(cell["schema_version"] < 3 for cell in stored)
    note = f"{folder}: {counted(old, 'file')} of an earlier schema version, without a digest to check"
    return Verification(folder, cells, tuple(faults), (note,) if old else ())


def row_of(stored: StoredCell) -> dict[str, Any]:
    """Keep of a file what it is compared by, and not its counts."""
    record = stored.record
    own: dict[str, Any] = {"truth": "", "content": "", "scales": ()}
    if isinstance(record.cell, QualityCell):
        view = record.cell.view
        own = {"truth": stored.truth(), "content": stored.content(), "view": view.label, "scales": view.scales}
    return {
        **vars(record.cell),
        **{name: getattr(record, name) for name in COMMON},
        "metric_sources": tuple((name, metric.source) for name, metric in record.own_metrics.items()),
        **{name: getattr(record, name) for name in ("kind", "class_names", "difference", "schema_version")},
        "slug": record.cell.slug,
        "environment": json.dumps(record.environment),
        "path": stored.path,
        **own,
    }


def strays(folder: Path, keys: set[str]) -> Iterator[str]:
    """Name visible files that are none of a store's, and pictures of no cell."""
    for name, suffix in SUFFIXES.items():
        for path in sorted((folder / name).rglob("*")):
            if path.is_file() and not path.name.startswith(".") and path.suffix.lower() != suffix:
                yield f"{path}: is no file of a store; remove it"
    for path in sorted((folder / "gallery").glob("*")):
        if path.is_dir() and path.name[-32:] not in keys:
            yield f"{path}: has pictures of no cell that is here; remove it"


def plan_faults(folder: Path, plan: Plan, cells: pd.DataFrame) -> Iterator[str]:
    """Name cells of a plan that are not what it plans, or are of other data than its other cells."""
    name = f"{folder / 'plans'}: plan {plan.suite}"
    planned = {cell.key: cell for cell in plan.cells}
    own = cells[cells["key"].isin(planned)] if len(cells) else cells
    for cell in own.itertuples():
        if (planned[cell.key].kind, planned[cell.key].slug) != (cell.kind, cell.slug):
            yield f"{cell.path}: {name} has its key under the name {planned[cell.key].slug}"
    quality = own[own["kind"] == "quality"] if len(own) else own
    conditions = {CLEAN: (0,), **dict(plan.conditions)}
    for cell in quality.itertuples():
        expected = {
            "condition": cell.severity in conditions.get(cell.corruption, ()),
            "view": cell.view in plan.views,
            "precision": cell.precision == plan.precision,
            "number of images": plan.images in (0, cell.images),
        }
        if wrong := [what for what, fits in expected.items() if not fits]:
            yield f"{cell.path}: has another {' and '.join(wrong)} than {name}"
    for column, what in (("fingerprint", "data"), ("class_names", "classes"), ("engine_version", "engine version")):
        if len(quality) and quality[column].nunique() > 1:
            rare = quality[column].value_counts().index[-1]
            path = quality.loc[quality[column] == rare, "path"].iloc[0]
            yield f"{path}: is of other {what} than other cells of {name}"


def unplanned(plans: Sequence[Plan], cells: pd.DataFrame) -> Iterator[str]:
    """Name cells that no plan has."""
    planned = {cell.key for plan in plans for cell in plan.cells}
    for path in cells.loc[~cells["key"].isin(planned), "path"] if len(cells) else ():
        yield f"{path}: is in no plan, so no report shows it; remove it, or put its plan back"


def unfinished(folder: Path, plans: Sequence[Plan], done: set[str], failures: Sequence[Failure]) -> Iterator[str]:
    """Name cells that a plan has and the folder lacks, and failures of cells that it has."""
    failed = {one.record.key: one for one in failures}
    for key in sorted(done & failed.keys()):
        yield f"{folder / 'failed'}: {failed[key].record.cell.slug} has failed, and is measured, too"
    for plan in plans:
        missing = [cell for cell in plan.cells if cell.key not in done]
        noted = [f"{cell.slug} ({failed[cell.key].message:.80})" for cell in missing if cell.key in failed]
        lost = [cell.slug for cell in missing if cell.key not in failed]
        for slugs, state in ((noted, "failed"), (lost, "no file")):
            if slugs:
                number = f"{counted(len(slugs), 'cell')} of plan {plan.suite} {'has' if len(slugs) == 1 else 'have'}"
                yield f"{folder}: {number} {state}: {listed(slugs, MOST)}"


def data_faults(dataset: Dataset, folder: Path, cells: pd.DataFrame) -> Iterator[str]:
    """Compare cells with their data set: the fingerprint again, and the labelled pixels of each image.

    cells: of a `Verification`, of this data set and split, with a file for each fingerprint read again for its counts.
    """
    for fingerprint, same in cells.groupby("fingerprint", sort=False):
        path = same["path"].iloc[0]
        arrays = read_cell(path).arrays
        ids = tuple(arrays["image_id"].tolist())
        if unknown := sorted({*ids} - {*dataset.ids}):
            yield f"{path}: has images that the data lacks: {listed(unknown, MOST)}"
            continue
        try:
            again = dataset.fingerprint(ids)
        except DataError as error:
            yield from (f"{folder}: {line}" for line in str(error).splitlines())
            continue
        if again != fingerprint:
            yield f"{path}: the data now has the fingerprint {again[:BRIEF]}, not {str(fingerprint)[:BRIEF]}"
        for image_id, labelled, one in zip(ids, arrays["labelled"], dataset.inspections(ids), strict=True):
            if not isinstance(one, Inspection):
                yield f"{folder}: {one}"
            elif not np.array_equal(one.pixels[:-1], labelled):
                yield f"{path}: image {image_id}: its label has other pixels than were counted"
