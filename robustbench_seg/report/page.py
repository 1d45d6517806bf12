"""Write a report: report.md, a CSV per table, an SVG per figure."""

import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import jinja2

from ..files import replacing, write_text
from . import figures, tables
from .content import Section

__all__ = ["write_report"]


def write_report(sections: Sequence[Section], out: Path) -> Path:
    """Write sections into the folder `out`; return the path of report.md."""
    rendered = []
    for number, section in enumerate(sections):
        prefix = section.suite if len(sections) == 1 else f"{number + 1}-{section.suite}"
        shown = []
        for table in section.tables:
            write_text(out / f"{prefix}-{table.file}.csv", table.full.to_csv(index=False, lineterminator="\n"))
            shown.append({"title": table.title, "caption": table.caption, "body": tables.markdown(table.readable)})
        pictures = []
        for picture in section.pictures:
            name = f"{prefix}-{picture.file}.svg"
            with replacing(out / name) as temporary:
                figures.save_svg(picture.figure, temporary)
            pictures.append({"title": picture.title, "caption": picture.caption, "file": name})
        rendered.append({**vars(section), "tables": shown, "pictures": pictures})
    template = files(__package__).joinpath("page.md").read_text(encoding="utf-8")
    engine = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    title = "Robustness report: " + ", ".join(dict.fromkeys(section.suite for section in sections))
    text = engine.from_string(template).render(title=title, sections=rendered)
    path = out / "report.md"
    write_text(path, re.sub(r"\n{3,}", "\n\n", text))
    return path
