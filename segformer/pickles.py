"""Read pickles without running code: torch's reader of plain tensors, with stand-ins for the classes that it refuses.

A training file holds more than weights: histories, schedules and settings, as objects of the program that wrote it.
`torch.load(weights_only=True)` refuses the whole file because of them. Here each such name is bound to a class of ours
that accepts anything and does nothing. So the tensors next to those objects can be read, and no name outside torch's
own list is looked up. The caller refuses stand-ins inside the weights.
"""

import re
import sys
import warnings
from _compat_pickle import IMPORT_MAPPING
from collections import OrderedDict
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from .info import CheckpointError

__all__ = ["StandIn", "load_pickle", "would_run_code"]


class StandIn:
    """Replaces an object of an unknown class, or an unknown function and its result."""

    def __new__(cls, *_: object) -> Any:
        return object.__new__(cls)

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass


class StandInForMapping(StandIn):
    """Becomes a plain mapping, because torch fills no other."""

    def __new__(cls, *_: object) -> Any:
        return OrderedDict()


class StandInForList(StandIn):
    """Becomes a plain list, because torch appends to no other."""

    def __new__(cls, *_: object) -> Any:
        return []


# torch's message when it needs a class, and the stand-in to bind to the name.
NEEDS = (
    (re.compile(r"GLOBAL (\S+)"), StandIn),
    (re.compile(r"Can only SETITEMS? for .* but got <class '(\S+)'>"), StandInForMapping),
    (re.compile(r"Can only append to lists, but got <class '(\S+)'>"), StandInForList),
)
# From Python's standard library only names that hold data get a stand-in. A file with other names was made to run code:
# it is refused, although a stand-in would be harmless.
HOLD_DATA = re.compile(
    r"builtins\.(bool|bytes|dict|float|frozenset|getattr|int|list|object|range|slice|str|tuple)"
    r"|(argparse|collections|copyreg|datetime|decimal|enum|fractions|logging|pathlib|typing|uuid)\.[\w.]+"
    r"|functools\.partial|types\.SimpleNamespace"
)


def load_pickle(path: Path) -> tuple[object, tuple[str, ...]]:
    """Read a file of torch.save, in the present or the older format, without running code from it.

    Returns the content and the names that stand-ins replace. Raises CheckpointError (one line).
    """
    bound: dict[tuple[str, type], type] = {}
    while True:
        try:
            with (
                path.open("rb") as file,
                warnings.catch_warnings(),
                torch.serialization.safe_globals(list(bound.values())),
            ):
                warnings.simplefilter("ignore")  # torch's warnings about odd pickles: our error is one line
                content = torch.load(file, map_location="cpu", weights_only=True)
            return content, tuple(dict.fromkeys(name for name, _ in bound))
        except UnpicklingError as error:
            name, kind = find_class(str(error))
            if not name or (name, kind) in bound:
                raise CheckpointError(f"{path}: not a complete file of plain tensors{reason(error)}") from None
            module, _, leaf = name.rpartition(".")
            # torch.save writes Python 2's names, such as commands for subprocess.
            present = f"{IMPORT_MAPPING.get(module, module)}.{leaf}"
            if not may_stand_in(present):
                raise would_run_code(path, [present]) from None
            for other in [key for key in bound if key[0] == name]:
                del bound[other]
            bound[name, kind] = type(kind.__name__, (kind,), {"__module__": module, "__qualname__": leaf})
        except Exception as error:  # a broken pickle may fail in any way; torch's message advises to run its code
            raise CheckpointError(f"{path}: not a complete file of plain tensors ({type(error).__name__})") from None


def would_run_code(path: Path, names: list[str]) -> CheckpointError:
    """Make the error for a file that must run code to yield its weights."""
    listing = ", ".join(name.removeprefix("builtins.") for name in names[:3]) + (", ..." if len(names) > 3 else "")
    return CheckpointError(
        f"{path}: refused, because reading it would run code ({listing}); only plain tensors are read"
    )


def find_class(message: str) -> tuple[str, type]:
    """Find the name that torch's message asks for ("" if none) and the kind of stand-in for it."""
    for pattern, kind in NEEDS:
        if match := pattern.search(message):
            return (match[1] if "." in match[1] else f"builtins.{match[1]}"), kind
    return "", StandIn


def may_stand_in(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] not in sys.stdlib_module_names or HOLD_DATA.fullmatch(name) is not None


def reason(error: UnpicklingError) -> str:
    """Extract the reason from torch's long message, in brackets."""
    match = re.search(r"WeightsUnpickler error:\s*(\S.*)", str(error))
    return f" ({match[1][:160]})" if match else ""
