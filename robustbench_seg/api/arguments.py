"""Checks of what a program passes, so that each fault is one line that names the argument."""

from collections.abc import Iterable, Mapping, Set
from operator import index
from typing import Any

from ..errors import UsageError

__all__ = ["listed_values", "one_of", "whole"]


def whole(name: str, value: object, least: int, other: str = "") -> int:
    """Take a whole number, of numpy too. other: what may be in its place. Raises UsageError for less, and no number."""
    try:
        number = least - 1 if isinstance(value, bool) else index(value)  # type: ignore[arg-type]
    except TypeError:
        number = least - 1
    if number < least:
        raise UsageError(f"{name} must be a whole number of {least} or more{other}, got {value!r:.60}")
    return number


def listed_values(name: str, values: object, example: str, least: int = 1) -> list[Any]:
    """Take several values as a list, in their order. Raises UsageError for one value, a set, and fewer than `least`."""
    if isinstance(values, str | bytes | Mapping | Set) or not isinstance(values, Iterable):
        raise UsageError(f"{name} must be a list, such as {example}, got {values!r:.60}")
    if len(given := list(values)) < least:
        raise UsageError(f"{name} must have {least} or more, such as {example}, got none")
    return given


def one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise UsageError for a word that is not allowed."""
    if value not in allowed:
        raise UsageError(f"{name} must be {', '.join(allowed[:-1])} or {allowed[-1]}, got {value!r:.60}")
