"""The page: one HTML file with its style, script, figures and pictures in it; whatever it is given is escaped."""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import jinja2
import markupsafe
import pandas as pd

from .content import Picture, Section, Table
from .gallery import Gallery, gallery_of
from .svg import inline_svg
from .tables import MISSING

__all__ = ["PAGE_BYTES", "render_html"]

PAGE_BYTES = 4_800_000  # the page stays below; the gallery gets what the rest leaves of it
LEAST_GALLERY_BYTES = 300_000
GALLERY = "Gallery"
NUMBER = re.compile(r"[+-]?\d[\d,]*(\.\d+)?(e[+-]?\d+)?")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """text: what is read. more: what else there is to say of it. key: what a column is sorted by, "" for nothing."""

    text: str
    more: str = ""
    best: bool = False
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Tables and figures under one heading, ready to be shown."""

    title: str
    tables: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[dict[str, Any]] = field(default_factory=list)


def render_html(title: str, sections: Sequence[Section]) -> str:
    """Render the page. It loads nothing, and its own script is the only one that it lets run."""
    engine = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    engine.filters.update(code=code, prose=prose)
    script = package_text("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = engine.from_string(package_text("page.html"))
    shown = [{"section": section, "groups": groups_of(section, k)} for k, section in enumerate(sections, 1)]

    def page(galleries: Sequence[Gallery]) -> str:
        return template.render(
            title=title,
            style=markupsafe.Markup(package_text("page.css")),
            script=markupsafe.Markup(script),
            script_hash=f"sha256-{digest}",
            parts=[
                {**part, "gallery": gallery if gallery.scenes else None, "left_out": gallery.left_out}
                for part, gallery in zip(shown, galleries, strict=True)
            ],
        )

    pictures = [section.gallery for section in sections]
    rest = PAGE_BYTES - len(page([Gallery(scenes=[])] * len(shown)).encode())
    share = max(LEAST_GALLERY_BYTES, rest) // max(1, sum(map(bool, pictures)))
    return page([gallery_of(some, share) for some in pictures])


def groups_of(section: Section, number: int) -> list[Group]:
    """A section's tables and figures by heading, in the order in which the headings come up."""
    groups: dict[str, Group] = {}
    for table in section.tables:
        groups.setdefault(table.group, Group(title=table.group)).tables.append(shown_table(table))
    for k, picture in enumerate(section.pictures):
        if section.gallery and picture.group == GALLERY:
            continue  # for paper and Markdown; here the gallery shows more of the same
        shown = shown_picture(picture, f"s{number}f{k}")
        groups.setdefault(picture.group, Group(title=picture.group)).pictures.append(shown)
    return list(groups.values())


def shown_picture(picture: Picture, prefix: str) -> dict[str, Any]:
    description = picture.description or f"{picture.title}. {picture.caption}"
    svg = markupsafe.Markup(inline_svg(picture.figure, prefix, description))
    return {"title": picture.title, "caption": picture.caption, "svg": svg}


def shown_table(table: Table) -> dict[str, Any]:
    """The cells of a table; the words with which all that is said beyond the texts begins are said once."""
    texts = table.readable.astype(str)
    more = [[""] * len(texts.columns)] * len(texts) if table.hover is None else table.hover.astype(str).values.tolist()
    spoken = common_words(text for row in more for text in row if text)
    keys = table.readable if table.sort is None else table.sort
    rows = [
        [
            Cell(text=text, more=said.removeprefix(spoken), best=best, key=sort_key(key))
            for text, said, best, key in zip(*columns, strict=True)
        ]
        for columns in zip(texts.values.tolist(), more, table.bold(), keys.values.tolist(), strict=True)
    ]
    return {
        "title": table.title,
        "caption": table.caption,
        "columns": list(texts.columns),
        "left": table.left(),
        "rows": rows,
        "more": any(cell.more for row in rows for cell in row),
        "spoken": spoken.strip() or "details",
    }


def common_words(texts: Iterable[str]) -> str:
    """The whole words, with the space after them, with which all of at least two different texts begin.

    >>> common_words(["95 % interval 41.2 to 43.9", "95 % interval 41.9 to 44.0"])
    '95 % interval '
    """
    different = sorted(set(texts))
    if len(different) < 2:
        return ""
    first, last = different[0], different[-1]  # what these two share all between them share
    length = next((k for k, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[: first.rfind(" ", 0, length) + 1]


def sort_key(value: object) -> str:
    """What a column is sorted by: a number where the value is one or begins with one, else the text; "" for nothing."""
    if isinstance(value, str):
        text = value.replace("−", "-").strip()
        number = NUMBER.match(text)
        return number[0].replace(",", "").removeprefix("+") if number else "" if text == MISSING else text
    return "" if pd.isna(value) else repr(value.item() if hasattr(value, "item") else value)


def code(text: str) -> markupsafe.Markup:
    """Escape a text and set what stands between `backticks` as code."""
    return markupsafe.Markup(re.sub("`([^`]*)`", r"<code>\1</code>", str(markupsafe.escape(text))))


def prose(text: str) -> str:
    """Keep a number and its % on one line."""
    return re.sub(r"(?<=\d) %", "\u00a0%", text)


def package_text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
