"""Errors that name what to install."""

import ast
import tomllib
from pathlib import Path

from robustbench_seg.errors import MachineError, missing_extra

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "robustbench_seg").rglob("*.py"))
NAME = "robustbench-seg["  # to pip a package of an index, where this project has none


def test_an_extra_is_installed_from_the_checkout() -> None:
    error = missing_extra("--engine ray needs Ray", "ray")
    assert isinstance(error, MachineError)
    assert str(error) == "--engine ray needs Ray: pip install '.[ray]' in the checkout of robustbench-seg"


def test_the_extras_that_errors_name_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    calls = [
        node.args[1]
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == missing_extra.__name__
    ]
    named = {argument.value for argument in calls if isinstance(argument, ast.Constant)}
    assert named == extras.keys() - {"test"}


def test_no_advice_names_a_package_of_an_index() -> None:
    pages = [*SOURCES, *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    lines = [(path.name, line.strip()) for path in pages for line in path.read_text("utf-8").splitlines()]
    assert [(name, line) for name, line in lines if NAME in line and not line.startswith("#")] == []
