"""What a store notes as JSON next to its cells: what a run means to measure (a plan), and what raised (a failure)."""

import re
from dataclasses import asdict, dataclass
from itertools import dropwhile
from pathlib import PurePosixPath
from typing import Any, Literal

from ..errors import UsageError
from .cell import CLEAN, View
from .record import Record
from .strict_json import Words, from_json, typed

__all__ = ["Failure", "Plan", "PlannedCell"]

KEY = re.compile("[0-9a-f]{32}")
LONGEST = 200  # bytes of a name: a key, a kind and an ending still fit into the 255 of a file's name


@dataclass(frozen=True, kw_only=True)
class PlannedCell:
    """A cell by its names in the store; see `Store.path`."""

    kind: Literal["quality", "latency"]
    slug: str
    key: str

    def __post_init__(self) -> None:
        expect_file_name("slug", self.slug)
        if not KEY.fullmatch(self.key):
            raise UsageError(f"key must be 32 hexadecimal digits, got {self.key!r:.60}")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run of a suite means to measure, so that a report can list what is missing.

    conditions: corruptions with their severities (1 .. 5). views: as str(View). images: how many. gallery: ids of the
    images whose pictures are kept. limits: what the numbers do not show, in sentences. written: when the run began, ISO
    8601, "" in older files.
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
    written: str = ""

    def __post_init__(self) -> None:
        expect_file_name("suite", self.suite)
        for image_id in self.gallery:
            if "\0" in image_id or image_id.startswith("/") or ".." in PurePosixPath(image_id).parts:
                raise UsageError(f"a gallery image must be an id, got {image_id!r:.60}")
            expect_short("a gallery image", image_id)
        for name, severities in self.conditions:
            if name == CLEAN:
                raise UsageError(f"conditions must be corruptions, got {CLEAN}, which is measured with any")
            if not severities or set(severities) - {1, 2, 3, 4, 5} or len(set(severities)) < len(severities):
                raise UsageError(f"severities of {name} must differ and be 1 .. 5, got {list(severities)}")
        for view in self.views:
            View.parse(view)
        if self.images < 0:
            raise UsageError(f"images must be 0 or more, got {self.images}")
        names = [name for name, _ in self.conditions]
        for what, given in (("conditions", names), ("views", self.views), ("keys", [c.key for c in self.cells])):
            if len(set(given)) < len(given):
                raise UsageError(f"{what} must differ, got {', '.join(given):.60}")

    @property
    def identity(self) -> tuple[object, ...]:
        """What plans agree in whose cells belong together."""
        return self.suite, self.protocol, self.conditions, self.views

    def to_dict(self) -> dict[str, Any]:
        """Give what decides the plan as plain JSON: all but when it was written."""
        content = asdict(self)
        del content["written"]
        return content

    @classmethod
    def from_dict(cls, value: Any, where: str) -> "Plan":
        """Read what `Store.write_plan` wrote. Raises StoreError in one line for whatever is no plan."""
        return from_json(cls, value, where)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A cell that raised. record: as of a finished one, but for its timings."""

    record: Record
    traceback: Words

    @property
    def message(self) -> str:
        """The exception and its notes: what stands after the last place of the traceback."""
        lines = self.traceback.strip().splitlines()
        last = max((k for k, line in enumerate(lines) if line.startswith("  File ")), default=-1)
        message = dropwhile(lambda line: line.startswith(" "), lines[last + 1 :])
        return "; ".join(line.strip() for line in message if line.strip()) or "no traceback was kept"

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain JSON."""
        return {"record": self.record.to_dict(), "traceback": self.traceback}

    @classmethod
    def from_dict(cls, value: Any, where: str) -> "Failure":
        """Read what `Store.write_failure` wrote. Raises StoreError in one line for whatever is no failure."""
        record = Record.from_dict(typed(value, dict[str, Any], where, "the content").get("record"), where)
        return from_json(cls, {**value, "record": record}, where)


def expect_file_name(what: str, name: str) -> None:
    """Raise UsageError for what can't be a part of a file's name."""
    if not name or name.startswith(".") or set(name) & {"/", "\\", "\0", "\n"}:
        raise UsageError(f"{what} must be a part of a file's name, got {name!r:.60}")
    expect_short(what, name)


def expect_short(what: str, name: str) -> None:
    """Raise UsageError for a name that leaves no room for what a store and a report add to it."""
    if (size := len(name.encode("utf-8", "surrogatepass"))) > LONGEST:
        raise UsageError(f"{what} must have at most {LONGEST} bytes, got {size}: {name!r:.60}")
