"""Tables for readers: % with one decimal, intervals behind the numbers. Functions give values and write nothing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..studies.arms import ArmDifference
from ..studies.statistics import Interval
from .content import Table

__all__ = [
    "MISSING",
    "Cell",
    "difference",
    "known",
    "make_table",
    "marked",
    "p_text",
    "percent",
    "points",
    "score",
    "signed",
    "span",
    "unique",
]

MISSING = "–"


@dataclass(frozen=True)
class Cell:
    """A place of a table. text: for people. hover: what more there is to say. value: to sort by and to be best in."""

    text: str
    hover: str = ""
    value: Any = None


def percent(value: float) -> str:
    """0.1234 ─▶ "12.3"; a dash where there is no number."""
    return MISSING if pd.isna(value) else f"{100 * value:z.1f}"


def points(value: float) -> str:
    """0.0123 ─▶ "+1.2"; a dash where there is no number."""
    return MISSING if pd.isna(value) else f"{100 * value:+z.1f}"


def span(low: float, high: float) -> str:
    """An interval in points. An end beside zero has as many decimals, up to three, as show its side.

    >>> span(0.003, 0.0201), span(-0.0152, -0.00008), span(float("nan"), float("nan"))
    ('+0.3 to +2.0', '-1.5 to -0.01', '– to –')
    """

    def end(value: float) -> str:
        texts = (f"{100 * value:+.{decimals}f}" for decimals in (1, 2, 3))
        return next((text for text in texts if abs(float(text)) > 0), points(value))

    return f"{end(low)} to {end(high)}"


def signed(number: Interval) -> str:
    """A difference in a sentence: "+1.2 points (95 % interval +0.3 to +2.0)"."""
    ends = "" if pd.isna(number.low) else f" (95 % interval {span(number.low, number.high)})"
    return f"{points(number.estimate)} points{ends}"


def p_text(p: float) -> str:
    """0.0123 ─▶ "0.012", 0.0002 ─▶ "<0.001"; a dash where there is none."""
    return MISSING if pd.isna(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


MARK = "⚠"


def marked(name: str, flagged: bool) -> str:
    """Name a model for readers, with a warning where a number of it deserves no trust."""
    return f"{name} {MARK}" if flagged else name


def score(number: Interval, text: Callable[[float], str] = percent) -> Cell:
    """Show a number, a fraction as %, with its interval on hover."""
    hover = "" if pd.isna(number.low) else f"95 % interval {text(number.low)} to {text(number.high)}"
    return Cell(text(number.estimate), hover, number.estimate)


def difference(found: ArmDifference, p_holm: float) -> Cell:
    """Show a difference of fractions in points, with a star where it is found; the reasons on hover."""
    number = found.interval
    ends = f"95 % interval {span(number.low, number.high)}; p {found.p:.2g}, {p_holm:.2g} by Holm for the whole table; "
    hover = ("" if pd.isna(number.low) else ends) + (found.agreement if found.measured else "")
    return Cell(points(number.estimate) + ("*" if found.found else ""), hover, number.estimate)


def make_table(
    rows: Sequence[dict[str, Cell]],
    *,
    best: Iterable[str] = (),
    lowest: bool = False,
    compared: Sequence[bool] | None = None,
    **fields: Any,
) -> Table:
    """Make a table of rows that have the same columns.

    best: columns whose highest value (`lowest`: whose lowest) is bold, equal texts all. compared: which rows take part
    in that, by default all; one alone is not the best of anything. fields: of `Table`.
    """
    texts, hover, values = (
        pd.DataFrame([{name: getattr(cell, part) for name, cell in row.items()} for row in rows], dtype=object)
        for part in ("text", "hover", "value")
    )
    taking_part = pd.Series([True] * len(rows) if compared is None else list(compared))
    bold = pd.DataFrame(False, index=texts.index, columns=texts.columns)
    for name in best:
        candidates = pd.to_numeric(values.loc[taking_part, name]).dropna()
        if len(candidates) > 1:
            place = candidates.idxmin() if lowest else candidates.idxmax()
            bold[name] = taking_part & (texts[name] == texts.loc[place, name])
    sort = values.where(values.notna(), texts)
    if texts.iloc[:, 0].str.endswith(MARK).any() and MARK not in fields["caption"]:
        fields["caption"] += f" {MARK} In some cell it is no better than naming one class for every pixel."
    if bold.to_numpy().any():
        fields["caption"] = "Bold: the best of its column. " + fields["caption"]
    return Table(readable=texts, hover=hover, best=bold, sort=sort, **fields)


def unique(names: list[str]) -> list[str]:
    """Number the later ones of equal names."""
    return [f"{name} ({seen + 1})" if (seen := names[:k].count(name)) else name for k, name in enumerate(names)]


def known(value: float | None, text: Callable[[float], str]) -> Cell:
    """Write a number, or a dash where there is none."""
    return Cell(MISSING) if value is None or pd.isna(value) else Cell(text(value), "", value)
