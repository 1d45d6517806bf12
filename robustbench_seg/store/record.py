"""The record of a cell, and the key that tells two measurements apart.

A cell's key can be computed before the run and again from the finished file: that makes resuming correct. It hashes
whatever decides the numbers, never the number of workers; batch, device and machine only for a speed cell. The record
of a quality cell names the machine, its threads and its libraries: under one key, single pixels may differ between
those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from ..errors import StoreError
from ..files import canonical_json, digest
from ..metrics import OPTIONAL, OwnMetric
from .cell import LatencyCell, QualityCell
from .strict_json import Words, from_json, typed

__all__ = [
    "READABLE_SCHEMAS",
    "SCHEMA_VERSION",
    "Record",
    "expect_readable",
    "latency_key",
    "quality_key",
]

SCHEMA_VERSION = 3  # of the stored files; rises when columns or a field's meaning change
# 1 lacks the optional metrics: their columns and the cell's field. 2 has no digest and fewer columns.
READABLE_SCHEMAS = (1, 2, SCHEMA_VERSION)
KEY_VERSION = 2  # of the keys, which stay when files get more columns: no stored cell is to be measured again
Scalar = Words | int | float | bool | None
ANY = Scalar | dict[Words, Scalar] | tuple[Scalar, ...]
ENVIRONMENT: dict[str, Any] = dict.fromkeys(("robustbench_seg", "command", "python", "machine"), Words)
# Its other fields are ANY.
ENVIRONMENT |= {"commit": Words | None, "packages": dict[Words, Words], "threads": int | None}


CELLS: dict[str, Any] = {"quality": QualityCell, "latency": LatencyCell}
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

    corruption_source: the hash of a corruption of a user's own; "" for ours, whose pixels engine_version stands for.
    own_metrics: those of the cell's metrics that are a user's own, by name.
    """
    own: list[object] = [corruption_source] if corruption_source else []
    own += [{name: metric.source for name, metric in own_metrics.items()}] if own_metrics else []
    decides = [asdict(cell), engine_version, checkpoint_sha256, fingerprint, list(ids), *own]
    return digest(["quality", KEY_VERSION, *decides])


def latency_key(cell: LatencyCell, *, checkpoint_sha256: str, machine: str) -> str:
    """Hash everything that decides a speed cell's times, the machine included."""
    return digest(["latency", KEY_VERSION, asdict(cell), checkpoint_sha256, machine])


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is kept next to the counts or samples of one cell; JSON in the file's metadata.

    about: the model in words. images, of: how many images were used, and how many the split has (0 for a speed cell).
    corruption_source, own_metrics: see `quality_key`. machine: see `latency_key`; "" in files before schema version 3.
    difference: how far a corrupted cell's images are from the clean ones, the mean over an image's values and then over
    images, 0-255; None for other cells and in older files.
    macs: multiply-accumulates for one image at a speed cell's size, None where they are unknown. peak_memory_mib: in a
    speed cell's pass from image to classes. timings: seconds per part of the work.
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
    schema_version: int = SCHEMA_VERSION

    def expected_key(self, ids: Sequence[str]) -> str:
        """The key of the record's values and the image ids; the stored one where older versions kept too little."""
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
        """Give it as plain JSON, own_metrics only where there are any: other files are those that they always were."""
        return {name: value for name, value in asdict(self).items() if value or name != "own_metrics"}

    def to_json(self) -> str:
        """Give it as one strict, key-sorted text."""
        return canonical_json(self.to_dict())

    @classmethod
    def from_dict(cls, value: Any, where: str) -> "Record":
        """Read a record as returned by `to_json`. Raises StoreError, also for a schema version that is not readable."""
        expect_readable(value, where)
        value = typed(value, dict[str, Any], where, "the record")
        typed(value.get("schema_version"), int, where, "schema_version")  # without it, the default would be a guess
        kind = typed(value.get("kind"), Literal["quality", "latency"], where, "kind")
        cell = from_json(CELLS[kind], value.get("cell"), where, "cell")
        record = from_json(cls, {**value, "cell": cell}, where)
        metrics = record.cell.metrics if isinstance(record.cell, QualityCell) else ()
        known = [*OPTIONAL, *record.own_metrics]
        for place, name in enumerate(metrics):
            if name not in known:
                raise StoreError(f"{where}: cell.metrics[{place}] must be one of {', '.join(known)}, got {name!r:.60}")
        for name in record.own_metrics:
            if name not in metrics or name in OPTIONAL:
                raise StoreError(f"{where}: own_metrics.{name:.60} must be a metric of the cell that does not ship")
        environment = {
            name: typed(each, ENVIRONMENT.get(name, ANY), where, f"environment.{name:.40}")
            for name, each in record.environment.items()
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
        return replace(record, environment=environment)


def expect_readable(value: Any, where: str) -> None:
    """Raise StoreError for a record whose schema version is not readable, such as a later program's."""
    version = value.get("schema_version") if isinstance(value, dict) else None
    if type(version) is int and version not in READABLE_SCHEMAS:
        readable = ", ".join(map(str, READABLE_SCHEMAS))
        raise StoreError(f"{where}: schema version {version}; this program reads {readable}")
