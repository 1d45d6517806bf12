"""A network that a user's function makes: FILE.py:FUNCTION[@CHECKPOINT] or package.module:FUNCTION[@CHECKPOINT].

The function returns a torch network or a Segmenter. It is called with `class_names`, `num_classes` and `checkpoint`, as
far as it names them; a checkpoint that it does not ask for is read here, in the wrappings that people have.
"""

import importlib
import importlib.util
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import torch
from torch import nn

from segformer.files import read_file, sha256_of

from ..errors import UsageError, in_one_line
from ..files import digest
from ..own_code import source_in_use
from ..wording import counted, listed
from .base import Segmenter, expect_segmenter, unchanged
from .filling import fill
from .foreign import UNSTATED, Facts, wrap
from .network_identity import identity_of, without_notes
from .preprocessing import IMAGENET
from .request import Request
from .stated import stated_by
from .steady import expect_repeatable

__all__ = ["Factory", "load"]

MOST_NAMES = 8  # of what a module defines, in a message
SEED = 0  # of weights that a function draws: the same in each process


@dataclass(frozen=True)
class Factory:
    """The parts of a source. module: a file that ends in .py, or a dotted name. checkpoint: "" for none."""

    module: str
    function: str
    checkpoint: str = ""

    @classmethod
    def parse(cls, text: str) -> "Factory | None":
        """Read MODULE:FUNCTION[@CHECKPOINT]; None for another text."""
        before, at, checkpoint = text.partition("@")
        module, colon, function = before.rpartition(":")
        dotted = all(part.isidentifier() for part in module.split("."))
        if not colon or not all(part.isidentifier() for part in function.split(".")) or (at and not checkpoint):
            return None
        return cls(module, function, checkpoint) if module.endswith(".py") or dotted else None

    def __str__(self) -> str:
        return f"{self.module}:{self.function}" + (f"@{self.checkpoint}" if self.checkpoint else "")


def load(request: Request) -> Segmenter:
    """Call a user's function and make what it returns a model under test.

    Raises UsageError for a module or function that is not there, that fails or returns something else, and for a
    checkpoint that is not there; CheckpointError for one that does not fit.
    """
    factory = Factory.parse(request.weights)
    if factory is None:
        raise UsageError(f"model {request.name}: expected FILE.py:FUNCTION[@CHECKPOINT], got {request.weights!r}")
    checkpoint = Path(factory.checkpoint) if factory.checkpoint else None
    if checkpoint and not checkpoint.exists():
        raise UsageError(f"model {request.name}: {checkpoint}: no such file")
    module = import_module_of(factory.module)
    source = source_in_use(module.__name__)
    with unchanged([checkpoint] if checkpoint and checkpoint.is_file() else []):
        made, wants_checkpoint = call(factory, module, request)
        left_out: tuple[str, ...] = ()
        if checkpoint and not wants_checkpoint:
            if not isinstance(made, nn.Module):
                raise UsageError(f"{factory}: returns no torch network, so its checkpoint must be its argument")
            left_out = fill(made, read_file(checkpoint))
        files = [sha256_of(checkpoint)] if checkpoint and checkpoint.is_file() else []
    stated = f" (sha256 {files[0]})" if files else ""  # the identity is of more than the file
    # The source stands for what can't be hashed: the same function of it makes the same.
    decides = made if isinstance(made, nn.Module) else without_notes(made)
    identity = ["factory", source, files, factory.function, identity_of(decides, version=source)]
    if isinstance(made, nn.Module):
        origin = f", weights from {checkpoint.name}{stated}" if checkpoint else ""
        unread = f", {counted(len(left_out), 'tensor')} of the file left out" if left_out else ""
        own = stated_by(made)
        preprocessing = own.preprocessing(f"input of {factory}", request.options)
        input_of = [] if preprocessing in (None, IMAGENET) else [preprocessing.numbers]  # earlier versions read none
        facts = Facts(
            where=str(factory),
            identity=digest([*identity, *input_of]),
            about=f"{type(made).__name__} of {factory.function}{origin}{unread}",
            licence=own.licence,
            preprocessing=preprocessing or UNSTATED,
            own=own,
        )
        return wrap(made, request, facts)
    expect_segmenter(made, f"what {factory} returned")
    segmenter = cast(Segmenter, made)
    expect_repeatable(segmenter, str(factory))
    segmenter.checkpoint_sha256 = digest([*identity, segmenter.checkpoint_sha256])
    if checkpoint and stated not in segmenter.about:
        segmenter.about = f"{segmenter.about}, weights from {checkpoint.name}{stated}"
    return segmenter


def import_module_of(name: str) -> ModuleType:
    """Import a module by its dotted name or from a file, next to which it finds its helpers. Raises UsageError."""
    path = Path(name).resolve()
    if name.endswith(".py") and not path.is_file():
        raise UsageError(f"{name}: no such file")
    folder = str(path.parent) if name.endswith(".py") else str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return from_file(path) if name.endswith(".py") else importlib.import_module(name)
    except Exception as error:  # whatever a user's module raises
        reason = in_one_line(error)
        raise UsageError(f"{name}: can't be imported ({reason:.300})") from error


def from_file(path: Path) -> ModuleType:
    """Run a file as the module of its name, or take the one that was run."""
    name = path.stem
    other = sys.modules.get(name)
    if other is not None:
        if Path(getattr(other, "__file__", None) or "").resolve() == path:
            return other
        name = f"{path.stem}_{digest(str(path), 4)}"  # another module has that name
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def call(factory: Factory, module: ModuleType, request: Request) -> tuple[Any, bool]:
    """Call the function, with weights that are drawn alike in each process. Returns what it made, and whether it took
    the checkpoint.
    """
    function: Any = module
    for part in factory.function.split("."):
        if not hasattr(function, part):
            own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
            there = f"; it defines {listed(own, MOST_NAMES)}" if own else ""
            raise UsageError(f"{factory.module}: has no {factory.function}{there}")
        function = getattr(function, part)
    if isinstance(function, nn.Module):
        return function, False
    names = request.options.names or request.class_names
    offers = {"class_names": names, "num_classes": len(names), "checkpoint": factory.checkpoint or None}
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise UsageError(f"{factory}: {factory.function} is no function") from None
    given = {name: value for name, value in offers.items() if name in parameters}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        try:
            return function(**given), "checkpoint" in given
        except Exception as error:  # whatever a user's function raises
            reason = in_one_line(error)
            raise UsageError(f"{factory}: failed ({reason:.300})") from error
