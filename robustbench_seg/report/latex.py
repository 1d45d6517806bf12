r"""A table as LaTeX, ready for a paper that uses the packages booktabs and graphicx."""

import re

from .table import Table

__all__ = ["latex"]

NARROW = 8  # columns; with more the heads are turned
LINE = 66  # characters of a line of the class article
GAP = 2  # characters between columns
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "[": "{[}", "\n": " ", "\r": " ",  # \\ takes a bracket after it for its own
    "–": "--", "—": "---", "…": r"\dots{}", "−": "$-$", "×": r"$\times$", "±": r"$\pm$", "·": r"$\cdot$",
    "≤": r"$\le$", "≥": r"$\ge$", "→": r"$\to$", "⚠": "$^{!}$", "†": r"\dag{}", "*": r"$^{*}$",
}  # fmt: skip
TABLE = str.maketrans(SPECIAL)


def latex(table: Table, label: str) -> str:
    r"""Write a table as a LaTeX float with booktabs' rules, the best bold. Every text is escaped.

    The hashes of its caption are comments above it.

    label: for \ref; it gets the prefix "tab:".
    """
    heads = [column.label for column in table.heads]
    many = len(heads) > NARROW
    widths = [max([len(row[k][0].text) for row in table.grid], default=0) for k in range(len(heads))]
    if not many:
        widths = [max(width, len(head)) for width, head in zip(widths, heads, strict=True)]
    wide = many or sum(widths) + GAP * (len(heads) - 1) > LINE
    columns = [rf"\rotatebox{{90}}{{{escaped(head)}}}" if many and k else escaped(head) for k, head in enumerate(heads)]
    rows = [
        [rf"\textbf{{{escaped(cell.text)}}}" if best else escaped(cell.text) for cell, best in row]
        for row in table.grid
    ]
    caption = table.legend
    for part in table.hashes:
        caption = caption.replace(part, "")
    body = [
        rf"\begin{{tabular}}{{@{{}}{''.join(column.align[0] for column in table.heads)}@{{}}}}",
        r"\toprule",
        " & ".join(columns) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if wide:
        body = [r"\resizebox{\linewidth}{!}{%", *body[:-1], body[-1] + "}"]
    lines = [
        "% needs \\usepackage{booktabs}" + (" and \\usepackage{graphicx}" if wide else ""),
        *(f"% {' '.join(text.split())}" for text in table.hashes.values()),  # a comment ends with its line
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(table.title)}. {escaped(caption)}}}",
        rf"\label{{tab:{''.join(c for c in label if (c.isascii() and c.isalnum()) or c in '-.')}}}",
        *body,
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def escaped(value: object) -> str:
    """A text that LaTeX sets as it stands, its quotation marks as a printer's."""
    return re.sub('"([^"]*)"', r"``\1''", str(value).translate(TABLE)).replace('"', "''")
