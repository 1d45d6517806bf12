"""One member of the family of data sets: what it is called, what it is, and where its class is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, cast

from ..errors import UsageError
from ..wording import nearest
from .base import Dataset

__all__ = ["DatasetEntry"]


@dataclass(frozen=True, kw_only=True)
class DatasetEntry:
    """One entry of `DATASETS`.

    name: as on the command line. description: for `list datasets`. module, class_name: where the class is, which
    is imported when it is asked for; or kind: the class itself, as of a script. needs_folder: whether the data set lies
    in a folder, the class's first argument.

    Raises UsageError unless it has either a kind of that name, or a module and a class_name.
    """

    name: str
    description: str
    module: str = ""
    class_name: str = ""
    kind: type[Dataset] | None = None
    needs_folder: bool = True

    def __post_init__(self) -> None:
        if (self.kind is None) != bool(self.module and self.class_name):
            raise UsageError(f"dataset {self.name!r} needs either a kind, or a module and a class_name")
        if self.kind is not None and (own := getattr(self.kind, "name", self.name)) != self.name:
            raise UsageError(f"dataset {self.name!r}: its class {self.kind.__qualname__} is called {own!r}")

    def load(self) -> type[Dataset]:
        """Import the class."""
        return self.kind or cast(type[Dataset], getattr(import_module(self.module), self.class_name))

    def open(self, root: Path | None, options: dict[str, Any]) -> Dataset:
        """Open a split. Raises UsageError for a folder that is missing or not needed, and for an unknown option."""
        if self.needs_folder and root is None:
            raise UsageError(f"dataset {self.name} needs its folder: --data {self.name}=PATH")
        if "root" in options:
            raise UsageError(f"dataset {self.name}: its folder is given as --data {self.name}=PATH, not as an option")
        if not self.needs_folder and root is not None:
            raise UsageError(f"dataset {self.name} is embedded; it takes no folder, got {root}")
        make = cast(Any, self.load())
        self.expect_options(make, options)
        try:
            dataset: Dataset = make(root, **options) if self.needs_folder else make(**options)
        except TypeError as error:
            raise UsageError(f"dataset {self.name}: {str(error).rpartition('() ')[2]}") from None
        return dataset

    def expect_options(self, make: Callable[..., Dataset], options: Iterable[str]) -> None:
        """Raise UsageError for an option that the class does not take."""
        parameters = list(signature(make).parameters.values())[self.needs_folder :]
        kinds = {parameter.kind for parameter in parameters}
        names = [parameter.name for parameter in parameters if parameter.kind is not Parameter.VAR_KEYWORD]
        unknown = [] if Parameter.VAR_KEYWORD in kinds else [name for name in options if name not in names]
        if unknown:
            raise UsageError(f"dataset {self.name}: unknown option {unknown[0]!r}; {nearest(unknown[0], names)}")
