"""The command `train`: train a model from a recipe."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import UsageError
from .options import Data, Device, data_folders, pairs_of
from .terminal import console, say

__all__ = ["train"]


def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A shipped recipe (see `list recipes`) or a YAML file.")
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder of checkpoints and weights; a run that was stopped resumes there.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a field of the recipe, such as dataset.split=fit."),
    ] = None,
    data: Data = None,
    device: Device = "cpu",
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that load images; by default one per four cores, at most 4.")
    ] = None,
) -> None:
    """Train a model; OUT/weights.safetensors is the result, in half precision."""
    from ..environment import available_cores
    from ..measure.devices import find_device
    from ..training.recipe import read_recipe
    from .train_progress import train_with_progress

    folders = data_folders(data)
    path = train_with_progress(
        console,
        read_recipe(
            recipe, {place: yaml_value(text) for place, text in pairs_of("--set", changes, "KEY=VALUE").items()}
        ),
        folders,
        out,
        find_device(device),
        min(4, available_cores() // 4) if workers is None else workers,
    )
    if path is not None:
        say(f"wrote {path}")


def yaml_value(text: str) -> Any:
    """Read a value as in a recipe's YAML. Raises UsageError."""
    import yaml

    from ..yaml_files import parse_yaml

    try:
        return parse_yaml(text)
    except yaml.YAMLError:
        raise UsageError(f"--set takes a value in YAML, got {text!r}") from None
