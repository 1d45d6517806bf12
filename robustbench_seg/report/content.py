"""What a report is made of: sections, each with its sentences, tables, figures and pictures; plain values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..charts import Chart
from ..studies.findings import Finding
from ..studies.pictures import StoredPicture
from .table import Table

__all__ = ["ANSWER", "DIFFERENCES", "SEVERITY", "Content", "Picture", "Section"]

# Headings that parts share; ANSWER is of what stands on the first screen.
ANSWER, SEVERITY, DIFFERENCES = "Answer", "By severity", "Differences"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure; its chart describes itself. file: its file's name without ending. view: the only one that it is of."""

    file: str
    title: str
    caption: str
    chart: Chart
    group: str = ""
    view: str = ""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What one part of a section makes.

    findings: a section takes one of them as its title. sentences: the main results, the first first. warnings: in
    sentences too.
    """

    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    findings: tuple[Finding, ...] = ()
    sentences: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __add__(self, other: "Content") -> "Content":
        return Content(**{name: own + getattr(other, name) for name, own in vars(self).items()})

    @staticmethod
    def of(*items: Table | Picture | Finding | str | None, warnings: Iterable[str] = ()) -> "Content":
        """Put items where their kind belongs: a text is a sentence, and None is nothing."""
        kinds = {"tables": Table, "pictures": Picture, "findings": Finding, "sentences": str}
        fields: dict[str, Any] = {
            name: tuple(item for item in items if isinstance(item, kind)) for name, kind in kinds.items()
        }
        return Content(**fields, warnings=tuple(warnings))

    def under(self, heading: str, protocol: str) -> "Content":
        """The same under a heading, unless a table or figure has its own; what is empty is left out.

        protocol: of the tables, for the CSV.
        """
        tables = [
            replace(one, group=one.group or heading, where={"protocol": protocol, **one.where})
            for one in self.tables
            if one.rows
        ]
        pictures = [replace(one, group=one.group or heading) for one in self.pictures if one.chart.panels]
        return replace(self, tables=tuple(tables), pictures=tuple(pictures))


@dataclass(frozen=True, kw_only=True)
class Section(Content):
    """One suite's part of a report.

    name: told apart from other suites of the report. planned: how many cells. about: by view, what its cells are of, in
    a few words. models: as the tables name them. views: their names, the main one first. finding: its title. sentences:
    at most three, with numbers. alarms: warnings that come before any number. colours: of the classes in the gallery,
    RGB 0-255. contrast: the corruption that tells the arms apart most. missing: slugs of cells that were planned and
    are not in the store. failures: file names and last lines of the tracebacks. facts: the provenance as plain values.
    limits: what the numbers do not show.
    """

    suite: str
    description: str
    planned: int
    name: str = ""
    about: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    finding: Finding | None = None
    synthetic: bool = False
    alarms: tuple[str, ...] = ()
    gallery: tuple[StoredPicture, ...] = ()
    colours: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    contrast: str = ""
    missing: tuple[str, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name of the suite for readers."""
        return self.name or self.suite
