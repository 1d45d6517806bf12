"""Markdown as GitHub reads it: tables, code, and texts in which nothing is markup.

Source: GitHub Flavored Markdown 0.29, on tables and on what a backslash may stand before.
"""

import re

from .table import Table

__all__ = ["Markdown", "code", "escaped", "markdown"]

# What could be markup gets a backslash; an underscore between letters, a lone < and & are none, and stay readable.
MARKUP = re.compile(r"(?<=[^\W_])_+(?=[^\W_])|([\\`*_~\[\]|]|<(?=[a-zA-Z/!?])|&(?=#?\w+;))")
BLOCK = re.compile(r"(\d{1,9}(?=[.)](?:\s|$))|(?=(?:[-+]|#{1,6})(?:\s|$)|>|-{3}))")  # at the start of a text


class Markdown(str):
    """What is Markdown already: `escaped` leaves it alone."""

    __slots__ = ()


def escaped(value: object) -> Markdown:
    """Write a value as one line of text that holds no markup, wherever it stands."""
    if isinstance(value, Markdown):
        return value
    text = MARKUP.sub(lambda match: f"\\{match[1]}" if match[1] else match[0], " ".join(str(value).split()))
    start = BLOCK.match(text)
    return Markdown(f"{start[1]}\\{text[start.end() :]}" if start else text)


def code(value: object) -> Markdown:
    """Write a value as code, between more backticks than it has in a row."""
    text = " ".join(str(value).split())
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return Markdown(f"{fence}{room}{text}{room}{fence}")


def markdown(table: Table) -> Markdown:
    """Write a table; the best of a column is bold."""
    lines: list[list[str]] = [[escaped(column.label) for column in table.heads]]
    for row in table.grid:
        lines.append([f"**{escaped(cell.text)}**" if best else escaped(cell.text) for cell, best in row])
    head, *body = (f"| {' | '.join(line)} |" for line in lines)
    rule = "".join("|:--" if column.align == "left" else "|--:" for column in table.heads)
    return Markdown("\n".join([head, f"{rule}|", *body]))
