"""What there is of each kind, as tables for the terminal."""

from collections.abc import Callable

import yaml
from rich.table import Table

from .corruptions import CATEGORIES
from .datasets import DATASETS
from .models import BUILTIN_WEIGHTS, MODELS
from .protocols import PROTOCOLS
from .validation import shipped

__all__ = ["listing"]


def models() -> Table:
    table = Table("model", "weights")
    for name in MODELS:
        builtin = [word for word in BUILTIN_WEIGHTS if name in str(BUILTIN_WEIGHTS[word].name)]
        table.add_row(name, "none needed" if name == "constant" else ", ".join(["--weights NAME=PATH", *builtin]))
    return table


def datasets() -> Table:
    table = Table("dataset", "what it is", "needs")
    for name, (_, _, needs_root, text) in DATASETS.items():
        table.add_row(name, text, f"--data {name}=PATH" if needs_root else "nothing")
    return table


def corruptions() -> Table:
    table = Table("category", "corruption", "in protocols")
    for category, names in CATEGORIES.items():
        for name in names:
            table.add_row(category, name, " ".join(p for p, conditions in PROTOCOLS.items() if name in conditions))
    return table


def protocols() -> Table:
    table = Table("protocol", "corruptions", "conditions")
    for name, conditions in PROTOCOLS.items():
        table.add_row(name, str(len(conditions)), str(sum(len(severities) for severities in conditions.values())))
    return table


def suites() -> Table:
    table = Table("suite", "what it measures")
    for name, path in shipped("robustbench_seg.suites").items():
        table.add_row(name, yaml.safe_load(path.read_text("utf-8"))["description"])
    return table


def recipes() -> Table:
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


def listing(kind: str) -> Table:
    """Make the table of one kind, a key of KINDS."""
    return KINDS[kind]()
