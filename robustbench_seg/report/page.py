"""Write a report: index.html, report.md, a CSV and a LaTeX file per table, an SVG per figure, and a PDF if asked."""

import re
from collections.abc import Sequence
from importlib.resources import files
from itertools import product
from pathlib import Path

import jinja2

from ..files import remove_leftovers, replacing, write_text
from .content import Section
from .csv import csv
from .html import render_html
from .latex import latex
from .markdown import code, escaped, line_with_code, markdown
from .svg import save_figure

__all__ = ["write_report"]


def write_report(sections: Sequence[Section], out: Path, *, pdf: bool = False) -> Path:
    """Write sections into the folder `out`; return the path of index.html.

    pdf: write each figure as PDF too.
    """
    remove_leftovers(out)
    title = "Robustness report: " + ", ".join(dict.fromkeys(section.suite for section in sections))
    rendered = []
    for number, section in enumerate(sections):
        prefix = section.suite if len(sections) == 1 else f"{number + 1}-{section.suite}"
        for table in section.tables:
            write_text(out / f"{prefix}-{table.file}.csv", csv(table))
            write_text(out / f"{prefix}-{table.file}.tex", latex(table, f"{prefix}-{table.file}"))
        for picture, kind in product(section.pictures, ("svg", "pdf") if pdf else ("svg",)):
            with replacing(out / f"{prefix}-{picture.file}.{kind}") as temporary:
                save_figure(picture.figure, temporary, kind)
        rendered.append({**vars(section), "prefix": prefix})
    template = files(__package__).joinpath("page.md").read_text(encoding="utf-8")
    engine = jinja2.Environment(finalize=escaped, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    engine.filters.update(code=code, line_with_code=line_with_code, markdown=markdown)
    text = engine.from_string(template).render(title=title, sections=rendered)
    write_text(out / "report.md", re.sub(r"\n{3,}", "\n\n", text))
    path = out / "index.html"
    write_text(path, render_html(title, sections))
    return path
