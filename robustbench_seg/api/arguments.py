"""Checks of what a program passes, so that each fault is one line that names the argument."""

from collections.abc import Iterable, Mapping, Sequence, Set
from operator import index
from pathlib import Path
from typing import Any

from ..corruptions import CORRUPTIONS, SEVERITIES
from ..errors import UsageError
from ..files import expanded
from ..store.view import View
from ..wording import nearest, repeated

__all__ = ["different", "folder_of", "listed_values", "one_of", "severities_of", "view_of", "whole"]


def whole(name: str, value: object, least: int, other: str = "", most: int | None = None) -> int:
    """Take a whole number, of numpy too. other: what may be in its place. Raises UsageError for any other value."""
    try:
        number = least - 1 if isinstance(value, bool) else index(value)  # type: ignore[arg-type]
    except TypeError:
        number = least - 1
    if number < least or (most is not None and number > most):
        limits = f"of {least} or more" if most is None else f"from {least} to {most}"
        raise UsageError(f"{name} must be a whole number {limits}{other}, got {value!r:.60}")
    return number


def listed_values(name: str, values: object, example: str, least: int = 1) -> list[Any]:
    """Take several values as a list, in their order. Raises UsageError for one value, a set, and fewer than `least`."""
    if isinstance(values, str | bytes | Mapping | Set) or not isinstance(values, Iterable):
        raise UsageError(f"{name} must be a list, such as {example}, got {values!r:.60}")
    if len(given := list(values)) < least:
        raise UsageError(f"{name} must have {least} or more, such as {example}, got none")
    return given


def different(name: str, values: Sequence[Any]) -> Sequence[Any]:
    """Give values back. Raises UsageError that names one which comes twice."""
    if again := repeated(values):
        raise UsageError(f"{name} must differ, got {again[0] if isinstance(again[0], View) else repr(again[0])} twice")
    return values


def severities_of(corruptions: object) -> dict[str, list[int]] | None:
    """Take severities by the name of a corruption, or None. Raises UsageError for an unknown one of either."""
    if corruptions is None:
        return None
    if not isinstance(corruptions, Mapping):
        raise UsageError(f"corruptions must be severities by name, such as {{'fog': [1, 3]}}, got {corruptions!r:.60}")
    conditions: dict[str, list[int]] = {}
    for name, severities in corruptions.items():
        if name not in CORRUPTIONS:
            raise UsageError(f"corruptions: unknown corruption {name!r:.60}; {nearest(str(name), CORRUPTIONS)}")
        place = f"corruptions[{name!r}]"
        some = listed_values(place, severities, "[1, 3]")
        conditions[name] = [whole(f"{place}: a severity", one, SEVERITIES[0], most=SEVERITIES[-1]) for one in some]
        different(f"{place}: severities", conditions[name])
    return conditions


def view_of(view: object) -> View:
    """Take a view, or the name of one. Raises UsageError."""
    if not isinstance(view, str | View):
        raise UsageError(f"a view must be a name, such as 'whole', or a View, got {view!r:.60}")
    try:
        return view if isinstance(view, View) else View.parse(view)
    except UsageError as error:
        raise UsageError(f"views: {error}") from None


def folder_of(name: str, value: object) -> Path:
    """Take a folder. Raises UsageError for an empty text, which would be the working folder, and for anything else."""
    if not isinstance(value, str | Path) or not str(value).strip():
        raise UsageError(f"{name} must be a folder, and not empty, got {value!r:.60}")
    return Path(expanded(str(value)))


def one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise UsageError for a word that is not allowed."""
    if value not in allowed:
        raise UsageError(f"{name} must be {', '.join(allowed[:-1])} or {allowed[-1]}, got {value!r:.60}")
