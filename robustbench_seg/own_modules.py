"""Find the modules of a user's own code: the module that defines it, and what that imports, without running any.

The standard library, installed packages and this program are no part of it, because they have versions.
"""

import ast
import importlib.util
import sys
from functools import cache
from importlib.machinery import ModuleSpec, all_suffixes
from pathlib import Path

__all__ = ["INSTALLED", "OURS", "file_of", "own_modules"]

OURS = ("robustbench_seg", "segformer")
INSTALLED = {"site-packages", "dist-packages"}  # folders of packages that pip and the system install


def own_modules(module: str) -> dict[str, Path]:
    """Find a module and all the user's own modules that it imports, directly or indirectly, with their files."""
    files: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if package := name.rpartition(".")[0]:
            waiting.append(package)  # Python runs a package before its modules
        path = file_of(name)
        if path is None or name in files or not (name == module or is_own(name, path, module)):
            continue
        files[name] = path
        waiting += imports_of(name, path)
    return files


def is_own(name: str, path: Path, start: str) -> bool:
    """Whether a module that `start` imports is the user's own, or in the same package as `start`."""
    top = name.partition(".")[0]
    if top in OURS:  # a user may put files into our packages: only modules of the same folder count
        return name.rpartition(".")[0] == start.rpartition(".")[0] != ""
    if top in sys.stdlib_module_names:
        return False
    return top == start.partition(".")[0] or INSTALLED.isdisjoint(path.parts)


def imports_of(name: str, path: Path) -> tuple[str, ...]:
    """List the names in all import statements of a Python file: modules, and members that may be modules."""
    inside = name if path.stem == "__init__" else name.rpartition(".")[0]
    inside = getattr(sys.modules.get(name), "__package__", None) or inside
    try:
        status = path.stat()
    except OSError:
        return ()
    return imports_in(path, inside, (status.st_mtime_ns, status.st_size))


@cache
def imports_in(path: Path, inside: str, stamp: tuple[int, int]) -> tuple[str, ...]:
    """Read the import statements of a file in a package, once for each time and size (stamp) that it has."""
    try:
        tree = ast.parse(path.read_bytes()) if path.suffix == ".py" else None
    except (OSError, SyntaxError, ValueError):
        return ()
    names: dict[str, None] = {}
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            names |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = inside.split(".")[: len(inside.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names |= dict.fromkeys((base, *(f"{base}.{alias.name}" for alias in node.names)))
    return tuple(names)


def file_of(name: str) -> Path | None:
    """Find a module's file without running it; None for a module without a file, or an unknown name."""
    package, _, last = name.rpartition(".")
    if name in sys.modules:
        paths = [getattr(sys.modules[name], "__file__", None) or ""]
    elif package:
        ends = [end for suffix in all_suffixes() for end in (f"{last}/__init__{suffix}", f"{last}{suffix}")]
        paths = [f"{folder}/{end}" for folder in folders_of(package) for end in ends]
    else:
        spec = spec_of(name)
        paths = [spec.origin or ""] if spec and spec.has_location else []
    return next((Path(path) for path in paths if path and Path(path).is_file()), None)


def folders_of(package: str) -> list[str]:
    """List the folders with the modules of a package; none for a plain module."""
    above, _, last = package.rpartition(".")
    if package in sys.modules:
        return list(getattr(sys.modules[package], "__path__", ()))
    if above:
        return [str(place) for folder in folders_of(above) if (place := Path(folder, last)).is_dir()]
    spec = spec_of(package)
    return list(spec.submodule_search_locations or ()) if spec else []


def spec_of(name: str) -> ModuleSpec | None:
    """Find a module that is in no package."""
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
