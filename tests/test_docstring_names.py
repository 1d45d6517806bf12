"""Names that docstrings state as `module.name` or `Class.name`: what they refer to is there."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = {
    path.relative_to(ROOT).with_suffix("").as_posix().removesuffix("/__init__").replace("/", "."): path
    for package in ("segformer", "robustbench_seg")
    for path in sorted((ROOT / package).rglob("*.py"))
}
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in SOURCES.items()}


def bound(body: list[ast.stmt]) -> set[str]:
    """List what the statements of a module or a class define, and what their functions give `self`."""
    names = set()
    for node in (each for statement in body for each in ast.walk(statement)):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.alias(asname=str(name)):
                names.add(name)
            case ast.alias(name=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                names.add(name)
    return names


MODULES: dict[str, set[str]] = defaultdict(set)
CLASSES: dict[str, set[str]] = defaultdict(set)  # of a name that several classes have, what any of them has
BASES: dict[str, set[str]] = defaultdict(set)
for module, tree in TREES.items():
    MODULES[module] |= bound(tree.body)
    package, _, own_name = module.rpartition(".")
    MODULES[package].add(own_name)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            CLASSES[node.name] |= bound(node.body)
            BASES[node.name] |= {ast.unparse(base) for base in node.bases}


def members(name: str) -> set[str]:
    """List what a class has, of its own and of its bases."""
    line = [name]
    for each in line:
        line += sorted(BASES[each] - {*line})
    return set().union(*(CLASSES[each] for each in line))


def unknown(tree: ast.Module) -> Iterator[str]:
    """Yield the names whose module or class is ours and lacks them. A value of the file's own has no module."""
    own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)} | bound(tree.body)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    texts = [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, documented)]
    for dotted in re.findall(r"`([A-Za-z_][\w.]*\.\w+)`", "\n".join(texts)):
        owner, _, name = dotted.rpartition(".")
        homes = [members(owner)] if owner in CLASSES else []
        if owner.partition(".")[0] not in own and name != "py":
            homes += [names for module, names in MODULES.items() if f".{module}".endswith(f".{owner}")]
        if homes and not any(name in names for names in homes):
            yield dotted


def test_each_name_in_a_docstring_is_there() -> None:
    assert {module: found for module, tree in TREES.items() if (found := list(unknown(tree)))} == {}


def test_a_name_that_is_gone_is_seen() -> None:
    gone = ["wording.shown", "Source.text", "engines.ENGINES"]
    here = ["wording.quote", "Source.parse", "store.claims", "np.sum", "registry.py"]
    text = " ".join(f"`{name}`" for name in [*gone, *here])
    assert list(unknown(ast.parse(f'"""{text}"""'))) == gone
