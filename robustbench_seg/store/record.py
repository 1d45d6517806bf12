"""The record of a cell, and the key that distinguishes two measurements.

A cell's key can be computed before the run, and again from the finished file. So a run that resumes skips exactly the
finished cells. The key hashes everything that decides the numbers, and never the number of workers. It covers batch,
device and machine only for a speed cell. The record of a quality cell names the machine, threads and libraries, because
single pixels may differ between them under one key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from ..errors import StoreError
from ..files import canonical_json, digest
from ..metrics import OPTIONAL, OwnMetric
from .cell import LatencyCell, QualityCell
from .strict_json import Words, convert, from_json

__all__ = [
    "READABLE_SCHEMAS",
    "SCHEMA_VERSION",
    "Record",
    "expect_readable",
    "latency_key",
    "quality_key",
]

SCHEMA_VERSION = 3  # of the stored files; raise it when columns or a field's meaning change
# Version 1 lacks the columns of optional metrics and the cell's field `metrics`. Version 2 lacks the digest and some
# columns.
READABLE_SCHEMAS = (1, 2, SCHEMA_VERSION)
KEY_VERSION = 2  # of the keys; they stay when files get more columns, so no stored cell is measured again
Scalar = Words | int | float | bool | None
ANY = Scalar | dict[Words, Scalar] | tuple[Scalar, ...]
ENVIRONMENT: dict[str, Any] = dict.fromkeys(("robustbench_seg", "command", "python", "machine"), Words)
# Other fields of the environment are ANY.
ENVIRONMENT |= {"commit": Words | None, "packages": dict[Words, Words], "threads": int | None}


CELLS: dict[str, Any] = {"quality": QualityCell, "latency": LatencyCell}
# Fields that files of this schema version did not always have.
NEWER = ("own_metrics", "block_pattern", "own_blocks", "alignment")
NONE: Mapping[str, OwnMetric] = MappingProxyType({})


def quality_key(
    cell: QualityCell,
    *,
    engine_version: int,
    checkpoint_sha256: str,
    fingerprint: str,
    ids: Sequence[str],
    corruption_source: str = "",
    own_metrics: Mapping[str, OwnMetric] = NONE,
) -> str:
    """Hash everything that decides a quality cell's numbers.

    corruption_source: the hash of a user's own corruption; "" for our corruptions, which engine_version covers.
    own_metrics: the user's own metrics of the cell, by name.
    """
    own: list[object] = [corruption_source] if corruption_source else []
    own += [{name: metric.source for name, metric in own_metrics.items()}] if own_metrics else []
    decides = [cell.to_dict(), engine_version, checkpoint_sha256, fingerprint, list(ids), *own]
    return digest(["quality", KEY_VERSION, *decides])


def latency_key(cell: LatencyCell, *, checkpoint_sha256: str, machine: str) -> str:
    """Hash everything that decides a speed cell's times, the machine included."""
    return digest(["latency", KEY_VERSION, cell.to_dict(), checkpoint_sha256, machine])


