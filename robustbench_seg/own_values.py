"""Hash what a user's objects hold, so that two that differ in a setting never share an identity.

Numbers, texts, arrays and collections of them are hashed by content, functions and classes by name and source, and any
other object by its class and its state, as pickle finds it. What shows neither is refused, unless a version stands in
its place. A file that a path names is hashed by content; a folder by its name alone, so that it may be moved.
"""

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
from .own_code import has_source, installed_versions, source_in_use

__all__ = ["Values"]

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
        if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
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
        module = value.__name__ if isinstance(value, ModuleType) else str(value.__module__)
        name = getattr(value, "__qualname__", "")
        if module.partition(".")[0] in self.libraries:  # torch makes subclasses of others' classes, too
            return ["library", module, name, *(map(self.hash, value.__bases__) if isinstance(value, type) else ())]
        code = module if isinstance(value, ModuleType) else value
        versions, readable = installed_versions(module), has_source(code)
        if not (versions or readable or self.version):
            return self.refuse(
                f"{name or module} has no source file: its module defines something else under that name, or it was "
                "typed into a shell or a notebook"
            )
        where = module if versions or readable else f"{module}:{name}"
        if where not in self.sources:  # of an installed package the version is enough, and quick to find
            self.sources[where] = digest([module, versions]) if versions else source_in_use(code, self.version)
        return ["code", name, self.sources[where], self.bound(value) if isinstance(value, FunctionType) else []]

    def bound(self, function: FunctionType) -> list[str]:
        """Hash what a function holds besides its source."""
        cells = [cell.cell_contents for cell in function.__closure__ or () if cell != EMPTY]
        line = function.__code__.co_firstlineno if cells or "<" in function.__qualname__ else 0
        return [*map(self.hash, (function.__defaults__, function.__kwdefaults__, cells, line))]

    def state(self, value: Any) -> list[Any]:
        """Take an object apart as pickle would."""
        try:
            parts = value.__reduce_ex__(PICKLE)
        except Exception:  # whatever the object raises
            return self.refuse(f"a {type(value).__qualname__} can't be hashed")
        if isinstance(parts, str):  # the name of something in a module
            return ["name", str(getattr(value, "__module__", "")), parts]
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
