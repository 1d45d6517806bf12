"""What a user's own data set decides with in addition to its files: its attributes and options, hashed.

Its folder may be moved: a text that names the folder of its files counts as it does in another place. What it keeps
when it reads, such as labels or an open file, counts as it was before the first reading.
"""

import os
import pickle
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Any

from ..own_values import PLAIN, Values

__all__ = ["SettingValues", "hash_options", "kept_by", "snapshot"]

HERE = Path()  # in the place of the folder of a data set's files


class SettingValues(Values):
    """Hashes values of a data set. version: as of `Values`. files: of its pairs."""

    def __init__(self, version: str, files: Iterable[object]) -> None:
        super().__init__(version)
        folders = {absolute(folder) for folder in {path.parent for path in files if isinstance(path, Path)}}
        self.folder = Path(os.path.commonpath(folders)) if folders else None

    def hash(self, value: object) -> str:
        return super().hash(self.moved(value) if type(value) is str else value)

    def moved(self, text: str) -> str:
        """Name a folder above the files, and what lies in the folder of all files, without the place of that folder."""
        if self.folder is None or Path(text) == HERE or "\0" in text:
            return text
        path = absolute(Path(text))
        if path != path.parent and self.folder.is_relative_to(path):
            return str(HERE)
        inside = Path(text).is_absolute() and path.is_relative_to(self.folder)
        return f"{HERE}/{path.relative_to(self.folder).as_posix()}" if inside else text


def absolute(path: Path) -> Path:
    return Path(os.path.normpath(path.absolute()))  # links count as they are written


def hash_options(values: Values, options: Mapping[str, object]) -> list[tuple[str, str]]:
    """List options by name: plain ones as Python writes them, others hashed."""
    with values.below("options"):
        return sorted(
            (name, repr(value) if is_plain(value) else values.attribute(name, value)) for name, value in options.items()
        )


def is_plain(value: object) -> bool:
    """Whether Python writes a value in full, and alike in each process."""
    if type(value) is dict:
        return all(map(is_plain, (*value, *value.values())))
    return all(map(is_plain, value)) if isinstance(value, list | tuple) else type(value) in PLAIN


def kept_by(dataset: Any, before: Mapping[str, bytes], image_id: str) -> Iterator[str]:
    """Yield the names of attributes that a data set changed when it read, and of those that its own `load` changes.

    before: its `snapshot`. image_id: of the image that a copy loads, so that a file which this opens is left to it.
    """
    trial = copy(dataset)
    with suppress(Exception):  # the run reports it, with the image
        trial.load(image_id)
    for after in (snapshot(dataset), snapshot(trial)):
        yield from (name for name in after if after[name] != before.get(name))


def snapshot(dataset: object) -> dict[str, bytes]:
    """Write each attribute of an object as bytes, none for one that can't be written."""
    written: dict[str, bytes] = {}
    for name, value in vars(dataset).items():
        written[name] = b""
        with suppress(Exception):  # whatever the object raises
            written[name] = pickle.dumps(value)
    return written
