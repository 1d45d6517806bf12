"""Pickles without their power: torch's reader of plain tensors, and stand-ins for the classes that it does not know.

A training file holds more than weights: histories, schedules and settings, as objects of the program that wrote it, and
`torch.load(weights_only=True)` refuses the whole file for them. Here each such name is bound to a class of ours that
takes anything and does nothing. So the tensors next to those objects can be read, and no name but those of torch's own
list is looked up. Stand-ins inside the weights are left to the caller to refuse.
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
    """An object, or a function and what it returns, of a class that is not known here."""

    def __new__(cls, *_: object) -> Any:
        return object.__new__(cls)

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass


class StandInForMapping(StandIn):
    """torch fills plain mappings alone, so one is made of each object of such a class."""

    def __new__(cls, *_: object) -> Any:
        return OrderedDict()


class StandInForList(StandIn):
    """torch appends to plain lists alone."""

    def __new__(cls, *_: object) -> Any:
        return []


# What torch says when it needs a class, and what to bind to the name then.
NEEDS = (
    (re.compile(r"GLOBAL (\S+)"), StandIn),
    (re.compile(r"Can only SETITEMS? for .* but got <class '(\S+)'>"), StandInForMapping),
    (re.compile(r"Can only append to lists, but got <class '(\S+)'>"), StandInForList),
)
# Of Python's own library only names that hold data are stood in for. A file that names others was made to run code: it
# is refused, though a stand-in would do nothing either.
HOLD_DATA = re.compile(
    r"builtins\.(bool|bytes|dict|float|frozenset|getattr|int|list|object|range|slice|str|tuple)"
    r"|(argparse|collections|copyreg|datetime|decimal|enum|fractions|logging|pathlib|typing|uuid)\.[\w.]+"
    r"|functools\.partial|types\.SimpleNamespace"
)


def load_pickle(path: Path) -> tuple[object, tuple[str, ...]]:
    """Read what torch.save wrote, in its present or its older format, and run nothing of it.

    Returns the content and the names that stand-ins are bound to. Raises CheckpointError in one line.
    """
    bound: dict[tuple[str, type], type] = {}
    while True:
        try:
            with (
                path.open("rb") as file,
                warnings.catch_warnings(),
                torch.serialization.safe_globals(list(bound.values())),
            ):
                warnings.simplefilter("ignore")  # torch's remarks on odd pickles: the error says it in one line
                content = torch.load(file, map_location="cpu", weights_only=True)
            return content, tuple(dict.fromkeys(name for name, _ in bound))
        except UnpicklingError as error:
            name, kind = needed(str(error))
            if not name or (name, kind) in bound:
                raise CheckpointError(f"{path}: not a complete file of plain tensors{reason(error)}") from None
            module, _, leaf = name.rpartition(".")
            # torch.save writes the names of Python 2, where subprocess was called commands.
            present = f"{IMPORT_MAPPING.get(module, module)}.{leaf}"
            if not may_stand_in(present):
                raise would_run_code(path, [present]) from None
            for other in [key for key in bound if key[0] == name]:
                del bound[other]
            bound[name, kind] = type(kind.__name__, (kind,), {"__module__": module, "__qualname__": leaf})
        except Exception as error:  # a broken pickle may fail in any way, and torch then advises to run its code
            raise CheckpointError(f"{path}: not a complete file of plain tensors ({type(error).__name__})") from None


def would_run_code(path: Path, names: list[str]) -> CheckpointError:
    """Make the error for a file whose weights can't be had without its code."""
    shown = ", ".join(name.removeprefix("builtins.") for name in names[:3]) + (", ..." if len(names) > 3 else "")
    return CheckpointError(f"{path}: refused, since reading it would run code ({shown}); only plain tensors are read")


def needed(message: str) -> tuple[str, type]:
    """Find the name that torch asks for, "" if it asks for none, and how it is used."""
    for pattern, kind in NEEDS:
        if found := pattern.search(message):
            return (found[1] if "." in found[1] else f"builtins.{found[1]}"), kind
    return "", StandIn


def may_stand_in(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] not in sys.stdlib_module_names or HOLD_DATA.fullmatch(name) is not None


def reason(error: UnpicklingError) -> str:
    """Take what is wrong from torch's long message, in brackets."""
    found = re.search(r"WeightsUnpickler error:\s*(\S.*)", str(error))
    return f" ({found[1][:160]})" if found else ""
