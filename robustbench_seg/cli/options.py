"""Options that several commands share, and the reading of values that have several parts."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from ..files import expanded

__all__ = [
    "Data",
    "Device",
    "Limit",
    "Plugins",
    "Weights",
    "Workers",
    "data_folders",
    "named",
    "weights_given",
    "words",
]

Data = Annotated[list[str] | None, typer.Option(metavar="NAME=PATH", help="Folder of a dataset; repeatable.")]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=PATH", help="Weights of a model (a name of `list models`, alone or with -SUFFIX); repeatable."
    ),
]
Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")]
Workers = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Processes that load images; by default one per four cores on a CPU, per two with a GPU, at most 8. "
        "They change no number.",
    ),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE.py",
        help="Python file that is imported first: its decorators register what is your own; repeatable.",
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Use only so many images, evenly spaced.")]


def data_folders(data: list[str] | None) -> dict[str, Path]:
    """Read --data: the folders of data sets by name."""
    return {name: Path(expanded(path)) for name, path in named("--data", data).items()}


def weights_given(weights: list[str] | None) -> dict[str, str]:
    """Read --weights: paths, or words in the place of a path, by model name."""
    return {name: expanded(path) for name, path in named("--weights", weights).items()}


def named(option: str, values: list[str] | None, form: str = "NAME=PATH") -> dict[str, str]:
    """Read the values of a repeatable option that have two parts, such as NAME=PATH."""
    pairs = {}
    for value in values or ():
        name, equals, path = value.partition("=")
        if not (name and equals and path):
            raise UsageError(f"{option} takes {form}, got {value!r}")
        if name in pairs:
            raise UsageError(f"{option} {name} is given twice")
        pairs[name] = path
    return pairs


def words(option: str, values: list[str] | None) -> list[str]:
    """Read the values of a repeatable option whose values may also be separated by commas or spaces."""
    found = []
    for value in values or ():
        if not (several := value.replace(",", " ").split()):
            raise UsageError(f"{option} is given but names nothing, got {value!r}")
        found += several
    return found
