"""What is asked of a model's code: a name, weights, and options that a user states."""

from dataclasses import dataclass

from ..errors import UsageError
from .options import NOTHING_STATED, ModelOptions

__all__ = ["Request"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of a model's code. name: as results call it. variant: of the entry. weights: a path, or a word that
    the code knows. class_names: of the data set, in its order. keys: of a table that is applied later, in the order of
    the logits where nothing names these.
    """

    name: str
    variant: str = ""
    weights: str = ""
    class_names: tuple[str, ...] = ()
    options: ModelOptions = NOTHING_STATED
    keys: tuple[str, ...] = ()

    def names(self, of_files: tuple[str, ...], outputs: int, where: object) -> tuple[str, ...]:
        """Name the logits: as stated, else as the files do, else as the data set does, where the number is the same.

        Raises UsageError where the number is another, or nothing names them.
        """
        sources = {
            "the option classes names": self.options.names,
            "its files name": of_files,
            "the mapping of classes has": self.keys,
            "the dataset has": self.class_names,
        }
        whose, names = next(((whose, names) for whose, names in sources.items() if names), ("", ()))
        if not names:
            raise UsageError(f"{where}: nothing names its {outputs} classes; state them: ?classes=FILE")
        if len(names) != outputs:
            remedy = "; name the classes of its logits, in their order" if names is self.class_names else ""
            raise UsageError(f"{where}: has {outputs} classes, but {whose} {len(names)}{remedy}")
        return names
