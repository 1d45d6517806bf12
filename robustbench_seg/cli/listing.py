"""`list`: the members of each family."""

from collections.abc import Callable
from typing import Annotated, Literal

import typer
from rich.table import Table

from .terminal import console

__all__ = ["list_kind"]


def models() -> Table:
    from ..models import MODELS

    table = Table("model", "weights")
    for name, model in MODELS.items():
        weights = f"--model {model.form}" if model.form else ", ".join(["--weights NAME=PATH", *model.builtin])
        table.add_row(name, weights if model.needs_weights else "none needed")
    return table


def datasets() -> Table:
    from ..datasets import DATASETS

    table = Table("dataset", "what it is", "needs")
    for name, entry in DATASETS.items():
        table.add_row(name, entry.description, f"--data {name}=PATH" if entry.needs_folder else "nothing")
    return table


def corruptions() -> Table:
    from ..corruptions import CATEGORIES, CORRUPTIONS
    from ..protocols import PROTOCOLS

    table = Table("category", "corruption", "draws", "in protocols")
    for category in dict.fromkeys([*CATEGORIES, *(entry.category for entry in CORRUPTIONS.values())]):
        for name in (name for name, entry in CORRUPTIONS.items() if entry.category == category):
            of = " ".join(protocol for protocol, conditions in PROTOCOLS.items() if name in conditions)
            table.add_row(category, name, "yes" if CORRUPTIONS[name].draws else "no", of)
    return table


def protocols() -> Table:
    from ..protocols import PROTOCOLS

    table = Table("protocol", "corruptions", "conditions")
    for name, conditions in PROTOCOLS.items():
        table.add_row(name, str(len(conditions)), str(sum(len(severities) for severities in conditions.values())))
    return table


def suites() -> Table:
    import yaml

    from ..yaml_files import shipped

    table = Table("suite", "what it measures")
    for name, path in shipped("robustbench_seg.suites").items():
        table.add_row(name, yaml.safe_load(path.read_text("utf-8"))["description"])
    return table


def recipes() -> Table:
    import yaml

    from ..yaml_files import shipped

    table = Table("recipe", "model", "dataset", "iterations")
    for name, path in shipped("robustbench_seg.training.recipes").items():
        content = yaml.safe_load(path.read_text("utf-8"))
        table.add_row(name, content["model"], content["dataset"]["name"], str(content["iterations"]))
    return table


KINDS: dict[str, Callable[[], Table]] = {
    "models": models,
    "datasets": datasets,
    "corruptions": corruptions,
    "protocols": protocols,
    "suites": suites,
    "recipes": recipes,
}


def list_kind(
    kind: Annotated[
        Literal["models", "datasets", "corruptions", "protocols", "suites", "recipes"],
        typer.Argument(metavar="KIND"),
    ],
) -> None:
    """List what there is: models, datasets, corruptions, protocols, suites or recipes."""
    table = KINDS[kind]()
    table.box = None
    console.print(table)
