"""Hash the source of a user's own code that decides numbers, such as a corruption: after an edit, cells are new.

The hash covers the whole file that defines a function or class, so its constants and helpers too. It covers each of the
user's own modules that this file imports, and the `__init__.py` of their packages. It omits the standard library,
installed packages and this program, because they have versions. For code from an installed package that is not
editable, it covers the version of the package too. The hash can't cover a file or a setting that the code reads at run
time: the user gives a version for these.
"""

import hashlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.metadata import packages_distributions
from importlib.metadata import version as version_of
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from .errors import UsageError
from .files import digest
from .own_modules import INSTALLED, OURS, file_of, own_modules

__all__ = ["INSTALLED", "OURS", "has_source", "source_hash", "source_in_use", "why_no_source"]

SEEN: dict[str, tuple[object, str]] = {}  # of a module: the spec of its import or reload, and the hash of its file then


def source_hash(code: object, version: str = "") -> str:
    """Hash the source of a function, a class or a module (by its name), and the version that the user gave.

    Raises UsageError if there is neither a source file nor a version.
    """
    module = module_of(code)
    if module is None and not version:
        raise UsageError(
            f"{getattr(code, '__qualname__', code)} has no source file: {why_no_source(code)}; give it a version, and "
            "a new version after each edit"
        )
    return digest_of(module, {path: hash_of(path) for path in own_files(module)} if module else {}, version)


def source_in_use(code: object, version: str = "") -> str:
    """Hash as `source_hash` does, code that was imported some time ago.

    Where one of its files was edited since, another source would be hashed than what runs. This raises UsageError, too.
    With a version, the file counts as it was when it was imported, as far as this program saw it then.
    """
    module = module_of(code)
    if module is None:
        return source_hash(code, version)
    hashes = {path: imported_hash(name, path) for name, path in own_modules(module).items()}
    if not version and any(imported != hash_of(path) for path, imported in hashes.items()):
        where = getattr(code, "__qualname__", code)
        raise UsageError(f"{where}: its source was edited while it was in use; start Python again")
    return digest_of(module, hashes, version)


def digest_of(module: str | None, hashes: Mapping[Path, str], version: str) -> str:
    files = sorted([path.name, content] for path, content in hashes.items())
    return digest([version, files, *(installed_versions(module) if module else [])])


def own_files(module: str) -> set[Path]:
    """Find the files of a module, and of all the user's own modules that it imports."""
    return set(own_modules(module).values())


def imported_hash(name: str, path: Path) -> str:
    """Hash a module's file as it was when the module was imported; "" if it is another one now, as far as that shows.

    It shows in functions that are not in the file, and in a file that has changed since this was last asked.
    """
    module, present = sys.modules.get(name), hash_of(path)
    if module is None or name.partition(".")[0] in OURS or not INSTALLED.isdisjoint(path.parts):
        return present
    imported, before = SEEN.get(name, (None, ""))
    spec = getattr(module, "__spec__", None)
    if before and imported is spec:
        return before
    if runs_other_code(module, path):
        return ""
    SEEN[name] = spec, present
    return present


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
    if not is_named(code, name, place) and (not is_running(name) or "<" in place):
        return None
    return None if was_typed(code) else name


def is_named(code: object, module: str, place: str) -> bool:
    """Whether a module has the code in its place, there itself or inside of what decorators made of it."""
    definition: object = sys.modules.get(module)
    for part in place.split("."):
        definition = getattr(definition, part, None)
    definition = getattr(definition, "__func__", definition)
    while definition is not code and hasattr(definition, "__wrapped__"):
        definition = definition.__wrapped__
    return definition is code


def was_typed(code: object) -> bool:
    """Whether a function is in no file: code typed after `python -i FILE` belongs to the module of FILE."""
    inner = inspect.unwrap(code) if callable(code) else code
    return hasattr(inner, "__code__") and not Path(inner.__code__.co_filename).is_file()


def why_no_source(code: object) -> str:
    """State why `has_source` is false, for a message."""
    name, place = getattr(code, "__module__", None), getattr(code, "__qualname__", None)
    typed_in = getattr(getattr(code, "__code__", None), "co_filename", "")
    if isinstance(code, str):
        why = "there is no file of a module of that name"
    elif not isinstance(place, str):
        why = f"it is neither a function nor a class, but {type(code).__name__}"
    elif "<lambda>" in place:
        why = "it is a lambda, which has no name to find it by"
    elif "<locals>" in place:
        why = "it was made inside another function, where no name finds it"
    elif typed_in.startswith("<eval_with_key>"):  # as torch.fx names its texts
        why = "it was traced"
    elif isinstance(name, str) and file_of(name) and not was_typed(code):
        why = f"{name} has something else under that name"
    else:
        typed = was_typed(code) or isinstance(code, type)
        why = "it was typed into a shell or a notebook" if typed else "it is not written in Python"
    return why


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


def hash_of(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
