"""Format numbers and names for sentences."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from math import ceil, floor, isfinite, isnan, log10
from pathlib import Path
from typing import TypeVar

__all__ = [
    "BRIEF",
    "MISSING",
    "MOST_NAMES",
    "NAME",
    "NAMES",
    "conjoin",
    "counted",
    "decimals_for",
    "is_utf8",
    "listed",
    "millions",
    "nearest",
    "p_text",
    "percent",
    "points",
    "quote",
    "repeated",
    "spaced",
    "span",
]

NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"  # it becomes part of file names, which have 255 characters at most
NAMES = "a name has up to 64 letters, digits, dots, hyphens and underscores"
Value = TypeVar("Value")

BRIEF = 12  # characters of a hash that tell it from others
MISSING = "–"  # where there is no number
MOST_NAMES = 6  # of models or arms in a sentence or a caption; more are counted
SIGNIFICANT = 6  # digits, at most, that a number gets so that it differs from others
ALPHA = 0.05  # a difference with a larger p is not significant
LEAST_MILLION = 1e5  # from which one decimal of a million has a digit that is not 0
FIXED = (1e-4, 1e7)  # between these, numbers are written without an exponent


def counted(number: int, noun: str) -> str:
    """Join a number and a noun with a plural in s: "1 image", "2 images"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(words: Sequence[str], most: int, separator: str = ", ") -> str:
    """Join the first words, and count the rest: "a, b and 3 more". most: the number of words to join."""
    more = len(words) - most
    return separator.join(words[:most]) + (f" and {more} more" if more > 0 else "")


def repeated(values: Sequence[Value]) -> list[Value]:
    """List the values that stand earlier in a sequence, too."""
    return [value for number, value in enumerate(values) if value in values[:number]]


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Name what an unknown word may have been meant to be; where nothing is like it, all allowed ones.

    >>> nearest("fogg", ["snow", "fog"]), nearest("x", ["snow", "fog"])
    ('the nearest is fog', 'known: snow, fog')
    """
    names = list(allowed)
    alike = get_close_matches(word, names, n=1)
    return f"the nearest is {alike[0]}" if alike else f"known: {', '.join(names)}"


def percent(value: float) -> str:
    """0.1234 ─▶ "12.3"; a dash where there is no number."""
    return MISSING if isnan(value) else f"{100 * value:z.1f}"


def points(value: float) -> str:
    """0.0123 ─▶ "+1.2"; a dash where there is no number."""
    return MISSING if isnan(value) else f"{100 * value:+z.1f}"


def millions(number: float) -> str:
    """Write a number in millions: one decimal, or two significant digits below 0.1 million; a dash for no number.

    >>> millions(3_714_000), millions(96_400), millions(1234), millions(0)
    ('3.7', '0.096', '0.0012', '0')
    """
    if isnan(number):
        return MISSING
    digits = 1 if abs(number) >= LEAST_MILLION else 1 - floor(log10(abs(number) / 1e6)) if number else 0
    return f"{number / 1e6:.{digits}f}"


def span(low: float, high: float) -> str:
    """An interval in points; a dash for none. An end next to zero has as many decimals, up to three, as show its side.

    >>> span(0.003, 0.0201), span(-0.0152, -0.00008), span(float("nan"), float("nan"))
    ('+0.3 to +2.0', '-1.5 to -0.01', '–')
    """

    def end(value: float) -> str:
        texts = (f"{100 * value:+.{decimals}f}" for decimals in (1, 2, 3))
        return next((text for text in texts if abs(float(text)) > 0), points(value))

    return MISSING if isnan(low) else f"{end(low)} to {end(high)}"


def p_text(p: float, *, bound: bool = False) -> str:
    """0.0123 ─▶ "0.012", 0.0002 ─▶ "<0.001"; a dash where there is none. bound: p is at most that, rounded up.

    Next to 0.05, by which differences are called significant, p has as many decimals as show its side.

    >>> p_text(0.0123), p_text(0.0123, bound=True), p_text(0.0002, bound=True), p_text(1, bound=True)
    ('0.012', '≤0.013', '<0.001', '1.000')
    >>> p_text(0.0496), p_text(0.0504), p_text(0.05)
    ('0.0496', '0.0504', '0.050')
    """
    if isnan(p) or p < 0.001:
        return MISSING if isnan(p) else "<0.001"
    if bound and p < 1:
        return f"≤{ceil(1000 * p) / 1000:.3f}"
    texts = (f"{p:.{decimals}f}" for decimals in range(3, 3 + SIGNIFICANT))
    return next((text for text in texts if (float(text) == ALPHA) == (p == ALPHA)), f"{p:.3f}")


def decimals_for(numbers: Iterable[float]) -> str:
    """Choose the format of numbers of any size: two decimals, or as many as show which differ, and which are not zero.

    Numbers that agree in SIGNIFICANT digits of the largest are taken to be equal. Outside FIXED they have an exponent.

    >>> decimals_for([0.431, 0.4309, 0.2]), decimals_for([0.0012, 0.5]), decimals_for([1e-7, 2e-7])
    ('{:z.4f}', '{:z.3f}', '{:z.2e}')
    """
    different = {0.0, *(number for number in numbers if isfinite(number))}
    largest = max(map(abs, different)) or 1.0
    exponent, kind = floor(log10(largest)), "f" if FIXED[0] <= largest < FIXED[1] else "e"
    most = max(2, SIGNIFICANT - 1 - (exponent if kind == "f" else 0))
    formats = [f"{{:z.{decimals}{kind}}}" for decimals in range(2, most + 1)]
    distinct = len({round(number, SIGNIFICANT - 1 - exponent) for number in different})
    enough = (text for text in formats if len({text.format(number) for number in different}) >= distinct)
    return next(enough, formats[-1])


def conjoin(parts: Sequence[str], most: int | None = None) -> str:
    """Write parts with commas and an "and". most: the number to write; of more, the rest is counted."""
    if most is not None and len(parts) > most:
        return listed(parts, most)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def spaced(name: str) -> str:
    """jpeg_compression ─▶ "jpeg compression"."""
    return name.replace("_", " ")


def is_utf8(text: str, errors: str = "strict") -> bool:
    """Whether text can be written as UTF-8. Python represents each undecodable byte of a file name by a surrogate.

    errors: "surrogateescape" accepts those surrogates, but no others.
    """
    try:
        text.encode("utf-8", errors)
    except UnicodeEncodeError:
        return False
    return True


def quote(name: str | Path) -> str:
    r"""Escape line breaks and other unprintable characters in a file's name, so that it fits into one line.

    Bytes that are not UTF-8 become \xff.
    """
    return "".join(c if c.isprintable() else escape(c) for c in str(name))


def escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # Python's form of an undecodable byte
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
