"""`train`: a recipe."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import UsageError
from .options import Data, Device, Workers, data_folders, default_workers, named
from .terminal import console, say

__all__ = ["train"]


def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A shipped recipe (see `list recipes`) or a YAML file.")
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder of checkpoints and weights; a run that was stopped goes on there.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a field of the recipe, such as dataset.split=fit."),
    ] = None,
    data: Data = None,
    device: Device = "cpu",
    workers: Workers = None,
) -> None:
    """Train a model; OUT/weights.safetensors is the result, in half precision."""
    from ..planning import find_device
    from ..training.recipe import read_recipe
    from .train_progress import train_with_progress

    folders = data_folders(data)
    path = train_with_progress(
        console,
        read_recipe(recipe, {place: yaml_value(text) for place, text in named("--set", changes, "KEY=VALUE").items()}),
        folders,
        out,
        find_device(device),
        default_workers(device) if workers is None else workers,
    )
    if path is not None:
        say(f"wrote {path}")


def yaml_value(text: str) -> Any:
    """Read a value as a recipe's YAML would."""
    import yaml

    from ..validation import parse_yaml

    try:
        return parse_yaml(text)
    except yaml.YAMLError:
        raise UsageError(f"--set takes a value in YAML, got {text!r}") from None
