"""Values for other processes, with what decides the code that reads them there."""

import hashlib
import os
import pickle
import platform
import sys
import sysconfig
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from ... import __version__
from ...errors import MachineError
from ...own_code import INSTALLED, hash_of

__all__ = ["Origin", "Parcel", "node_name"]

ROOM = 3  # parcels that a process keeps open: a run uses few at a time
OPENED: OrderedDict[str, Any] = OrderedDict()


@dataclass(frozen=True)
class Origin:
    """A process as far as it decides what an import finds. before, after: folders of its search path, before and after
    Python's own. sources: hashes of the files of modules that are not installed packages, by their names.
    """

    version: str
    folder: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    sources: Mapping[str, str]

    @classmethod
    def here(cls) -> Self:
        """Describe this process."""
        library = sysconfig.get_path("stdlib")
        first = sys.path.index(library) if library in sys.path else 0
        before, after = (
            tuple(str(Path(path).absolute()) for path in some if path and not is_installed(path))
            for some in (sys.path[:first], sys.path[first:])
        )
        files = {name: getattr(module, "__file__", None) for name, module in tuple(sys.modules.items())}
        return cls(
            version=__version__,
            folder=str(Path.cwd()),
            before=before,
            after=after,
            sources={
                name: hash_of(Path(file))
                for name, file in files.items()
                if file and not name.startswith("__") and not is_installed(file) and Path(file).is_file()
            },
        )

    def apply(self) -> None:
        """Give this process the search path and, where there is such a folder, the working folder of the other one.

        Raises MachineError for another version of this package.
        """
        if self.version != __version__:
            raise MachineError(
                f"{node_name()} has robustbench-seg {__version__}, the run {self.version}; install the same version"
            )
        if Path(self.folder).is_dir():
            os.chdir(self.folder)
        sys.path[:0] = [path for path in self.before if path not in sys.path]
        sys.path += [path for path in self.after if path not in sys.path]

    def expect_equal(self) -> None:
        """Raise MachineError if a module of this process comes from a file with another content."""
        for name, own in self.sources.items():
            file = getattr(sys.modules.get(name), "__file__", None)
            if file and Path(file).is_file() and hash_of(Path(file)) != own:
                raise MachineError(f"{node_name()}: {file} differs from the run's; put the same code on all nodes")


@dataclass(frozen=True)
class Parcel:
    """A pickled value. name: a hash of the content."""

    name: str
    content: bytes
    origin: Origin

    @classmethod
    def of(cls, value: object, origin: Origin) -> Self:
        """Pickle a value, functions of scripts and notebooks too."""
        from ray import cloudpickle

        content: bytes = cloudpickle.dumps(value)
        return cls(hashlib.blake2b(content, digest_size=16).hexdigest(), content, origin)

    def open(self) -> Any:
        """Read the value, or take it as it was read last time in this process.

        Raises MachineError where code on this node is missing, or other code than the run's.
        """
        if self.name not in OPENED:
            self.origin.apply()
            try:
                OPENED[self.name] = pickle.loads(self.content)  # safe: from the process of the run
            except (ImportError, AttributeError) as error:
                raise MachineError(
                    f"{node_name()}: {error}; each node needs the Python files of your own at the same paths"
                ) from error
            self.origin.expect_equal()
            while len(OPENED) > ROOM:
                OPENED.popitem(last=False)
        return OPENED[self.name]


def is_installed(path: str) -> bool:
    """Whether a path belongs to Python itself, or to packages that were installed."""
    parts = Path(path).absolute()
    return not INSTALLED.isdisjoint(parts.parts) or any(parts.is_relative_to(prefix) for prefix in prefixes())


@cache
def prefixes() -> tuple[Path, ...]:
    """The folders of Python and of its environment."""
    return tuple({Path(prefix).absolute() for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)})


def node_name() -> str:
    """Name this node in a message."""
    return f"node {platform.node()}"
