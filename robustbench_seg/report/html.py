"""The page: one HTML file with its style, script, figures and pictures in it; whatever it is given is escaped."""

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import jinja2
import markupsafe
import pandas as pd

from ..charts import stylesheet, svg
from ..wording import MISSING
from .content import Section
from .gallery import Gallery, gallery_of
from .table import Cell
from .units import INTERVAL

__all__ = ["PAGE_BYTES", "render_html"]

PAGE_BYTES = 4_800_000  # the page stays below; the gallery gets what the rest leaves of it
LEAST_GALLERY_BYTES = 300_000
GALLERY = "Gallery"


def render_html(title: str, sections: Sequence[Section]) -> str:
    """Render the page. It loads nothing, and its own script is the only one that it lets run."""
    engine = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    engine.filters.update(code=code, prose=prose, common_lead=common_lead, sort_key=sort_key)
    script = package_text("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = engine.from_string(package_text("page.html"))
    parts = [{"section": section, "groups": groups_of(section)} for section in sections]

    def page(galleries: Sequence[Gallery]) -> str:
        return template.render(
            title=title,
            style=markupsafe.Markup(package_text("page.css") + stylesheet()),
            script=markupsafe.Markup(script),
            script_hash=f"sha256-{digest}",
            parts=[
                {**part, "gallery": gallery if gallery.scenes else None, "left_out": gallery.left_out}
                for part, gallery in zip(parts, galleries, strict=True)
            ],
        )

    pictures = [section.gallery for section in sections]
    rest = PAGE_BYTES - len(page([Gallery(scenes=[])] * len(parts)).encode())
    share = max(LEAST_GALLERY_BYTES, rest) // max(1, sum(map(bool, pictures)))
    return page([gallery_of(some, share) for some in pictures])


def groups_of(section: Section) -> list[dict[str, Any]]:
    """A section's tables and figures by heading, in the order in which the headings come up."""
    # The strips of a gallery are for paper and Markdown; here the gallery shows more of the same.
    figures = []
    for one in section.pictures:
        if not (section.gallery and one.group == GALLERY):
            figures.append((one, markupsafe.Markup(svg(one.chart))))
    return [
        {
            "title": title,
            "tables": [table for table in section.tables if table.group == title],
            "pictures": [(one, drawn) for one, drawn in figures if one.group == title],
        }
        for title in dict.fromkeys([one.group for one in section.tables] + [one.group for one, _ in figures])
    ]


def common_lead(details: Sequence[str]) -> str:
    """The words with which the details of all cells begin, if these are intervals; else none."""
    return INTERVAL if details and all(text.startswith(INTERVAL) for text in details) else ""


def sort_key(cell: Cell) -> str:
    """What a column is sorted by: the number of a cell, else its text; "" for what is missing."""
    if cell.value is None:
        return "" if cell.text == MISSING else cell.text
    return "" if pd.isna(cell.value) else repr(float(cell.value))


def code(text: str) -> markupsafe.Markup:
    """Escape a text and set what stands between `backticks` as code."""
    return markupsafe.Markup(re.sub("`([^`]*)`", r"<code>\1</code>", str(markupsafe.escape(text))))


def prose(text: str) -> str:
    """Keep a number and its % on one line."""
    return re.sub(r"(?<=\d) %", "\u00a0%", text)


def package_text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
