"""What a user states of a model, after a source or in a suite: how its options are read, and what they change."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

from ..errors import UsageError
from ..files import expanded
from ..yaml_files import parse_yaml
from .preprocessing import Preprocessing

__all__ = ["NOTHING_STATED", "STATED", "ModelOptions"]

STATED = "as stated"


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """What a user states of a model; it beats what its files state. None and "" stand for what is not stated.

    mean, std, channels, rescale: as in `Preprocessing`. pad_to: sides are padded to a multiple of it. size: the one
    (height, width) that the network takes. names: of the logits. table: a shipped map of classes, or model classes to
    classes of the data set. licence: of the weights. version: in the place of what no hash covers, such as a file that
    a user's code reads. native: a SegFormer goes through our own network, not its library's.
    """

    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    channels: Literal["RGB", "BGR"] | None = None
    rescale: float | None = None
    pad_to: int | None = None
    size: tuple[int, int] | None = None
    names: tuple[str, ...] = ()
    table: str | Mapping[str, str | None] | None = None
    licence: str = ""
    version: str = ""
    native: bool = True

    @classmethod
    def parse(cls, given: Mapping[str, Any], folder: Path = Path()) -> Self:
        """Read options as they stand after a source or in a suite. folder: from which the path of a table starts.

        Raises UsageError for an unknown option and for a value that is not allowed.
        """
        if unknown := sorted(given.keys() - READERS.keys()):
            raise UsageError(f"unknown option {unknown[0]!r} of a model; known: {', '.join(READERS)}")
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name == "classes":
                values |= class_table(value, folder)
                continue
            try:
                values[name] = READERS[name](value)
            except (ValueError, TypeError, ZeroDivisionError):
                raise UsageError(f"option {name} of a model must be {FORMS[name]}, got {value!r:.60}") from None
        return cls(**values)

    def apply(self, of_files: Preprocessing) -> Preprocessing:
        """Put what is stated of the input in the place of what was found. Raises UsageError for what can't be."""
        stated: dict[str, Any] = {"mean": self.mean, "std": self.std, "order": self.channels, "rescale": self.rescale}
        stated = {name: value for name, value in stated.items() if value is not None}
        if not stated:
            return of_files
        origin = STATED if {"mean", "std"} <= stated.keys() else f"{', '.join(stated)} {STATED}"
        try:
            made = replace(of_files, **stated, origin=origin)
        except ValueError as error:
            raise UsageError(f"options of a model: {error}") from None
        small = made.rescale < 0.1
        if self.mean and small and max(map(abs, self.mean)) > 2:
            raise UsageError(
                f"option mean of a model: {self.mean} is of values 0 .. 255, but they are rescaled by "
                f"{made.rescale:g}: add rescale=1, or give the mean of values 0 .. 1"
            )
        if self.mean and not small and self.rescale is None and 0 < max(map(abs, self.mean)) <= 2:
            raise UsageError(
                f"option mean of a model: {self.mean} is of values 0 .. 1, but its files rescale values 0 .. 255 by "
                f"{made.rescale:g}: add rescale=1/255, or give the mean of values 0 .. 255"
            )
        # Mean and std of what was found belong to its scale: with values 0 .. 255, 0.485 would subtract nearly nothing.
        names = [name for name in ("mean", "std") if name not in stated]
        if names and (of_files.rescale < 0.1) != small and any(of_files.mean):
            scale, other = ("makes values 0 .. 1", "0 .. 255") if small else ("leaves values 0 .. 255", "0 .. 1")
            raise UsageError(
                f"option rescale of a model: {made.rescale:g} {scale}, but its {' and '.join(names)} "
                f"{getattr(made, names[0])} would be of values {other}: state mean and std, too"
            )
        return made


NOTHING_STATED = ModelOptions()


def numbers(value: Any, least: float = -math.inf) -> tuple[float, ...]:
    """Read one number for all channels, or three, separated by commas in a text."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
    result = tuple(map(number, parts)) * (3 if len(parts) == 1 else 1)
    if len(result) != 3 or min(result) <= least:
        raise ValueError
    return result


def number(value: Any) -> float:
    """Read a finite number, or a fraction such as 1/255."""
    over, _, under = str(value).partition("/")
    result = float(over) / float(under or 1)
    if isinstance(value, bool) or not math.isfinite(result):
        raise ValueError
    return result


def positive(value: Any) -> float:
    if (result := number(value)) <= 0:
        raise ValueError
    return result


def side(value: Any) -> int:
    result = int(str(value))
    if not 1 <= result <= 1 << 16:
        raise ValueError
    return result


def sides(value: Any) -> tuple[int, int]:
    height, width = str(value).lower().split("x") if isinstance(value, str) else value
    return side(height), side(width)


def choice(value: Any, allowed: Mapping[str, Any]) -> Any:
    try:
        return allowed[str(value).lower()]
    except KeyError:
        raise ValueError from None


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError
    return value


def class_table(value: Any, folder: Path) -> dict[str, Any]:
    """Read the option classes: names in the order of the logits, or model classes to classes of the data set.

    value: such a list or mapping, the name of a shipped map, or the path of a file: YAML or JSON, or a name a line.
    """
    if isinstance(value, str):
        path = Path(expanded(value)) if Path(expanded(value)).is_absolute() else folder / expanded(value)
        if not path.is_file():
            if path.suffix or "/" in value:
                raise UsageError(f"option classes of a model: {path}: no such file")
            return {"table": value}  # `alignment` has the shipped maps
        value = lines_or_yaml(path)
    if isinstance(value, dict) and all(isinstance(key, int) or str(key).isdigit() for key in value):
        ordered = {int(key): name for key, name in value.items()}
        value = [ordered.get(k) for k in range(len(value))]
    if isinstance(value, list) and value and all(isinstance(name, str) and name.strip() for name in value):
        return {"names": tuple(name.strip() for name in value)}
    if isinstance(value, dict) and value and all(name is None or isinstance(name, str) for name in value.values()):
        return {"table": {str(key): name for key, name in value.items()}}
    raise UsageError(f"option classes of a model must be {FORMS['classes']}, got {value!r:.60}")


def lines_or_yaml(path: Path) -> Any:
    try:
        content = path.read_text(encoding="utf-8-sig")
        if path.suffix in (".json", ".yaml", ".yml"):
            return parse_yaml(content)
    except Exception as error:  # of the file system, of UTF-8, of YAML
        raise UsageError(f"{path}: not readable as a table of classes ({' '.join(str(error).split())})") from None
    return [line.strip() for line in content.splitlines() if line.strip()]


READERS: dict[str, Callable[[Any], Any]] = {
    "mean": numbers,
    "std": partial(numbers, least=0),
    "channels": partial(choice, allowed={"rgb": "RGB", "bgr": "BGR"}),
    "rescale": positive,
    "pad_to": side,
    "size": sides,
    "classes": text,
    "licence": text,
    "version": text,
    "native": partial(choice, allowed={"true": True, "false": False}),
}
FORMS = {
    "mean": "one number or three, such as 0.485,0.456,0.406",
    "std": "one number or three, more than 0, such as 0.229,0.224,0.225",
    "channels": "rgb or bgr",
    "rescale": "a number more than 0, such as 1/255",
    "pad_to": "a number of pixels, such as 32",
    "size": "HEIGHTxWIDTH, such as 512x1024",
    "classes": "a file of names or of a table, a list of names in the order of the logits, or a shipped map",
    "licence": "a line of text",
    "version": "a line of text, another after each change of what no hash covers",
    "native": "true or false",
}
assert {field.name for field in fields(ModelOptions)} - READERS.keys() == {"names", "table"}
