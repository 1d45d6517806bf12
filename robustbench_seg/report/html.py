"""The page: one HTML file with its style, script, figures and pictures in it; whatever it is given is escaped."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import jinja2
import markupsafe
import pandas as pd

from ..charts import stylesheet, svg
from ..html_pages import package_text, page_engine, parts_of_page
from ..studies.scope import MANY
from ..studies.statements import INTERVAL, verdict
from .content import ANSWER, Picture, Section
from .gallery import Gallery, gallery_of
from .parts import PARTS
from .table import Cell, Table

__all__ = ["PAGE_BYTES", "render_html"]

PAGE_BYTES = 4_800_000  # the page stays below; the gallery gets what the rest leaves of it
LEAST_GALLERY_BYTES = 300_000
GALLERY = "Gallery"
NUMBER = re.compile(r"[<≤]?[-+]?[\d.]+(e[-+]\d+)?[ *†()]*")  # a text that page.js reads as a number
Files = Sequence[tuple[str, str, Sequence[str]]]  # of each table or figure: title, name, endings


def render_html(title: str, sections: Sequence[Section], files_of: Sequence[Files] = ()) -> str:
    """Render the page. It loads nothing, and its own script is the only one that it lets run.

    files_of: each section's files next to the page.
    """
    style, script = (package_text(__package__, name) for name in ("page.css", "page.js"))
    shared = parts_of_page(style + stylesheet(), script)
    parts = [part_of(section, files_of[k] if files_of else ()) for k, section in enumerate(sections)]

    def page(galleries: Sequence[Gallery]) -> str:
        return page_template().render(
            title=title,
            **shared,
            parts=[
                {**part, "gallery": gallery if gallery.scenes else None, "left_out": gallery.left_out}
                for part, gallery in zip(parts, galleries, strict=True)
            ],
        )

    rest = PAGE_BYTES - len(page([Gallery(scenes=[])] * len(parts)).encode())
    share = max(LEAST_GALLERY_BYTES, rest) // max(1, sum(bool(section.gallery) for section in sections))
    return page([gallery_of(section.gallery, share, section.colours) for section in sections])


@cache
def page_template() -> jinja2.Template:
    """Compile the page's template, which takes longer than to render it."""
    engine = page_engine(__package__, code, prose, common_lead, sort_key, plain_title, many_models, verdict, with_rest)
    return engine.get_template("page.html")


def part_of(section: Section, own_files: Files) -> dict[str, Any]:
    """Arrange a section for the page: its headings, with what stands on the first screen apart."""
    groups = groups_of(section)
    rows = [row for table in section.tables for row in table.rows]
    used = {table.view for table in section.tables} | {picture.view for picture in section.pictures}
    views = [view for view in section.views if view in used]
    return {
        "views": views,
        "about": {view: section.about[view] for view in views or section.views[:1] if view in section.about},
        "section": section,
        "answer": next((group for group in groups if group["title"] == ANSWER), None),
        "groups": [group for group in groups if group["title"] != ANSWER],
        "runs": any(row.single for row in rows),
        "many": any(map(many_models, section.tables)),
        "families": sorted({row.family for row in rows if row.family}),
        "files": own_files,
    }


def groups_of(section: Section) -> list[dict[str, Any]]:
    """A section's tables and figures by heading, in the order in which the headings come up, and by view."""
    # The strips of a gallery are for paper and Markdown; here the gallery shows more of the same.
    pictures = [one for one in section.pictures if not (section.gallery and one.group == GALLERY)]
    figures = [(one, markupsafe.Markup(svg(one.chart))) for one in pictures]
    closed = {part.heading for part in PARTS.values() if part.closed}
    every: list[Table | Picture] = [*section.tables, *pictures]
    return [
        {
            "title": title,
            "closed": title in closed,
            "blocks": [
                {
                    "view": view,
                    "tables": [table for table in section.tables if (table.group, table.view) == (title, view)],
                    "pictures": [each for each in figures if (each[0].group, each[0].view) == (title, view)],
                }
                for view in (*section.views, "")
                if any((one.group, one.view) == (title, view) for one in every)
            ],
        }
        for title in dict.fromkeys(one.group for one in every)
    ]


def many_models(table: Table) -> bool:
    """Whether a table is one of models to search in."""
    return table.main and table.heads[0].label == "model" and sum(not row.single for row in table.rows) > MANY


def plain_title(item: Table | Picture) -> str:
    """The title without the view, which the page shows once."""
    return item.title.removesuffix(f", view {item.view}")


def common_lead(details: Sequence[str]) -> str:
    """The words with which the details of all cells begin, if these are intervals; else none."""
    return INTERVAL if details and all(text.startswith(INTERVAL) for text in details) else ""


def with_rest(text: str) -> markupsafe.Markup:
    """Set apart what follows the interval: paper has no room for it."""
    first, *rest = re.split("(?=[,;] )", text, maxsplit=1)
    return markupsafe.escape(first) + markupsafe.Markup('<span class="rest">{}</span>' * len(rest)).format(*rest)


def sort_key(cell: Cell) -> str:
    """The number that a column is sorted by, where the text of the cell is another one or none; else ""."""
    if cell.value is None or pd.isna(cell.value) or NUMBER.fullmatch(cell.text):
        return ""
    return f"{float(cell.value):.6g}"


def code(text: str) -> markupsafe.Markup:
    """Escape a text and set what stands between `backticks` as code."""
    return markupsafe.Markup(re.sub("`([^`]*)`", r"<code>\1</code>", str(markupsafe.escape(text))))


def prose(text: str) -> str:
    """Keep a number and its % on one line."""
    return re.sub(r"(?<=\d) %", "\u00a0%", text)
