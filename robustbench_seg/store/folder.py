"""A folder of results with one Parquet file per cell. Files are atomic: a kill loses at most the cell in progress.

    DIR/cells/<slug>-<key>.parquet      a quality cell, a row per image
    DIR/latency/<slug>-<key>.parquet    a speed cell, a row per sample
    DIR/failed/<slug>-<key>.json        a cell that raised: record and traceback
    DIR/plans/<suite>-<digest>.json     the plan of a run
    DIR/gallery/<slug>-<key>/           the cell's pictures of the suite's gallery

`pandas.read_parquet(DIR/cells)` and DuckDB read these folders directly, pyarrow before 26 only columns without null;
the record is in each file's metadata.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import DamagedError, StoreError
from ..files import digest, write_json
from ..locks import locked
from ..metrics import METRICS, ImageCounts
from .cell import QualityCell
from .columns import latency_table, quality_table
from .file import FOLDERS, bring_up_to_date, file_name, read_record, write_cell
from .plan import Failure, Plan
from .record import SCHEMA_VERSION, Record
from .strict_json import parse_json

__all__ = ["OLDEST_RENEWED", "Stamp", "Store", "read_failure", "read_plan"]

Stamp = tuple[int, int] | None
OLDEST_RENEWED = 2  # the keys of version 1 are different, so its cells match no cell that is measured now


class Store:
    """One result folder; its only state is the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def in_use(self) -> AbstractContextManager[None]:
        """Share the folder with other runs, which divide the work by claims, and keep other commands out."""
        return locked(self.folder, shared=True)

    def path(self, kind: str, slug: str, key: str) -> Path:
        return self.folder / FOLDERS[kind] / file_name(slug, key)

    def has(self, kind: str, slug: str, key: str) -> bool:
        """Whether the cell is done."""
        return self.path(kind, slug, key).is_file()

    def holds(self, record: Record) -> bool:
        """Whether a record's cell is done, and its file undamaged."""
        path = self.path(record.kind, record.cell.slug, record.key)
        try:
            return path.is_file() and bool(read_record(path))
        except DamagedError:
            return False

    def files(self, kind: str) -> list[Path]:
        """List the files of finished cells of a kind: all files that `pandas.read_parquet` would read, at any depth."""
        paths = (self.folder / FOLDERS[kind]).rglob("*")
        return sorted(p for p in paths if p.suffix.lower() == ".parquet" and not p.name.startswith("."))

    def check(self, planned: Collection[Path], note: Callable[[str], None]) -> dict[Path, Record]:
        """Read all cells before a run adds any, and return the records of the undamaged ones.

        planned: the files that the run would write. A damaged file among them is noted; the run measures it again.
        Raises StoreError for any other damaged or foreign file, because the user must decide about it.
        """
        records = {}
        for path in (path for kind in FOLDERS for path in self.files(kind)):
            try:
                records[path] = read_record(path)
            except DamagedError as error:
                if path not in planned:
                    raise
                note(f"{error.reason}: measured again")
        return records

    def bring_up_to_date(self, records: Mapping[Path, Record]) -> int:
        """Rewrite the files of an earlier schema version with this version's columns; return how many there were.

        After a kill the next run rewrites the others. What another run has rewritten meanwhile is not counted. records:
        as returned by `check`.
        """
        older = [path for path, record in records.items() if record.schema_version < SCHEMA_VERSION]
        return sum(bring_up_to_date(path) for path in older)

    def expect_alike(self, records: Collection[Record], classes: int | None, metrics: Sequence[str]) -> None:
        """Raise StoreError if cells of the folder have schema version 1, other metrics or another number of classes.

        The columns of a user's own metric must agree too: all files of a folder have the same columns. A cell with
        fewer metrics must be neither next to a cell with more metrics, nor in its place. classes: None for a suite
        without quality cells.
        """
        for record in records:
            if record.schema_version < OLDEST_RENEWED:
                stored, new = f"of schema version {record.schema_version}", str(SCHEMA_VERSION)
            elif classes is None or not isinstance(record.cell, QualityCell):
                continue
            elif len(record.class_names) != classes:
                stored, new = f"of {len(record.class_names)} classes", str(classes)
            elif record.cell.metrics != tuple(metrics):
                counted, new = (", ".join(names) or "none" for names in (record.cell.metrics, metrics))
                stored = f"with the metrics {counted}"
            elif other := [n for n, own in record.own_metrics.items() if own.columns != METRICS[n].sizes(classes)]:
                stored = f"with other columns of the metric {other[0]}"
                new = ", ".join(METRICS[other[0]].columns)
            else:
                continue
            raise StoreError(f"{self.folder}: holds cells {stored}, new cells have {new}; give another --out")

    def expect_others_alike(self, seen: set[Path], classes: int | None, metrics: Sequence[str]) -> None:
        """Raise StoreError, as `expect_alike`, for what other runs have stored meanwhile. seen: files that are not read
        again; the others are added.
        """
        new = [path for path in self.files("quality") if path not in seen]
        self.expect_alike([read_record(path) for path in new], classes, metrics)
        seen.update(new)

    def gallery(self, slug: str, key: str) -> Path:
        """Return the folder of a cell's pictures of the suite's gallery."""
        return self.folder / "gallery" / f"{slug}-{key}"

    def write_quality(self, rows: Sequence[ImageCounts], record: Record) -> None:
        """Store a quality cell. Raises StoreError for counts that contradict each other, or the record."""
        write_cell(self.folder, record, quality_table(rows, record))
        self.forget_failures(record)

    def write_latency(self, samples: Mapping[str, Sequence[float]], record: Record) -> None:
        """Store a speed cell. samples: LATENCY_COLUMNS, milliseconds, a value per sample."""
        write_cell(self.folder, record, latency_table(samples, record))
        self.forget_failures(record)

    def forget_failures(self, record: Record) -> None:
        """Remove the notes of earlier failures of a cell, even with other data or weights than in the record.

        A note with another number of images belongs to another cell. A note that can't be read stays: it must not stop
        this cell.
        """
        for path in (self.folder / "failed").glob("*.json"):
            if not path.name.startswith(f"{record.cell.slug}-"):
                continue
            with suppress(StoreError):
                failed = read_failure(path).record
                if (failed.cell, failed.images) == (record.cell, record.images):
                    path.unlink(missing_ok=True)

    def write_failure(self, failure: Failure) -> None:
        """Write a note that a cell raised; the next run tries the cell again. No note stays of a cell that is done."""
        self.forget_failures(failure.record)
        write_json(self.failure_path(failure.record), failure.to_dict())
        if self.holds(failure.record):  # by another process, which had taken the cell over
            self.forget_failures(failure.record)

    def failure_path(self, record: Record) -> Path:
        return self.folder / "failed" / f"{record.cell.slug}-{record.key}.json"

    def failure_stamp(self, record: Record) -> Stamp:
        """Return what changes when a cell's note is written again; None if it has none."""
        try:
            status = self.failure_path(record).stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def failures(self) -> dict[str, Failure]:
        """Read the notes of failed cells, by file name. Raises StoreError for a file that is not such a note."""
        notes = {}
        for path in sorted((self.folder / "failed").glob("*.json")):
            try:
                notes[path.name] = read_failure(path)
            except StoreError:
                if path.exists():  # else a run has measured the cell meanwhile
                    raise
        return notes

    def write_plan(self, plan: Plan) -> None:
        """Keep the plan of a run, so that a report can list missing cells. The same plan is written to one file."""
        content = plan.to_dict()
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        write_json(self.folder / "plans" / plan_name(plan.suite, content), content | {"written": now})

    def plans(self) -> list[Plan]:
        """Read the plans of all runs that wrote here, the last run's plan at the end.

        Raises StoreError for a file that is not a plan, or not the plan of its name.
        """
        plans = [read_plan(path) for path in sorted((self.folder / "plans").glob("*.json"))]
        return sorted(plans, key=lambda plan: plan.written)


