"""One model: what it is called, where its code is, and what holds of it."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..own_code import source_hash
from .request import Request

if TYPE_CHECKING:
    from .base import Segmenter

__all__ = ["Model"]


@dataclass(frozen=True, kw_only=True)
class Model:
    """One entry of `MODELS`. What its flags leave out is that nothing special holds.

    function: turns a Request into a Segmenter; without it, `module` holds a function `load` that does, and for a
    trainable one `build_network`, `describe` and `save`; a name that begins with a dot is of this package. variant:
    what the module is told, such as an encoder. version: of one of your own; it is hashed with the source, for what
    that does not show. form: how a source of this kind is written, "" for a model that is no kind. builtin: the files
    of weights that ship with it, by the words that may stand in their place.
    shipped: weights alone tell it apart, and its source is not hashed. trainable: `train` takes it. encoder_files: its
    encoder may start from a file (`start_from`). needs_weights: it is nothing without. hub: its weights may be a
    repository on the Hugging Face hub. fp32_only: autocast does not reach it. pools_images: its BatchNorm sees one
    value per image, so that a training batch of one fails. channels_last: how its network lies in memory for
    evaluation.
    """

    name: str
    module: str = ""
    variant: str = ""
    function: "Callable[[Request], Segmenter] | None" = field(default=None, hash=False)
    version: str = ""
    form: str = ""
    builtin: Mapping[str, Path] = field(default_factory=dict, hash=False)
    shipped: bool = False
    trainable: bool = False
    encoder_files: bool = False
    needs_weights: bool = True
    hub: bool = False
    fp32_only: bool = False
    pools_images: bool = False
    channels_last: bool = False

    @property
    def code(self) -> Any:
        """Import the module that holds its code, and with it torch."""
        return import_module(self.module, __package__)

    def load(self, request: Request) -> "Segmenter":
        """Make the Segmenter that is asked for, on the CPU: a new object, even if the code returns one twice.

        Its identity and its classes are set for one suite, and must not be found there by the next.
        """
        load = self.function or self.code.load
        made: Segmenter = copy(load(request))
        return made

    @cached_property
    def source(self) -> str:
        """The hash of its code, taken once; "" for a shipped one."""
        return "" if self.shipped else source_hash(self.function or self.code.__name__, self.version)
