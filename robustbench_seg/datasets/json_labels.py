"""Faults of a JSON file of labels, in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DataError
from ..wording import quote

__all__ = ["reading"]


@contextmanager
def reading(path: Path, likeness: str) -> Iterator[None]:
    """Hold a block that reads a JSON file and takes its parts. likeness: such as "panoptic JSON is".

    Raises DataError, which names the file, for one that can't be read, is no JSON, or lacks a part.
    """
    try:
        yield
    except OSError as error:
        raise DataError(f"{quote(path)}: can't be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{quote(path)}: no JSON in UTF-8 ({error})") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{quote(path)}: not as {likeness}: {type(error).__name__} {error}") from None
