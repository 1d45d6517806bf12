"""Every error that a user can cause, as one tree.

    RobustBenchError            one clear line; the command line prints it and exits with status 2
    ├── UsageError              an option, a name, a suite or a recipe that is not allowed
    │   └── NotFiniteError      a model whose logits have NaN or infinity
    ├── DataError               a data set's folder or file that is missing, broken or inconsistent
    ├── StoreError              a result folder that is in use or holds something else
    │   └── DamagedError        a cell's file with content that differs from what was written
    └── MachineError            the machine lacks something that the program needs

`corrupt` raises the built-in ValueError for a wrong image or severity, as users of imagecorruptions expect.
`segformer` has its own CheckpointError, because it does not import this package.
"""

import traceback
from contextlib import suppress
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR

__all__ = [
    "DamagedError", "DataError", "MachineError", "NotFiniteError", "RobustBenchError", "StoreError", "UsageError",
    "clear_locals", "exit_in_words", "in_one_line", "missing_extra",
]  # fmt: skip

GENERATORS = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR


class RobustBenchError(Exception):
    """Base of all errors with a message for the user."""


class UsageError(RobustBenchError):
    """An option, a name, a suite or a recipe that is not allowed; the message names the allowed ones."""


class NotFiniteError(UsageError):
    """A model whose logits have NaN or infinity; the message names the model."""


class DataError(RobustBenchError):
    """A data set's folder or file that is missing, broken or inconsistent; the message names the file."""


class StoreError(RobustBenchError):
    """A result folder that is in use, or has content that this version can't read."""


class DamagedError(StoreError):
    """A cell's file with content that differs from what was written. The message is the reason and the remedy.

    reason: names the file and the fault.
    """

    cure = "remove it, or run its suite again, which measures that cell again"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; {self.cure}")
        self.reason = reason


class MachineError(RobustBenchError):
    """The machine lacks something that the program needs; the message names the remedy."""


def missing_extra(need: str, extra: str) -> MachineError:
    """Make the error for a package that is not installed. need: what needs which package. extra: it has the package."""
    # The package is on no index: pip would look there for robustbench-seg[EXTRA], and install what another owner put.
    return MachineError(f"{need}: pip install '.[{extra}]' in the checkout of robustbench-seg")


def in_one_line(error: BaseException) -> str:
    """Write the type and the message of any error, as other packages raise them, in a line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def exit_in_words(end: SystemExit) -> str:
    """Write where code would end the program, as code of a user's own may do, and with which status."""
    place = traceback.extract_tb(end.__traceback__)[-1]
    return f"{place.filename}:{place.lineno}: ends the program (SystemExit: {end})"


def clear_locals(error: BaseException) -> None:
    """Clear the local variables of the code that raised an error, and of what led to it; the lines can still be read.

    Else an error that is kept keeps them, too: of a network, all the tensors that it had computed until then.
    Generators keep theirs.
    """
    left: list[BaseException | None] = [error]
    done: set[int] = set()
    while left:
        each = left.pop()
        if each is not None and id(each) not in done:
            done.add(id(each))
            for frame, _ in traceback.walk_tb(each.__traceback__):
                if not frame.f_code.co_flags & GENERATORS:  # one that has caught it and waits would be closed
                    with suppress(RuntimeError):  # it is at work
                        frame.clear()
            left += [each.__cause__, each.__context__]
