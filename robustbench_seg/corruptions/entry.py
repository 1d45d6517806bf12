"""One corruption: its name, its category and its code; the 19 that ship, and the rules for a user's own."""

import importlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, cast

from ..errors import UsageError
from ..own_code import has_source, source_hash
from ..store.cell import CLEAN
from ..wording import NAME
from .pixels import Image

if TYPE_CHECKING:
    from .seeds import Draws

__all__ = ["SHIPPED", "WITHOUT_DRAWS", "Corruption"]

# Other columns in a table of scores: no corruption and no category may have these names.
TAKEN = {
    CLEAN, "mean", "retention", "worst", "worst_corruption", "missing", "flags", "fewest_classes", "most_classes",
    "model", "checkpoint_sha256", "parameters", "licence", "about", "dataset", "split", "view", "precision", "seed",
    "engine_version", "fingerprint", "images", "of", "synthetic", "void",
}  # fmt: skip

Kernel = Callable[[Image, int, "Draws"], Image]

# The 19 corruptions under ENGINE_VERSION, in imagecorruptions' order, and their categories.
SHIPPED = {
    "gaussian_noise": "noise",
    "shot_noise": "noise",
    "impulse_noise": "noise",
    "defocus_blur": "blur",
    "glass_blur": "blur",
    "motion_blur": "blur",
    "zoom_blur": "blur",
    "snow": "weather",
    "frost": "weather",
    "fog": "weather",
    "brightness": "weather",
    "contrast": "digital",
    "elastic_transform": "digital",
    "pixelate": "digital",
    "jpeg_compression": "digital",
    "speckle_noise": "noise",
    "gaussian_blur": "blur",
    "spatter": "weather",
    "saturate": "digital",
}
WITHOUT_DRAWS = {
    "defocus_blur", "zoom_blur", "gaussian_blur", "brightness", "contrast", "pixelate", "jpeg_compression", "saturate",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """One entry of `CORRUPTIONS`: the name of a corruption, its category, and its code.

    category: the score of the corruption is part of the mean of its category. function: (image, severity, draws) ->
    image, for a corruption of your own; without it, the function `name` in the module `category` of this package.
    version: for a corruption of your own; it is hashed with the source. Change it when something outside the source
    changes, such as a file that the function reads. draws: whether it draws random numbers; if not, all seeds give the
    same pixels, and several draws of a suite share one measurement.

    Raises UsageError for a name or a category that is taken, for a name, a category or a version that is not allowed,
    and for a function with other arguments, or with neither a source file nor a version.
    """

    name: str
    category: str
    function: Kernel | None = field(default=None, hash=False)
    version: str = ""
    draws: bool = True

    def __post_init__(self) -> None:
        for word in (self.name, self.category):
            if not (isinstance(word, str) and re.fullmatch(NAME, word)):
                raise UsageError(
                    f"corruption {self.name!r}: its name and its category have up to 64 letters, digits, dots, hyphens "
                    f"and underscores, got {word!r}"
                )
        if not isinstance(self.version, str):
            raise UsageError(f'corruption {self.name!r}: its version is a text, such as "1", got {self.version!r}')
        if not isinstance(self.draws, bool):
            raise UsageError(f"corruption {self.name!r}: draws must be true or false, got {self.draws!r}")
        taken = {*TAKEN, *SHIPPED, *SHIPPED.values()}
        if not self.shipped and (self.name in taken or self.category in {*TAKEN, *SHIPPED, self.name}):
            word = self.name if self.name in taken else self.category
            raise UsageError(f"corruption {self.name!r}: the name {word!r} is taken; give yours another")
        if self.function is not None:
            expect_three_arguments(self.name, self.function)
            _ = self.source  # hash it now, before the file can be edited

    @property
    def shipped(self) -> bool:
        """Whether it is one of `SHIPPED`."""
        own = (self.category, self.function, self.version, self.draws)
        return own == (SHIPPED.get(self.name), None, "", self.name not in WITHOUT_DRAWS)

    @cached_property
    def source(self) -> str:
        """The hash of the code, computed once; "" for a shipped corruption: ENGINE_VERSION covers its pixels."""
        return "" if self.shipped else self.hash_source()

    @property
    def module(self) -> str:
        """The module of this package with the code, if `function` is None."""
        return f"{__package__}.{self.category}"

    def hash_source(self) -> str:
        """Hash the code as it is on disk."""
        return source_hash(self.function or self.module, self.version)

    def expect_unedited(self) -> None:
        """Raise UsageError if the file was edited after `source` was computed: the code in use may be older."""
        if self.source and self.hash_source() != self.source:
            raise UsageError(f"corruption {self.name}: its source was edited while it was in use; start Python again")

    def expect_importable(self) -> None:
        """Raise UsageError if worker processes could not import the function."""
        if self.function is not None and not has_source(self.function):
            raise UsageError(f"corruption {self.name} has no source file that processes could import; use 0 workers")

    def load(self) -> Kernel:
        """Import the function (image, severity, draws) -> image; this imports OpenCV and Numba too."""
        return load_function(self)


def expect_three_arguments(name: str, function: Kernel) -> None:
    """Raise UsageError for a function that can't be called with an image, a severity and draws."""
    try:
        inspect.signature(function).bind(None, 1, None)
    except ValueError:  # a compiled function does not state its arguments
        pass
    except TypeError as error:
        raise UsageError(
            f"corruption {name!r}: its function takes three arguments (image, severity, draws); {error}"
        ) from None


@cache
def load_function(entry: Corruption) -> Kernel:
    function = entry.function or getattr(importlib.import_module(entry.module), entry.name)
    entry.expect_unedited()  # a worker imports later, and so may import an edited file
    return cast(Kernel, function)
