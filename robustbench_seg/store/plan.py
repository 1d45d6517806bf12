"""JSON files of a store next to its cells: the plan of a run, and the failure of a cell."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from itertools import dropwhile
from numbers import Real
from pathlib import PurePosixPath
from typing import Any, Literal

from ..errors import UsageError
from .cell import CLEAN, LatencyCell, QualityCell
from .record import Record
from .strict_json import NOT_KEPT, Words, convert, from_json
from .view import View

__all__ = ["Comparison", "Failure", "Plan", "PlannedCell", "expect_margin"]

KEY = re.compile("[0-9a-f]{32}")
LONGEST = 200  # bytes of a name: with a key, a kind and an ending it still fits into the 255 of a file's name


@dataclass(frozen=True, kw_only=True)
class PlannedCell:
    """A cell of a plan: its names in the store (see `Store.path`), the cell itself, or both.

    key: "" until images and weights are read. cell: None in a plan from a store, which keeps only names.
    """

    kind: Literal["quality", "latency"]
    slug: str
    key: str
    cell: QualityCell | LatencyCell | None = field(default=None, compare=False, repr=False, metadata=NOT_KEPT)

    def __post_init__(self) -> None:
        expect_file_name("slug", self.slug)
        if not KEY.fullmatch(self.key) and (self.key or self.cell is None):
            raise UsageError(f"key must be 32 hexadecimal digits, got {self.key!r:.60}")

    @classmethod
    def of(cls, cell: QualityCell | LatencyCell) -> "PlannedCell":
        """Plan a cell without a key."""
        return cls(kind=cell.kind, slug=cell.slug, key="", cell=cell)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A comparison that a suite names before its results: two arms in a quantity of the report, such as "retention".

    view: its label; "" for the leading view, the first that has cells, with the stored statistics of BatchNorm if there
    is one.
    """

    arms: tuple[str, str]
    quantity: str
    view: str = ""

    def __post_init__(self) -> None:
        if len(set(self.arms)) < 2:
            raise UsageError(f"a comparison needs two arms that differ, got {' and '.join(self.arms)}")
        if self.view:
            View.parse(self.view)

    def __str__(self) -> str:
        return f"{' minus '.join(self.arms)}, {self.quantity}{f', view {self.view}' if self.view else ''}"


