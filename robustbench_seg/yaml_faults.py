"""What is wrong with values of a YAML file, in YAML's words: pydantic's faults as one line."""

from collections.abc import Iterable, Mapping
from math import isfinite, isinf
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from .wording import NAME, NAMES, conjoin, nearest

__all__ = ["fault_of", "in_yaml"]

VALUE_SHOWN = 60  # characters
# What a value must be, by pydantic's names of faults.
FORMS = (
    dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number")
    | dict.fromkeys(("float_type", "float_parsing"), "a number")
    | dict.fromkeys(("bool_type", "bool_parsing"), "true or false")
    | dict.fromkeys(("tuple_type", "list_type"), "a list")
    | dict.fromkeys(("dict_type", "mapping_type"), "a mapping")
    | {
        "int_parsing_size": "a whole number of fewer digits",
        "finite_number": "a finite number",
        "greater_than": "more than {gt}",
        "greater_than_equal": "{ge} or more",
        "less_than": "less than {lt}",
        "less_than_equal": "{le} or less",
        "literal_error": "{expected}",
    }
)
LENGTHS = {"too_short": "must have {min_length} or more", "too_long": "must have {max_length} at most"}
Place = tuple[str | int, ...]


def fault_of(error: ValidationError, content: Any, kind: type[BaseModel]) -> str:
    """Name the place, the fault and the value of one of pydantic's faults, and count the others.

    content: what was read. kind: its model. An unknown field comes first, since its right name may be
    what is missing.
    """
    faults: dict[Place, list[ErrorDetails]] = {}
    for each in error.errors():
        place = place_of(each["loc"], content, kind)
        if each["type"] == "missing" and isinstance(place[-1], int):  # of a list of a certain length
            place = place[:-1]
        faults.setdefault(place, []).append(each)
    # Where several types are possible, or a list has too few valid values, the fault inside is the clearer one.
    places = [one for one in faults if not any(other[: len(one)] == one != other for other in faults)]
    first = min(places, key=lambda place: faults[place][0]["type"] != "extra_forbidden")
    more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
    return f"{'.'.join(map(str, first))}{': ' if first else ''}{in_words(faults[first], first, kind)}{more}"


def in_words(faults: list[ErrorDetails], place: Place, kind: type[BaseModel]) -> str:
    """State what is wrong at one place: of several faults there, what is possible in its place."""
    faults = [one for one in faults if one["type"] not in LENGTHS] or faults
    fault = faults[0]
    kind_of_fault, value, limits = fault["type"], fault["input"], numbers_as_written(fault.get("ctx", {}))
    got = f"got {in_yaml(value):.{VALUE_SHOWN}}"
    if kind_of_fault == "extra_forbidden":
        return f"unknown field, {got}; {nearest(str(place[-1]), fields_at(place[:-1], kind))}"
    if kind_of_fault == "missing":
        length = max((one["loc"][-1] + 1 for one in faults if isinstance(one["loc"][-1], int)), default=None)
        return "is missing" if length is None else f"must have {length} values, {got}"
    if kind_of_fault == "value_error" and isinstance(value, Mapping):
        return own_words(fault)  # our checks of several fields together name the values themselves
    if kind_of_fault in LENGTHS:
        return f"{LENGTHS[kind_of_fault].format(**limits)}, {got}"
    forms = dict.fromkeys(form_of(one, place, kind) for one in faults)
    if all(forms):
        return f"{'as a key it ' if fault['loc'][-1:] == ('[key]',) else ''}must be {' or '.join(forms)}, {got}"
    words = own_words(fault)
    return words if isinstance(value, str) and value and value in words else f"{words}, {got}"


def form_of(fault: ErrorDetails, place: Place, kind: type[BaseModel]) -> str:
    """State what a value must be; "" where this is not known in YAML's words."""
    if fault["type"] in ("model_type", "model_attributes_type"):
        required = [name for name, field in fields_at(place, kind).items() if field.is_required()]
        return f"a mapping with {conjoin(required)}"
    if fault["type"] == "string_type":
        value = fault["input"]
        return "a text" if value is None or isinstance(value, list | Mapping) else f'a text, as "{in_yaml(value)}"'
    return FORMS.get(fault["type"], "").format(**numbers_as_written(fault.get("ctx", {})))


def own_words(fault: ErrorDetails) -> str:
    """Give the message of a check of ours, or of a name; of any other, pydantic's."""
    if fault["type"] == "string_pattern_mismatch" and fault.get("ctx", {}).get("pattern") == f"^{NAME}$":
        return NAMES
    return fault["msg"].removeprefix("Value error, ")


def numbers_as_written(limits: Mapping[str, Any]) -> dict[str, Any]:
    return {name: f"{value:g}" if isinstance(value, float) else value for name, value in limits.items()}


def place_of(location: Place, content: Any, kind: type[BaseModel]) -> Place:
    """Keep what a file has of pydantic's location: neither the types that were tried, nor a list that is implied."""
    place: list[str | int] = []
    model: type[BaseModel] | None = kind
    for part in location:
        is_field = model is not None and part in model.model_fields
        is_there = isinstance(content, Mapping) and part in content
        is_item = isinstance(part, int) and not isinstance(content, str)
        if not (is_field or is_there or is_item):
            continue
        place.append(part)
        model = model_in([model.model_fields[part].annotation]) if is_field else model  # type: ignore[union-attr,index]
        content = item_of(content, part)
    return tuple(place)


def item_of(content: Any, part: str | int) -> Any:
    try:
        return content[part]
    except (LookupError, TypeError):
        return None


def fields_at(place: Place, kind: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """Give the fields of the model at a place of a file."""
    for part in place:
        if isinstance(part, str):
            kind = model_in([kind.model_fields[part].annotation]) or kind
    return kind.model_fields


def model_in(annotations: Iterable[Any]) -> type[BaseModel] | None:
    """Find the first model in annotations, such as the model of a list's items."""
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return annotation
        if inner := model_in(get_args(annotation)):
            return inner
    return None


def in_yaml(value: Any) -> str:
    """Write a value in a line as YAML has it: null, true, a text in quotes."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{in_yaml(key)}: {in_yaml(one)}' for key, one in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(in_yaml, value))}]"
    if isinstance(value, float) and not isfinite(value):
        return f"{value:+}".replace("inf", ".inf").removeprefix("+") if isinf(value) else ".nan"
    return repr(value) if isinstance(value, str) else str(value)
