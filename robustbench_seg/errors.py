"""Every error that a user can cause, as one tree.

    RobustBenchError            one clear line; the command line prints it and ends with status 2
    ├── UsageError              an option, a name, a suite or a recipe that is not allowed
    ├── DataError               a data set's folder or file that is missing, broken or inconsistent
    ├── StoreError              a result folder that is in use or holds something else
    │   └── DamagedError        a cell's file that is not what was written
    └── MachineError            the machine lacks what the program needs, and the cure

`corrupt` raises the built-in ValueError for a wrong image or severity, as imagecorruptions' users expect, and
`segformer` has its own CheckpointError, since it knows nothing of this package.
"""

__all__ = ["DamagedError", "DataError", "MachineError", "RobustBenchError", "StoreError", "UsageError"]


class RobustBenchError(Exception):
    """Base of all errors whose text is meant for a user."""


class UsageError(RobustBenchError):
    """An option, a name, a suite or a recipe that is not allowed; the message names the allowed ones."""


class DataError(RobustBenchError):
    """A data set's folder or file that is missing, broken or inconsistent; the message names the file."""


class StoreError(RobustBenchError):
    """A result folder that is in use, or whose content this version can't read."""


class DamagedError(StoreError):
    """A cell's file that is not what was written. reason: names the file and what is wrong; the text adds the cure."""

    cure = "remove it, or run its suite again, which measures that cell anew"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; {self.cure}")
        self.reason = reason


class MachineError(RobustBenchError):
    """Something that this machine lacks; the message holds the cure."""
