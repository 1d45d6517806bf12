"""Write docs/api.md from signatures and docstrings: python docs/make_api.py

The sources are parsed, so signatures read as they are written there, on every version of Python.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).with_name("api.md")
Definition = ast.FunctionDef | ast.ClassDef
PACKAGES = {
    "robustbench_seg": "`import robustbench_seg as rb`. See [python.md](python.md) and [extending.md](extending.md).",
    "robustbench_seg.errors": "Every error that a user can cause; the command line prints it and exits with status 2.",
    "segformer": "The network alone. How it works: [model.md](model.md), [checkpoints.md](checkpoints.md).",
}
WIDTH = 100


def page() -> str:
    """Return the page: a section per package, an entry per public name."""
    lines = [
        "# API",
        "",
        "The public names of both packages. Made by `python docs/make_api.py` from the docstrings; a test compares.",
    ]
    for name, about in PACKAGES.items():
        module = import_module(name)
        lines += ["", f"## {name}", "", about]
        for public in module.__all__:
            lines += entry(module, public)
    return "\n".join(lines) + "\n"


def entry(module: ModuleType, name: str) -> Iterator[str]:
    """Write a function, or a class with its public methods; a plain value has a line."""
    value = getattr(module, name)
    if not (inspect.isfunction(value) or inspect.isclass(value)):
        if name == "__version__":
            return
        yield from ("", f"### {name}", "", f"A value: {listing(value)}.")
        return
    node = definition(value)
    yield from ("", f"### {name}", "", *described(node, value.__name__))
    if isinstance(node, ast.ClassDef):
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and not method.name.startswith("_") and ast.get_docstring(method):
                yield from ("", f"#### {name}.{method.name}", "", *described(method, f"{name}.{method.name}"))


def listing(value: Any) -> str:
    return f"a dictionary of {', '.join(f'`{key}`' for key in value)}" if isinstance(value, dict) else f"`{value!r}`"


def definition(value: Any) -> Definition:
    """Find where a function or a class is defined."""
    tree = ast.parse(Path(inspect.getfile(value)).read_text(encoding="utf-8"))
    (node,) = (
        node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == value.__name__
    )
    return node


def described(node: Definition, name: str) -> Iterator[str]:
    """Write the signature and the docstring."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(map(source, node.bases))
        yield from ("```python", f"class {name}({bases}):" if bases else f"class {name}:", *fields(node))
    elif any(isinstance(each, ast.Name) and each.id in {"property", "cached_property"} for each in node.decorator_list):
        yield from ("```python", f"{name}: {returned(node)}")
    else:
        yield from ("```python", *signature(node, name))
    yield "```"
    if text := ast.get_docstring(node):
        yield from ("", *text.splitlines())


def fields(node: ast.ClassDef) -> Iterator[str]:
    """Write the fields of a data class, and the parameters of any other class with a constructor of its own."""
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and not source(part.target).startswith("_"):
            yield f"    {source(part)}"
        elif isinstance(part, ast.FunctionDef) and part.name == "__init__":
            yield from (f"    {line}" for line in signature(part, "__init__"))


def signature(node: ast.FunctionDef, name: str) -> Iterator[str]:
    """Write a signature in a line, or with a line per parameter where that is too long."""
    arguments = [each for each in unparsed(node.args) if each not in {"self", "cls"}]
    end = f") -> {returned(node)}"
    line = f"{name}({', '.join(arguments)}{end}"
    yield from [line] if len(line) <= WIDTH else [f"{name}(", *(f"    {each}," for each in arguments), end]


def unparsed(arguments: ast.arguments) -> Iterator[str]:
    """Yield each parameter with its annotation and default, and the marks between kinds of parameters."""
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
    for number, (each, default) in enumerate(zip(plain, [*defaults, *arguments.defaults], strict=True), 1):
        yield parameter(each, default)
        if number == len(arguments.posonlyargs):
            yield "/"
    if arguments.vararg:
        yield f"*{parameter(arguments.vararg, None)}"
    elif arguments.kwonlyargs:
        yield "*"
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield parameter(each, default)
    if arguments.kwarg:
        yield f"**{parameter(arguments.kwarg, None)}"


def parameter(argument: ast.arg, default: ast.expr | None) -> str:
    typed = f"{argument.arg}: {source(argument.annotation)}" if argument.annotation else argument.arg
    return typed if default is None else f"{typed} = {source(default)}"


def source(node: ast.AST) -> str:
    """Return the source of an expression with double quotes, as ruff formats it."""
    text = ast.unparse(node)
    return text if '"' in text else text.replace("'", '"')


def returned(node: ast.FunctionDef) -> str:
    return source(node.returns) if node.returns else "Any"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    PAGE.write_text(page(), encoding="utf-8")
