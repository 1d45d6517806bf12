"""How numbers and names read in sentences for people."""

from collections.abc import Sequence
from pathlib import Path

__all__ = ["counted", "is_utf8", "listed", "shown"]


def counted(number: int, noun: str) -> str:
    """Put a number before a noun whose plural ends in s: "1 image", "2 images"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(words: Sequence[str], most: int, separator: str = ", ") -> str:
    """Join the first few of some words, and count the rest: "a, b and 3 more"."""
    more = len(words) - most
    return separator.join(words[:most]) + (f" and {more} more" if more > 0 else "")


def is_utf8(text: str, errors: str = "strict") -> bool:
    """Whether text can be written as UTF-8: Python keeps each byte of a name that is not as a character of its own.

    errors: "surrogateescape" to let such bytes pass, but no other half of a pair.
    """
    try:
        text.encode("utf-8", errors)
    except UnicodeEncodeError:
        return False
    return True


def shown(name: str | Path) -> str:
    r"""Show the name of a file within a line: line breaks and whatever else can't be printed are escaped.

    Bytes of a name that is not UTF-8 are shown as \xff.
    """
    return "".join(c if c.isprintable() else escaped(c) for c in str(name))


def escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # as Python keeps a byte that is no part of any character
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
