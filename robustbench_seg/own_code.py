"""Hash the source of a user's own code that decides numbers, such as a corruption: after an edit, cells are new.

The hash covers the whole file that defines a function or class, so its constants and helpers too. It covers each of the
user's own modules that this file imports, and the `__init__.py` of their packages. It omits the standard library,
installed packages and this program, because they have versions. For code from an installed package that is not
editable, it covers the version of the package too. The hash can't cover a file or a setting that the code reads at run
time: the user gives a version for these.
"""

import ast
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import ModuleSpec, SourceFileLoader, all_suffixes
from importlib.metadata import packages_distributions
from importlib.metadata import version as version_of
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from .errors import UsageError
from .files import digest

__all__ = ["has_source", "source_hash", "source_in_use"]

OURS = ("robustbench_seg", "segformer")
INSTALLED = {"site-packages", "dist-packages"}  # folders of packages that pip and the system install
SEEN: dict[str, tuple[object, str]] = {}  # of a module: the spec of its import or reload, and the hash of its file then


def source_hash(code: object, version: str = "") -> str:
    """Hash the source of a function, a class or a module (by its name), and the version that the user gave.

    Raises UsageError if there is neither a source file nor a version.
    """
    module = module_of(code)
    if module is None and not version:
        raise UsageError(
            f"{getattr(code, '__qualname__', code)} has no source file: its module defines something else under that "
            "name, or it was typed into a shell or a notebook; give it a version, and a new version after each edit"
        )
    files = sorted([path.name, hash_of(path)] for path in own_files(module)) if module else []
    return digest([version, files, *(installed_versions(module) if module else [])])


def source_in_use(code: object, version: str = "") -> str:
    """Hash as `source_hash` does, code that was imported some time ago.

    Raises UsageError, too, if one of its files was edited since: then another source would be hashed than what runs.
    """
    source = source_hash(code, version)
    module = module_of(code)
    for name, path in own_modules(module).items() if module else ():
        if was_edited(name, path):
            where = getattr(code, "__qualname__", code)
            raise UsageError(f"{where}: its source was edited while it was in use; start Python again")
    return source


def was_edited(name: str, path: Path) -> bool:
    """Whether a file is another one than its module was imported from, as far as that shows.

    It shows in functions that are not in the file, and in a file that has changed since this was last asked.
    """
    module = sys.modules.get(name)
    if module is None or name.partition(".")[0] in OURS or not INSTALLED.isdisjoint(path.parts):
        return False
    present = hash_of(path)
    imported, before = SEEN.get(name, (None, ""))
    spec = getattr(module, "__spec__", None)
    if before and imported is spec:
        return before != present
    if runs_other_code(module, path):
        return True
    SEEN[name] = spec, present
    return False


def runs_other_code(module: ModuleType, path: Path) -> bool:
    """Whether a function or method of a module is not in its file."""
    if type(getattr(module, "__loader__", None)) is not SourceFileLoader:  # others may rewrite what they load
        return False
    try:
        there = set(codes_in(compile(path.read_bytes(), str(path), "exec", dont_inherit=True)))
    except (SyntaxError, ValueError):
        return True
    own = [one for one in vars(module).values() if getattr(one, "__module__", None) == module.__name__]
    parts = [*own, *(part for one in own if isinstance(one, type) for part in vars(one).values())]
    inner = [inspect.unwrap(part) for part in parts if isinstance(part, FunctionType)]
    running = [one.__code__ for one in inner if isinstance(one, FunctionType)]
    return any(code not in there for code in running if Path(code.co_filename) == Path(path))


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """Yield a compiled text and all functions and classes in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)


def has_source(code: object) -> bool:
    """Whether another process can import the code from a file."""
    return module_of(code) is not None


def module_of(code: object) -> str | None:
    """Return the name of the module that defines the code in a file, at its top level.

    None for a closure, a partial, and code from a shell.
    """
    if isinstance(code, str):
        return code if file_of(code) else None
    name, place = getattr(code, "__module__", None), getattr(code, "__qualname__", None)
    if not (isinstance(name, str) and isinstance(place, str) and file_of(name)):
        return None
    definition: object = sys.modules.get(name)
    for part in place.split("."):
        definition = getattr(definition, part, None)
    if definition is not code and (not is_running(name) or "<" in place):
        return None
    inner = inspect.unwrap(code) if callable(code) else code
    # Code that is typed after `python -i FILE` belongs to the module of FILE, but is not in the file.
    typed = hasattr(inner, "__code__") and not Path(inner.__code__.co_filename).is_file()
    return None if typed else name


def is_running(module: str) -> bool:
    """Whether a module's file is running: a decorator gets a function before the module has the function's name."""
    frame, names = inspect.currentframe(), getattr(sys.modules.get(module), "__dict__", None)
    while frame and not (frame.f_code.co_name == "<module>" and frame.f_globals is names):
        frame = frame.f_back
    return frame is not None


def installed_versions(module: str) -> list[list[str]]:
    """List the installed packages of a module with their versions; none for a user's own module, or ours."""
    path, top = file_of(module), module.partition(".")[0]
    if path is None or top in OURS or INSTALLED.isdisjoint(path.parts):
        return []
    folders = [Path(folder or ".") for folder in sys.path]
    packages = packages_on(tuple((str(folder), folder.stat().st_mtime_ns) for folder in folders if folder.exists()))
    return sorted([name, version_of(name)] for name in set(packages.get(top, ())))


@cache
def packages_on(path: tuple[tuple[str, int], ...]) -> Mapping[str, list[str]]:
    """List the installed packages that each top-level name comes from; this reads the lists of all their files.

    path: the folders of the search path, with their modification times, which change with each installation.
    """
    return packages_distributions()


def own_files(module: str) -> set[Path]:
    """Find the files of `own_modules`."""
    return set(own_modules(module).values())


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


def imports_of(name: str, path: Path) -> Iterator[str]:
    """Yield the names in all import statements of a Python file: modules, and members that may be modules."""
    try:
        tree = ast.parse(path.read_bytes()) if path.suffix == ".py" else None
    except (OSError, SyntaxError, ValueError):
        return
    inside = name if path.stem == "__init__" else name.rpartition(".")[0]
    inside = getattr(sys.modules.get(name), "__package__", None) or inside
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = inside.split(".")[: len(inside.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))


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


def hash_of(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
