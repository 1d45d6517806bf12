"""What lies in a data set's folder: its images, the label of each, and a clear word where something is missing."""

from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import DataError

__all__ = ["by_id", "contents", "list_images", "with_labels"]

NAMES_SHOWN = 8


def list_images(folder: Path, *suffixes: str) -> list[Path]:
    """List the files of a folder and its subfolders that end in one of `suffixes`. Raises DataError if none does."""
    require_folder(folder, *suffixes)
    found = sorted(p for p in folder.rglob("*.*") if p.name.endswith(suffixes) and not p.name.startswith("."))
    if not found:
        raise DataError(f"{folder}: no file ends in {' or '.join(suffixes)}; it holds {contents(folder)}")
    return found


def by_id(paths: Iterable[Path], id_of: Callable[[Path], str]) -> dict[str, Path]:
    """Find each image by its id. Raises DataError where two files have the same, such as a PNG and a WebP."""
    found: dict[str, Path] = {}
    for path in paths:
        other = found.setdefault(id_of(path), path)
        if other != path:
            raise DataError(f"{path}: has the same id as {other}; remove one of them")
    return found


def with_labels(images: Iterable[Path], labels: Path) -> dict[str, tuple[Path, Path]]:
    """Pair each image with the PNG of its name in the folder `labels`; its id is its name without the suffix.

    Raises DataError for an image without a label, and for a folder that is missing.
    """
    require_folder(labels, ".png")
    pairs = {name: (image, labels / f"{name}.png") for name, image in by_id(images, lambda path: path.stem).items()}
    for image, label in pairs.values():
        if not label.is_file():
            raise DataError(f"{image}: has no label; expected {label}")
    return pairs


def require_folder(folder: Path, *suffixes: str) -> None:
    """Raise DataError unless the folder is there: with what it should hold, and what is where it should be."""
    if not folder.is_dir():
        above = next((parent for parent in folder.parents if parent.is_dir()), Path())
        raise DataError(
            f"{folder}: no such folder; it should hold files that end in {' or '.join(suffixes)}, "
            f"but {above} holds {contents(above)}"
        )


def contents(folder: Path) -> str:
    """Name the first few entries of a folder."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    more = len(names) - NAMES_SHOWN
    return (", ".join(names[:NAMES_SHOWN]) or "nothing") + (f" and {more} more" if more > 0 else "")
