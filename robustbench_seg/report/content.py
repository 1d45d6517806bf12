"""What a report is made of: sections, each with its sentences, tables, figures and pictures; plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..charts import Chart
from ..studies.pictures import StoredPicture
from .table import Table

__all__ = ["Content", "Picture", "Section"]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure. file: its file's name without ending. Its chart describes itself to those who do not see it."""

    file: str
    title: str
    caption: str
    chart: Chart
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What one part of a section makes. sentences: the main results, the first first. warnings: in sentences too."""

    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    sentences: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __add__(self, other: "Content") -> "Content":
        return Content(**{name: own + getattr(other, name) for name, own in vars(self).items()})

    def under(self, heading: str, protocol: str) -> "Content":
        """The same under a heading, unless a table or figure has its own. protocol: of the tables, for the CSV."""
        tables = (replace(t, group=t.group or heading, where={"protocol": protocol, **t.where}) for t in self.tables)
        pictures = (replace(picture, group=picture.group or heading) for picture in self.pictures)
        return replace(self, tables=tuple(tables), pictures=tuple(pictures))


@dataclass(frozen=True, kw_only=True)
class Section(Content):
    """One suite's part of a report.

    planned: how many cells. models: as the tables name them. sentences: at most three, with numbers. alarms: warnings
    that come before any number. missing: slugs of cells that were planned and are not in the store. failures: file
    names and last lines of the tracebacks. facts: the provenance as plain values. limits: what the numbers do not show.
    """

    suite: str
    description: str
    planned: int
    models: tuple[str, ...] = ()
    synthetic: bool = False
    alarms: tuple[str, ...] = ()
    gallery: tuple[StoredPicture, ...] = ()
    missing: tuple[str, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    provenance: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
