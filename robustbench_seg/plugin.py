"""A Python file of a user's own, imported by its path, such as one whose decorators register a corruption."""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from .errors import RobustBenchError, UsageError
from .own_code import INSTALLED

__all__ = ["import_file"]


def import_file(path: Path) -> ModuleType:
    """Import a Python file as the module of its name; a second time, change nothing.

    Its folder becomes the last of the search path, so that nothing in it hides an installed package. Worker processes
    inherit that path, and so import the same file.
    Raises UsageError for a file that is missing or no Python file, for a name that another module has, and for whatever
    the file's code raises: in one line, with the file and the line.
    """
    name, path = path.stem, path.absolute()
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    if path.suffix != ".py" or "." in name:
        raise UsageError(f"{path}: it must be a Python file, NAME.py, whose name has no other dot")
    other = origin_of(name)
    if other and not (Path(other).is_file() and path.samefile(other)):
        raise UsageError(f"{path}: the module {name} is {other} already; rename the file")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    importlib.invalidate_caches()  # the file may be younger than Python's list of its folder
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise UsageError(describe_fault(error, path)) from error


def origin_of(name: str) -> str:
    """Find where a module comes from without importing it: its file, or a word such as built-in; "" if nowhere.

    A folder without `__init__.py` does not count: Python imports a file of the name before it.
    """
    if name in sys.modules:
        return getattr(sys.modules[name], "__file__", None) or "built-in"
    spec = importlib.util.find_spec(name)
    return (spec.origin or "") if spec else ""


def describe_fault(error: BaseException, path: Path) -> str:
    """Describe in one line what the code of a file raised, with the last place in the user's own code."""
    kind = "" if isinstance(error, RobustBenchError) else f"{type(error).__name__}: "
    text = " ".join(str(error).split())
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: {kind}{error.msg}"
    places = [
        f"{frame.filename}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if path.parent in Path(frame.filename).parents and INSTALLED.isdisjoint(Path(frame.filename).parts)
    ]
    return f"{places[-1] if places else path}: {kind}{text}"
