"""The files of a folder that this program writes as a whole, such as a report: what the former one had is removed.

FILES in the folder lists them. A file that it does not list is someone else's: it is neither removed nor overwritten,
except in the folder of a run, which older programs wrote reports into without a list.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import UsageError
from .files import write_json

__all__ = ["FILES", "owning"]

FILES = "files.json"
PLANS = "plans"  # what every run's folder has


@contextmanager
def owning(folder: Path, names: Iterable[str]) -> Iterator[None]:
    """Hold a block that writes these files into a folder; after it, other files of the former list are gone.

    A block that raises, or is killed, removes nothing, and what it wrote is listed. Raises UsageError, before anything
    is written, for a file of someone else's in the place of one of these.
    """
    new, former = {*names}, listed_in(folder)
    strange = next((name for name in sorted(new - former) if (folder / name).exists()), None)
    if strange and not any((place / PLANS).is_dir() for place in (folder, folder.resolve().parent)):
        raise UsageError(
            f"{folder / strange}: is not listed in {FILES} there, so it may be someone else's, or of an older version "
            "of this program; remove it, or choose another folder"
        )
    write_json(folder / FILES, sorted(former | new))
    yield
    for name in former - new:
        (folder / name).unlink(missing_ok=True)
    write_json(folder / FILES, sorted(new))


def listed_in(folder: Path) -> set[str]:
    """Read which files of a folder are this program's: none where there is no list, or not one of plain names."""
    try:
        names = json.loads((folder / FILES).read_bytes())
    except (OSError, ValueError):
        return set()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return set()
    return {name for name in names if name == Path(name).name and not (folder / name).is_dir()}
