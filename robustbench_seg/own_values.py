"""Hash what a user's objects hold, so that two that differ in a setting never share an identity.

Numbers, texts, arrays and collections of them are hashed by content, functions and classes by name and source, and any
other object by its class and its state, as pickle finds it. What shows neither is refused, unless a version stands in
its place. A file that a path names is hashed by content; a folder by its name alone, so that it may be moved.
"""

import copyreg
import functools
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from types import CellType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import numpy as np

from .errors import UsageError
from .files import digest
from .own_code import has_source, installed_versions, source_in_use, why_no_source

__all__ = ["PLAIN", "Values"]

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), type(NotImplemented))
COLLECTIONS = (list, tuple, set, frozenset, dict, MappingProxyType)
EMPTY = CellType()
PICKLE = 4  # the protocol whose parts of an object are hashed


class Values:
    """Hashes values. version: in the place of what can't be read.

    libraries: those whose versions every record has. sources: hashes of the modules of code that was met.
    """

    libraries: frozenset[str] = sys.stdlib_module_names | {"builtins"}

    def __init__(self, version: str = "") -> None:
        self.version = version
        self.sources: dict[str, str] = {}
        self.names: list[str] = []  # of the attributes on the way to the present value, for messages
        self.above: list[int] = []  # the values that hold the present one
        self.done: dict[int, tuple[object, str]] = {}  # with the value, so that no other one gets its number

    def hash(self, value: object) -> str:
        """Hash a value; equal ones in any two processes alike. Raises UsageError for one that can't be read."""
        if type(value) in PLAIN:
            return repr(value)
        if id(value) in self.done:
            return self.done[id(value)][1]
        if id(value) in self.above:
            return f"the value {len(self.above) - self.above.index(id(value))} above"
        self.above.append(id(value))
        try:
            result = digest(self.parts(value))
        finally:
            self.above.pop()
        self.done[id(value)] = value, result
        return result

    def parts(self, value: Any) -> list[Any]:
        """List what tells a value from others of its type, as JSON."""
        if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
            return [str(value.dtype), list(value.shape), hashlib.sha256(value.tobytes()).hexdigest()]
        if isinstance(value, Path):
            content = hashlib.sha256(value.read_bytes()).hexdigest() if value.is_file() else ""
            return ["path", value.name, content]
        if isinstance(value, type | FunctionType | ModuleType):
            return self.code(value)
        if isinstance(value, MethodType):
            return ["method", self.hash(value.__func__), self.hash(value.__self__)]
        return self.collection(value) if type(value) in COLLECTIONS else self.state(value)

    def collection(self, value: Any) -> list[Any]:
        kind = type(value).__name__
        if isinstance(value, Mapping):
            return [kind, *([self.hash(key), self.attribute(str(key), one)] for key, one in value.items())]
        return [kind, *(sorted(map(self.hash, value)) if isinstance(value, Set) else map(self.hash, value))]

    def code(self, value: Any) -> list[Any]:
        """Name a class, a function or a module, and hash its source."""
        code, module, name = place_of(value)
        if self.is_library(module) and isinstance(value, FunctionType) and not self.is_library(home := home_of(value)):
            code, module, name = home, home, value.__code__.co_qualname  # functools.wraps gave it a library's name
        replaced = self.replaced(value) if isinstance(value, type) else []
        if self.is_library(module):  # torch makes subclasses of others' classes, too
            bases = map(self.hash, value.__bases__) if isinstance(value, type) else ()
            return ["library", module, name, *bases, *replaced]
        source = self.source(code, module, name)
        return ["code", name, source, self.bound(value) if isinstance(value, FunctionType) else [], *replaced]

    def is_library(self, module: str) -> bool:
        return module.partition(".")[0] in self.libraries

    def source(self, code: object, module: str, name: str) -> str:
        """Hash the source of code in a module; of an installed package the version is enough, and quick to find."""
        versions, readable = installed_versions(module), has_source(code)
        if not (versions or readable or self.version):
            self.refuse(f"{name or module} has no source file: {why_no_source(code)}")
        where = module if versions or readable else f"{module}:{name}"
        if where not in self.sources:
            self.sources[where] = digest([module, versions]) if versions else source_in_use(code, self.version)
        return self.sources[where]

    def bound(self, function: FunctionType) -> list[str]:
        """Hash what a function holds besides its source."""
        cells = cells_of(function)
        line = function.__code__.co_firstlineno if cells or "<" in function.__qualname__ else 0
        return [*map(self.hash, (function.__defaults__, function.__kwdefaults__, cells, line))]

    def replaced(self, kind: type) -> list[list[Any]]:
        """Hash the methods that a class got from elsewhere: its own source does not show them."""
        methods = [(name, method_of(member)) for name, member in sorted(vars(kind).items())]
        return [
            [name, self.written(method)]
            for name, method in methods
            if isinstance(method, FunctionType) and self.is_from_elsewhere(method, kind)
        ]

    def is_from_elsewhere(self, method: FunctionType, kind: type) -> bool:
        """Whether a method is a user's own and was written outside its class, as far as its decorators show it."""
        home, code = home_of(method), method.__code__
        if home == kind.__module__ and code.co_qualname.startswith(f"{kind.__qualname__}."):
            return False
        if self.is_library(home) or installed_versions(home):  # packages put methods into torch's classes, too
            inner = getattr(method, "__wrapped__", None)
            return isinstance(inner, FunctionType) and self.is_from_elsewhere(inner, kind)
        # A dataclass's and attrs' methods are made of the class, whose source counts.
        made = code.co_qualname.startswith("__create_fn__.") or code.co_filename.startswith("<attrs generated ")
        return not made and (code.co_filename != "<string>" or home == "__main__")

    def written(self, function: FunctionType, above: tuple[object, ...] = ()) -> list[Any]:
        """Hash a function by the place where it is written: it may be in no module under its name, as in decorators."""
        home, code = home_of(function), function.__code__
        if function in above:
            return ["above"]
        inner = [
            self.written(cell, (*above, function)) if isinstance(cell, FunctionType) else self.hash(cell)
            for cell in [*cells_of(function), getattr(function, "__wrapped__", None)]
        ]
        if self.is_library(home):
            return ["library", home, code.co_qualname, inner]
        source = self.source(home if Path(code.co_filename).is_file() else function, home, code.co_qualname)
        settings = [self.hash(function.__defaults__), self.hash(function.__kwdefaults__)]
        return ["written", code.co_qualname, code.co_firstlineno, source, settings, inner]

    def state(self, value: Any) -> list[Any]:
        """Take an object apart as pickle would."""
        wrapped = getattr(value, "__wrapped__", None)
        if type(value).__module__.startswith("numba.") and callable(wrapped):  # what pickle sees of it is random
            return ["compiled", self.hash(type(value)), self.hash(wrapped), self.hash(vars(value).get("targetoptions"))]
        reduce = copyreg.dispatch_table.get(type(value))
        try:
            parts = reduce(value) if reduce else value.__reduce_ex__(PICKLE)
        except Exception:  # whatever the object raises
            return self.refuse(f"a {type(value).__qualname__} can't be hashed")
        if isinstance(value, np.ufunc) and getattr(np, value.__name__, None) is not value:
            return self.refuse(f"a {type(value).__qualname__} that is not numpy's can't be hashed")
        if isinstance(parts, str):  # the name of something in a module
            inside = [self.hash(wrapped)] if callable(wrapped) else []  # as of functools.cache
            return ["name", str(getattr(value, "__module__", "")), parts, *inside]
        make, arguments, state, *items = (*parts, *[None] * (5 - len(parts)))[:5]
        contents = self.attributes(value, state) if isinstance(state, dict) else self.hash(state)
        entries = [self.hash(list(one or ())) for one in items]  # of a list, and of a mapping
        return ["object", self.hash(make), self.hash(arguments), contents, *entries]

    def attributes(self, value: object, members: Mapping[str, object], leave: Iterable[str] = ()) -> list[list[str]]:
        """Hash attributes of an object by name, but those that it computes from others and keeps."""
        computed = {name for name in members if isinstance(getattr(type(value), name, None), functools.cached_property)}
        names = sorted(members.keys() - computed - set(leave), key=str)
        return [[name, self.attribute(name, members[name])] for name in names]

    def attribute(self, name: str, value: object) -> str:
        with self.below(name):
            return self.hash(value)

    @contextmanager
    def below(self, name: str) -> Iterator[None]:
        self.names.append(name)
        try:
            yield
        finally:
            self.names.pop()

    def refuse(self, why: str) -> list[Any]:
        """Raise UsageError, unless a version stands for what can't be hashed."""
        where = "".join(f"{name}." for name in self.names)[:-1]
        if not self.version:
            raise UsageError(f"{where}: {why}; give it a version, and a new version after each edit")
        return ["of this version"]


def place_of(value: Any) -> tuple[object, str, str]:
    """Return what `has_source` looks for of a class, a function or a module, its module and its name there."""
    if isinstance(value, ModuleType):
        return value.__name__, value.__name__, ""
    return value, str(value.__module__), value.__qualname__


def home_of(function: FunctionType) -> str:
    """Return the module in which a function was written, whatever name a decorator gave it."""
    return str(function.__globals__.get("__name__", ""))


def cells_of(function: FunctionType) -> list[Any]:
    """List what a function holds of the functions around it."""
    return [cell.cell_contents for cell in function.__closure__ or () if cell != EMPTY]


def method_of(member: Any) -> Any:
    """Take a method out of its static method, class method or property."""
    return getattr(member, "__func__", None) or getattr(member, "fget", None) or member
