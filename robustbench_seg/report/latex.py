r"""A table as LaTeX, ready for a paper that uses the packages booktabs and graphicx."""

import re

from .content import Table

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

    label: for \ref; it gets the prefix "tab:".
    """
    columns = [escaped(name) for name in table.readable.columns]
    many = len(columns) > NARROW
    widths = table.readable.astype(str).map(len).max()
    if not many:
        widths = widths.clip(lower=[len(name) for name in table.readable.columns])
    wide = many or widths.sum() + GAP * (len(columns) - 1) > LINE
    if many:
        columns = [columns[0], *(rf"\rotatebox{{90}}{{{name}}}" for name in columns[1:])]
    rows = [
        [rf"\textbf{{{escaped(text)}}}" if best else escaped(text) for text, best in zip(row, bold, strict=True)]
        for row, bold in zip(table.readable.itertuples(index=False), table.bold(), strict=True)
    ]
    body = [
        rf"\begin{{tabular}}{{@{{}}{''.join('l' if left else 'r' for left in table.left())}@{{}}}}",
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
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(table.title)}. {escaped(table.caption)}}}",
        rf"\label{{tab:{''.join(c for c in label if (c.isascii() and c.isalnum()) or c in '-.')}}}",
        *body,
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def escaped(value: object) -> str:
    """A text that LaTeX sets as it stands, its quotation marks as a printer's."""
    return re.sub('"([^"]*)"', r"``\1''", str(value).translate(TABLE)).replace('"', "''")
