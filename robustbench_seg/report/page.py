"""Write a report: index.html, report.md, a CSV and a LaTeX file per table, an SVG per figure, and a PDF if asked."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import jinja2

from ..charts import figure, save_figure
from ..files import replacing, write_text
from ..owned_files import owning
from ..temporary_files import remove_leftovers
from .content import Section
from .csv import csv
from .html import render_html
from .latex import latex
from .markdown import code, escaped, markdown

__all__ = ["write_report"]

PAGE, TEXT = "index.html", "report.md"


def write_report(sections: Sequence[Section], out: Path, *, pdf: bool = False) -> Path:
    """Write sections into the folder `out`; return the path of index.html.

    pdf: write each figure as PDF too.
    """
    remove_leftovers(out)
    names = [section.suite for section in sections]
    prefixes = names if len(names) == 1 else [f"{number + 1}-{name}" for number, name in enumerate(names)]
    title = "Robustness report: " + ", ".join(section.label for section in sections)
    every = list(zip(prefixes, sections, strict=True))
    kinds = ("svg", "pdf") if pdf else ("svg",)
    tables = {f"{prefix}-{table.file}": table for prefix, section in every for table in section.tables}
    pictures = {f"{prefix}-{picture.file}": picture for prefix, section in every for picture in section.pictures}
    files_of = [
        [(item.title, f"{prefix}-{item.file}", ("csv", "tex")) for item in section.tables]
        + [(item.title, f"{prefix}-{item.file}", kinds) for item in section.pictures]
        for prefix, section in every
    ]
    with owning(out, [PAGE, TEXT, *(f"{name}.{kind}" for own in files_of for _, name, some in own for kind in some)]):
        for name, table in tables.items():
            write_text(out / f"{name}.csv", csv(table))
            write_text(out / f"{name}.tex", latex(table, name))
        for (name, picture), kind in product(pictures.items(), kinds):
            with replacing(out / f"{name}.{kind}") as temporary:
                save_figure(figure(picture.chart), temporary, kind)
        rendered = [{**vars(section), "label": section.label, "prefix": prefix} for prefix, section in every]
        write_text(out / TEXT, text_of(title, rendered))
        write_text(out / PAGE, render_html(title, sections, files_of))
    return out / PAGE


def text_of(title: str, sections: Sequence[Mapping[str, Any]]) -> str:
    """Render the report as Markdown."""
    return re.sub(r"\n{3,}", "\n\n", text_template().render(title=title, sections=sections))


@cache
def text_template() -> jinja2.Template:
    template = files(__package__).joinpath("page.md").read_text(encoding="utf-8")
    engine = jinja2.Environment(finalize=escaped, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    engine.filters.update(code=code, markdown=markdown)
    return engine.from_string(template)