def expect_margin(value: object, name: str = "margin") -> None:
    """Raise UsageError for what is no number of points above 0 and at most 100."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < float(value) <= 100:
        got = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else f"{value!r:.60}"
        raise UsageError(f"{name} must be above 0 and at most 100 points, got {got}")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The cells that a run of a suite measures: `plan` prints them, and a report lists the missing ones.

    conditions: corruptions with their severities (1 .. 5). views: labels of views. images: their number, 0
    until they are chosen. gallery: ids of the images whose pictures are kept. limits: sentences on what the numbers do
    not show. primary: the comparisons that decide; none in older files. margin: how many points count as the same, see
    `studies.grades`. families: models, each with the family that the suite states. cautions: sentences on the images,
    see `first_pass`. written: the time when the run
    began, ISO 8601; "" in a plan outside of a store, and in older files.
    """

    suite: str
    description: Words
    protocol: str
    conditions: tuple[tuple[str, tuple[int, ...]], ...]
    precision: str
    images: int
    gallery: tuple[str, ...]
    views: tuple[str, ...]
    cells: tuple[PlannedCell, ...]
    limits: tuple[Words, ...] = ()
    primary: tuple[Comparison, ...] = ()
    margin: float = 1.0
    families: tuple[tuple[str, Words], ...] = ()
    cautions: tuple[Words, ...] = ()
    written: str = ""

    def __post_init__(self) -> None:
        expect_file_name("suite", self.suite)
        for image_id in self.gallery:
            if "\0" in image_id or image_id.startswith("/") or ".." in PurePosixPath(image_id).parts:
                raise UsageError(f"a gallery image must be an id, got {image_id!r:.60}")
            expect_short("a gallery image", image_id)
        for name, severities in self.conditions:
            if name == CLEAN:
                raise UsageError(f"conditions must be corruptions, got {CLEAN}, which is always measured")
            if not severities or set(severities) - {1, 2, 3, 4, 5} or len(set(severities)) < len(severities):
                raise UsageError(f"severities of {name} must differ and be 1 .. 5, got {list(severities)}")
        for view in self.views:
            View.parse(view)
        expect_margin(self.margin)
        if self.images < 0:
            raise UsageError(f"images must be 0 or more, got {self.images}")
        names, keys = [name for name, _ in self.conditions], [cell.key for cell in self.cells if cell.key]
        for what, given in (("conditions", names), ("views", self.views), ("keys", keys)):
            if len(set(given)) < len(given):
                raise UsageError(f"{what} must differ, got {', '.join(given):.60}")

    @property
    def identity(self) -> tuple[object, ...]:
        """The fields in which plans agree if their cells belong together, whatever views each has."""
        return self.suite, self.protocol, self.conditions

    def to_measure(self) -> list[QualityCell | LatencyCell]:
        """List the cells themselves. Raises ValueError for a plan that was read from a store."""
        cells = [planned.cell for planned in self.cells if planned.cell is not None]
        if len(cells) < len(self.cells):
            raise ValueError("a plan from a store has only the names of its cells")
        return cells

    def with_keys(self, keys: Iterable[str]) -> "Plan":
        """Return the plan with a key for each cell, in order."""
        return replace(self, cells=tuple(replace(cell, key=key) for cell, key in zip(self.cells, keys, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        """Return all fields except `written` as plain JSON. Every cell must have its key."""
        content = asdict(replace(self, cells=tuple(replace(cell, cell=None) for cell in self.cells)))
        for cell in content["cells"]:
            del cell["cell"]
        del content["written"]
        for name in ("families", "cautions"):
            if not content[name]:
                del content[name]  # so that a plan without any has the name that it always had
        return content

    @classmethod
    def from_dict(cls, value: Any, where: str) -> "Plan":
        """Read a plan as written by `Store.write_plan`. Raises StoreError, in one line, for other content."""
        return from_json(cls, value, where)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A cell that raised. record: as in a finished cell, but without timings."""

    record: Record
    traceback: Words

    @property
    def message(self) -> str:
        """The exception and its notes: the text after the last place in the traceback."""
        lines = self.traceback.strip().splitlines()
        last = max((k for k, line in enumerate(lines) if line.startswith("  File ")), default=-1)
        text = dropwhile(lambda line: line.startswith(" "), lines[last + 1 :])
        return "; ".join(line.strip() for line in text if line.strip()) or "no traceback was kept"

    def to_dict(self) -> dict[str, Any]:
        """Return the failure as plain JSON."""
        return {"record": self.record.to_dict(), "traceback": self.traceback}

    @classmethod
    def from_dict(cls, value: Any, where: str) -> "Failure":
        """Read a failure as written by `Store.write_failure`. Raises StoreError, in one line, for other content."""
        record = Record.from_dict(convert(value, dict[str, Any], where, "the content").get("record"), where)
        return from_json(cls, {**value, "record": record}, where)


def expect_file_name(what: str, name: str) -> None:
    """Raise UsageError for a text that can't be a part of a file's name."""
    if not name or name.startswith(".") or set(name) & {"/", "\\", "\0", "\n"}:
        raise UsageError(f"{what} must be a part of a file's name, got {name!r:.60}")
    expect_short(what, name)


def expect_short(what: str, name: str) -> None:
    """Raise UsageError for a name that is too long for the parts that a store and a report add to it."""
    if (size := len(name.encode("utf-8", "surrogatepass"))) > LONGEST:
        raise UsageError(f"{what} must have at most {LONGEST} bytes, got {size}: {name!r:.60}")
