"""The data sets that a network is trained and validated on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..datasets import Dataset, open_split, spaced
from ..datasets.first_pass import expect_sound, first_pass
from ..errors import UsageError
from .recipe import Recipe

__all__ = ["Data", "open_data", "read_once"]


@dataclass(frozen=True)
class Data:
    """The data set for training and the one for validation, if the recipe has one. Both have the same classes."""

    training: Dataset
    validation: Dataset | None = None

    def __post_init__(self) -> None:
        for dataset in filter(None, (self.training, self.validation)):
            expect_sound(dataset)
        if self.validation is not None and self.validation.class_names != self.training.class_names:
            raise UsageError(
                f"validation needs the {len(self.training.class_names)} classes of {self.training.name}, "
                f"got the {len(self.validation.class_names)} of {self.validation.name}"
            )


def open_data(recipe: Recipe, folders: dict[str, Path]) -> Data:
    """Open the data sets of a recipe.

    folders: of data sets, by name. Raises UsageError and DataError.
    """
    specs = [recipe.dataset, *([recipe.validation.dataset] if recipe.validation else [])]
    uses = list(dict.fromkeys(name for spec in specs for name in spec.names))
    unused = next((name for name in folders if name not in uses), None)
    if unused is not None:
        raise UsageError(f"--data {unused}: the recipe does not use this dataset (it uses {', '.join(uses)})")
    return Data(*(open_split(spec.name, spec.split, folders, **(spec.model_extra or {})) for spec in specs))


def read_once(data: Data, recipe: Recipe, note: Callable[[str], None]) -> str:
    """Read all images once, as `first_pass` does. Returns the fingerprint of the training set."""
    lines: set[str] = set()

    def once(line: str) -> None:  # both data sets may be in one folder
        if line not in lines:
            lines.add(line)
            note(line)

    if data.validation is not None and recipe.validation is not None:
        first_pass(data.validation, spaced(data.validation.ids, recipe.validation.limit), once)
    return first_pass(data.training, data.training.ids, once).fingerprint
