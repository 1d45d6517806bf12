"""A table as Markdown."""

from .content import Table

__all__ = ["markdown"]


def markdown(table: Table) -> str:
    """Write a table's texts as Markdown, the best bold; the first column to the left, the others to the right."""
    lines = ["| " + " | ".join(escaped(name) for name in table.readable.columns) + " |"]
    lines.append("|" + ":--|" + "--:|" * (len(table.readable.columns) - 1))
    for row, bold in zip(table.readable.itertuples(index=False), table.bold(), strict=True):
        cells = (f"**{escaped(text)}**" if best else escaped(text) for text, best in zip(row, bold, strict=True))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def escaped(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
