"""A report as one JSON document, for programs: strict and key-sorted; null in the place of what is no finite number."""

from collections.abc import Sequence
from typing import Any

from .. import __version__
from ..files import canonical_json, plain
from .content import Section
from .csv import columns_of, lines_of
from .table import Table

__all__ = ["SCHEMA_VERSION", "as_json", "document"]

SCHEMA_VERSION = 1  # of the document; raise it when a field goes, or changes its meaning


def as_json(sections: Sequence[Section]) -> str:
    """Write the document of a report."""
    return canonical_json(document(sections))


def document(sections: Sequence[Section]) -> dict[str, Any]:
    """Make plain values of all that a report states, except figures and pictures."""
    return {
        "schema_version": SCHEMA_VERSION,
        "robustbench_seg": __version__,
        "sections": [section_of(section) for section in sections],
    }


def section_of(section: Section) -> dict[str, Any]:
    """Make plain values of one suite's part."""
    values = {
        "suite": section.suite,
        "name": section.label,
        "description": section.description,
        "synthetic": section.synthetic,
        "models": section.models,
        "title": section.finding and section.finding.title,
        "findings": section.sentences,
        "alarms": section.alarms,
        "warnings": [line for line in section.warnings if line not in section.alarms],
        "limits": section.limits,
        "planned": section.planned,
        "missing": section.missing,
        "failures": [{"file": file, "message": message} for file, message in section.failures],
        "provenance": section.facts,
        "tables": [table_of(table) for table in section.tables],
    }
    return dict(plain(values))


def table_of(table: Table) -> dict[str, Any]:
    """Make plain values of a table: its rows are the lines of its CSV file, each with all columns."""
    lines = lines_of(table)
    columns = columns_of(lines)
    return {
        "name": table.file,
        "heading": table.group,
        "title": table.title,
        "caption": table.legend,
        "rows": [{name: line.get(name) for name in columns} for line in lines],
    }
