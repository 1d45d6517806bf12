"""Read this program's JSON into frozen dataclasses; every fault is one line that names its place."""

import json
import math
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from reprlib import repr as short
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ..errors import StoreError, UsageError
from ..wording import is_utf8

__all__ = ["NOT_KEPT", "Words", "convert", "from_json", "parse_json"]

T = TypeVar("T")
Words = Annotated[str, "only read by people"]  # no key, no name: bytes that are not UTF-8 become \xff
NOT_KEPT = {"kept": False}  # metadata of a field that JSON omits
EITHER = (Union, UnionType)
LARGEST = 2**63  # magnitude of an integer: a larger one does not fit into a table
WORDS = {str: "text", Words: "text", int: "an integer", float: "a number", bool: "true or false", NoneType: "null"}


def parse_json(content: bytes, where: str) -> Any:
    """Parse JSON. Raises StoreError for other content, for NaN and infinities, and if it is nested too deeply."""
    try:
        return json.loads(content, parse_constant=refuse)
    except ValueError as error:
        raise StoreError(f"{where}: not JSON ({error})") from None
    except RecursionError:
        raise StoreError(f"{where}: not JSON of this program (it is nested too deeply)") from None


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def from_json(kind: type[T], value: Any, where: str, place: str = "") -> T:
    """Make a dataclass from a JSON object.

    where: the file. place: the place of the value in the file, "" for the whole content. Raises StoreError for a field
    that is unknown, is missing, or has another type.
    """
    if not isinstance(value, dict):
        raise StoreError(f"{where}: {place or 'the content'} must be an object, got {short(value)}")
    inside = f"{place}." if place else ""
    stored = (field for field in fields(kind) if field.metadata.get("kept", True))  # type: ignore[arg-type]
    fields_by_name = {field.name: field for field in stored}
    for name in value:
        if name not in fields_by_name:
            raise StoreError(f"{where}: {inside}{short(name)[1:-1]} is unknown; known are {', '.join(fields_by_name)}")
    for name, field in fields_by_name.items():
        if name not in value and field.default is MISSING and field.default_factory is MISSING:
            raise StoreError(f"{where}: {inside}{name} is missing")
    hints = hints_of(kind)  # type: ignore[arg-type]  # a type is hashable
    values = {name: convert(part, hints[name], where, inside + name) for name, part in value.items()}
    try:
        return kind(**values)
    except UsageError as error:
        raise StoreError(f"{where}: {place}{': ' if place else ''}{error}") from None


@cache
def hints_of(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def convert(value: Any, kind: Any, where: str, place: str) -> Any:
    """Convert a JSON value to a type: lists to tuples, objects to dataclasses. Raises StoreError for another type."""
    if kind in PLAIN and PLAIN[kind](value):
        return quote(value) if kind == Words else value
    if is_dataclass(kind) and isinstance(kind, type):
        return value if isinstance(value, kind) else from_json(kind, value, where, place)
    if not fits(value, kind):
        raise StoreError(f"{where}: {place} must be {describe(kind)}, got {short(value)}")
    origin, options = get_origin(kind), get_args(kind)
    if origin in EITHER:
        return convert(value, next(option for option in options if fits(value, option)), where, place)
    if origin is tuple:
        kinds = [options[0]] * len(value) if options[-1] is ... else options
        return tuple(
            convert(part, part_kind, where, f"{place}[{k}]")
            for k, (part, part_kind) in enumerate(zip(value, kinds, strict=True))
        )
    if origin is dict:
        return {
            convert(name, options[0], where, f"a name in {place}"): convert(
                part, options[1], where, f"{place}.{name:.40}"
            )
            for name, part in value.items()
        }
    return value


def fits(value: Any, kind: Any) -> bool:
    """Whether the outermost layer of a JSON value is of a type."""
    if kind in PLAIN:
        return PLAIN[kind](value)
    origin, options = get_origin(kind), get_args(kind)
    if origin in EITHER:
        return any(fits(value, option) for option in options)
    if origin is Literal:
        return isinstance(value, str) and value in options
    if origin is tuple:
        return isinstance(value, list | tuple) and (options[-1] is ... or len(value) == len(options))
    return isinstance(value, origin or kind)


def is_integer(value: Any) -> bool:
    return type(value) is int and -LARGEST <= value < LARGEST


def is_text(value: Any, errors: str = "strict") -> bool:
    return isinstance(value, str) and is_utf8(value, errors)


def quote(text: str) -> str:
    r"""Write bytes that are not UTF-8 as \xff, as `wording.quote` does, but keep line breaks."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


PLAIN: dict[Any, Callable[[Any], bool]] = {
    Any: lambda value: True,
    NoneType: lambda value: value is None,
    bool: lambda value: isinstance(value, bool),
    int: is_integer,
    float: lambda value: is_integer(value) or (isinstance(value, float) and math.isfinite(value)),
    str: is_text,
    Words: lambda value: is_text(
        value, "surrogateescape"
    ),  # surrogates for bytes of a path; any other surrogate is damage
}


def describe(kind: Any) -> str:
    """Describe a type in a message."""
    options = get_args(kind)
    if get_origin(kind) in EITHER:
        return " or ".join(describe(option) for option in options)
    if get_origin(kind) is Literal:
        return f"one of {', '.join(options)}"
    if get_origin(kind) is tuple:
        return "a list" if options[-1] is ... else f"a list of {len(options)}"
    return WORDS.get(kind, "an object")
