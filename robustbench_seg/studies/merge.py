"""Copy the stores of several folders into one, for processes that could not share a folder.

Files are copied byte for byte, each whole or not at all, and plans before cells: after a kill the same command resumes,
and a second one changes nothing. A report of the result leads with the last run, a
report of the folders together with the cells of most images.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..errors import StoreError, UsageError
from ..files import write_bytes
from ..store.cell import QualityCell
from ..store.file import FOLDERS, StoredCell, read_cell
from ..store.folder import OLDEST_RENEWED, Store, read_plan
from ..store.record import SCHEMA_VERSION, Record
from .frame import disagreements
from .integrity import row_of
from .machines import differing_machines

__all__ = ["Merged", "merge"]


@dataclass
class Merged:
    """How many files of a kind were copied, and how many were there already."""

    copied: int = 0
    there: int = 0


def merge(folders: Sequence[Path], out: Path) -> dict[str, Merged]:
    """Copy plans, cells, failures and pictures of folders into `out`, next to what it holds; return their numbers.

    Of a speed cell that several folders hold, the first file is kept. A failure is not copied if its cell is done.
    Raises StoreError before the first copy for damaged files, and for folders that contradict each other; UsageError
    for `out` inside one of them.
    """
    for folder in folders:
        if not is_same(folder, out) and folder.exists() and folder.resolve() in out.resolve().parents:
            raise UsageError(f"--out {out}: lies in {folder}, whose results it is to hold; choose a folder outside")
    sources = [Store(folder) for folder in dict.fromkeys(folders) if not is_same(folder, out)]
    for store in sources:
        if not (store.plans() or any(store.files(kind) for kind in FOLDERS)):
            raise StoreError(f"{store.folder}: holds no results (neither cells nor plans)")
    target = Store(out)
    with target.in_use():
        cells = [(name, path) for store in sources for kind, name in FOLDERS.items() for path in store.files(kind)]
        failures = [(store, store.failures()) for store in sources]
        records = agreeing([*(path for kind in FOLDERS for path in target.files(kind)), *(path for _, path in cells)])
        merged = {name: Merged() for name in ("plans", *FOLDERS.values(), "failed", "gallery")}
        for store in sources:
            for path in sorted((store.folder / "plans").glob("*.json")):
                copy_plan(path, out, merged["plans"])
        for name, path in cells:  # only what was read: a run may add more meanwhile
            copy(path, out / name / path.name, merged[name])
        target.bring_up_to_date({target.path(one.kind, one.cell.slug, one.key): one for one in records})
        done = {record.key for record in records}
        for store, notes in failures:
            for failure in notes.values():
                path = store.failure_path(failure.record)
                if failure.record.key not in done and path.exists():  # else a run has measured the cell meanwhile
                    copy(path, out / "failed" / path.name, merged["failed"])
            for path in sorted((store.folder / "gallery").glob("*/**/*.png")):  # an id with a slash has a folder
                copy(path, out / path.relative_to(store.folder), merged["gallery"])
        for record in records:
            target.forget_failures(record)
    return merged


def is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def agreeing(paths: Iterable[Path]) -> list[Record]:
    """Read the cells of all files, and return a record of each.

    Raises StoreError that names the files that contradict each other.
    Where files of one cell have different schema versions, the record of the earliest is returned.
    """
    cells: dict[str, StoredCell] = {}
    records: dict[str, Record] = {}
    rows = []
    like: StoredCell | None = None  # the first quality cell
    for path in paths:
        stored = read_cell(path)
        record = stored.record
        if record.schema_version < OLDEST_RENEWED:
            version = f"schema version {record.schema_version}"
            raise StoreError(f"{path}: is of {version}, and files of a folder have {SCHEMA_VERSION}; leave it out")
        if isinstance(record.cell, QualityCell):
            like = like or stored
            expect_alike(like, stored)
            expect_same(cells.get(record.key, stored), stored)
            rows.append(row_of(stored))
        cells.setdefault(record.key, without_arrays(stored))
        earliest = records.get(record.key, record)
        records[record.key] = min(earliest, record, key=lambda one: one.schema_version)
    for line in disagreements(pd.DataFrame(rows)) if rows else ():
        raise StoreError(line)
    return list(records.values())


def without_arrays(stored: StoredCell) -> StoredCell:
    """Keep what a cell is compared by, and not its counts."""
    return StoredCell(stored.path, stored.record, {}, stored.hashes)


def expect_alike(first: StoredCell, other: StoredCell) -> None:
    """Raise StoreError for cells that can't be in one folder, whose files all have the same columns."""
    for value, what in (
        (lambda one: len(one.record.class_names), "classes"),
        (lambda one: ", ".join(one.record.cell.metrics) or "none", "metrics"),
        (lambda one: ", ".join(f"{name} of {own.columns}" for name, own in one.record.own_metrics.items()), "columns"),
    ):
        if value(first) != value(other):
            raise StoreError(
                f"{other.path}: has other {what} ({value(other)}) than {first.path} ({value(first)}); "
                "merge them into different folders"
            )


def expect_same(first: StoredCell, other: StoredCell) -> None:
    """Raise StoreError for two files of one cell with different counts."""
    if first.hashes != other.hashes:
        machines = differing_machines(json.dumps(one.record.environment) for one in (first, other))
        cure = f"remove one of them. {machines}" if machines else "remove the one that is wrong"
        raise StoreError(f"{other.path}: has other counts for the same cell than {first.path}; {cure}")


def copy(path: Path, to: Path, merged: Merged) -> None:
    """Copy a file, unless it is there."""
    if to.is_file():
        merged.there += 1
        return
    write_bytes(to, path.read_bytes())
    merged.copied += 1


def copy_plan(path: Path, out: Path, merged: Merged) -> None:
    """Copy a plan; of one that is there, the later time stays."""
    to = out / "plans" / path.name
    if to.is_file() and read_plan(to).written < read_plan(path).written:
        write_bytes(to, path.read_bytes())
        merged.there += 1
    else:
        copy(path, to, merged)