def plan_name(suite: str, content: Mapping[str, Any]) -> str:
    """Return the name of a plan's file. content: as returned by `Plan.to_dict` of this or an older program."""
    return f"{suite}-{digest(content, 6)}.json"


def read_plan(path: Path) -> Plan:
    """Read a plan. Raises StoreError for a file that is not a plan, or has the name of another plan."""
    with add_cure(path, "remove it, and run its suite again to write it again"):
        content = parse_json(path.read_bytes(), str(path))
        plan = Plan.from_dict(content, str(path))
        if path.name != plan_name(plan.suite, {name: value for name, value in content.items() if name != "written"}):
            raise StoreError(f"{path}: not the plan of its name")
    return plan


def read_failure(path: Path) -> Failure:
    """Read the note of a failure. Raises StoreError for a file that is not a note, or has the name of another cell."""
    with add_cure(path, "remove it"):
        failure = Failure.from_dict(parse_json(path.read_bytes(), str(path)), str(path))
        name = f"{failure.record.cell.slug}-{failure.record.key}.json"
        if path.name != name:
            raise StoreError(f"{path}: holds the failure {name}")
    return failure


@contextmanager
def add_cure(path: Path, cure: str) -> Iterator[None]:
    """Add the cure to a StoreError about a file, and to the message if the file can't be read."""
    try:
        yield
    except StoreError as error:
        raise StoreError(f"{error}; {cure}") from None
    except OSError as error:
        raise StoreError(f"{path}: can't be read ({error.strerror})") from None
