"""Format numbers and names for sentences."""

from collections.abc import Sequence
from pathlib import Path

__all__ = ["counted", "is_utf8", "listed", "shown"]


def counted(number: int, noun: str) -> str:
    """Join a number and a noun with a plural in s: "1 image", "2 images"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(words: Sequence[str], most: int, separator: str = ", ") -> str:
    """Join the first words, and count the rest: "a, b and 3 more". most: the number of words to join."""
    more = len(words) - most
    return separator.join(words[:most]) + (f" and {more} more" if more > 0 else "")


def is_utf8(text: str, errors: str = "strict") -> bool:
    """Whether text can be written as UTF-8. Python represents each undecodable byte of a file name by a surrogate.

    errors: "surrogateescape" accepts those surrogates, but no others.
    """
    try:
        text.encode("utf-8", errors)
    except UnicodeEncodeError:
        return False
    return True


def shown(name: str | Path) -> str:
    r"""Escape line breaks and other unprintable characters in a file's name, so that it fits into one line.

    Bytes that are not UTF-8 become \xff.
    """
    return "".join(c if c.isprintable() else escape(c) for c in str(name))


def escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # Python's form of an undecodable byte
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