@dataclass(frozen=True, kw_only=True)
class Record:
    """The description of one cell, next to its counts or samples: JSON in the file's metadata.

    about: the model in words. images, of: number of images measured, and in the split (0 for a speed cell).
    corruption_source, own_metrics: see `quality_key`. machine: see `latency_key`; "" in files before schema version 3.
    difference: the mean absolute difference of corrupted and clean values, over each image and then over images, 0-255;
    None for other cells and in older files.
    macs: multiply-accumulates for one image at a speed cell's size, None if unknown. peak_memory_mib: of a speed cell,
    from image to classes. timings: seconds per part of the work.
    block_pattern: from the data set's description, see `datasets.blocks_of`; the fingerprint covers it.
    own_blocks: of `datasets.own_blocks`, one for each image; empty where a reader knows the blocks.
    alignment: pairs of a class of the model and the member of class_names that it counts as, or None; empty if
    class_names are the model's classes. checkpoint_sha256 covers it.
    environment: as returned by `environment.describe`, and torch's number of threads.
    """

    kind: Literal["quality", "latency"]
    key: str
    cell: QualityCell | LatencyCell
    class_names: tuple[str, ...]
    checkpoint_sha256: str
    licence: Words
    about: Words
    parameters: int
    environment: dict[Words, Any]
    timings: dict[Words, float]
    engine_version: int = 0
    corruption_source: str = ""
    fingerprint: str = ""
    images: int = 0
    of: int = 0
    synthetic: bool = False
    machine: str = ""
    macs: int | None = None
    peak_memory_mib: float | None = None
    difference: float | None = None
    own_metrics: dict[str, OwnMetric] = field(default_factory=dict)
    block_pattern: str = ""
    own_blocks: tuple[str, ...] = ()
    alignment: tuple[tuple[Words, Words | None], ...] = ()
    schema_version: int = SCHEMA_VERSION

    def expected_key(self, ids: Sequence[str]) -> str:
        """Compute the key from the record and the image ids; return the stored key if an older record lacks values."""
        if self.schema_version < KEY_VERSION or (self.kind == "latency" and not self.machine):
            return self.key
        if isinstance(self.cell, LatencyCell):
            return latency_key(self.cell, checkpoint_sha256=self.checkpoint_sha256, machine=self.machine)
        return quality_key(
            self.cell,
            engine_version=self.engine_version,
            checkpoint_sha256=self.checkpoint_sha256,
            fingerprint=self.fingerprint,
            ids=ids,
            corruption_source=self.corruption_source,
            own_metrics=self.own_metrics,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON. Empty fields of NEWER are omitted, so that older files stay the same."""
        fields = {name: value for name, value in vars(self).items() if value or name not in NEWER}
        own = {name: asdict(metric) for name, metric in self.own_metrics.items()}
        return fields | {"cell": self.cell.to_dict()} | ({"own_metrics": own} if own else {})

    def to_json(self) -> str:
        """Return the record as strict, key-sorted JSON."""
        return canonical_json(self.to_dict())

    @classmethod
    def from_dict(cls, value: Any, where: str) -> "Record":
        """Read a record as returned by `to_json`. Raises StoreError for other content or an unreadable version."""
        expect_readable(value, where)
        value = convert(value, dict[str, Any], where, "the record")
        convert(value.get("schema_version"), int, where, "schema_version")  # without it, the default would be a guess
        kind = convert(value.get("kind"), Literal["quality", "latency"], where, "kind")
        cell = from_json(CELLS[kind], value.get("cell"), where, "cell")
        record = from_json(cls, {**value, "cell": cell}, where)
        metrics = record.cell.metrics if isinstance(record.cell, QualityCell) else ()
        allowed = [*OPTIONAL, *record.own_metrics]
        for place, name in enumerate(metrics):
            if name not in allowed:
                names = ", ".join(allowed)
                raise StoreError(f"{where}: cell.metrics[{place}] must be one of {names}, got {name!r:.60}")
        for name in record.own_metrics:
            if name not in metrics or name in OPTIONAL:
                raise StoreError(f"{where}: own_metrics.{name:.60} must be a metric of the cell that does not ship")
        environment = {
            name: convert(part, ENVIRONMENT.get(name, ANY), where, f"environment.{name:.40}")
            for name, part in record.environment.items()
        }
        for name, number, low in (
            ("parameters", record.parameters, 0),
            ("engine_version", record.engine_version, 0),
            ("images", record.images, 0),
            ("of", record.of, record.images),
            ("macs", record.macs or 0, 0),
        ):
            if number < low:
                raise StoreError(f"{where}: {name} must be {low} or more, got {number}")
        if len(record.own_blocks) not in (0, record.images):
            raise StoreError(f"{where}: own_blocks must be one for each of {record.images} images")
        return replace(record, environment=environment)


def expect_readable(value: Any, where: str) -> None:
    """Raise StoreError for a record whose schema version is not readable, such as a later program's."""
    version = value.get("schema_version") if isinstance(value, dict) else None
    if type(version) is int and version not in READABLE_SCHEMAS:
        readable = ", ".join(map(str, READABLE_SCHEMAS))
        raise StoreError(f"{where}: schema version {version}; this program reads {readable}")
