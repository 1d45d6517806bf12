"""What lies below a data set's folder: its files, and why one does not count."""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError
from ..wording import listed, quote

__all__ = ["contents", "is_like_an_image", "require_folder", "walk"]

NAMES_SHOWN = 8
LIKE_IMAGES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".jp2"),
    *(".avif", ".heic"),
)
# Folders of systems and file servers, in small letters; those whose names begin with a dot are hidden anyway.
OF_SYSTEMS = {
    *("@eadir", "@recycle", "#recycle", "#snapshot", "$recycle.bin", "__macosx"),
    *("lost+found", "system volume information"),
}


def walk(folder: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield the files below a folder, and why one does not count, or None; of what is hidden, images alone.

    A real folder is entered once, under its own name rather than the name of a link; one that holds `folder`, never.
    """
    entered = set(folder.resolve().parents)
    folders, links = deque([folder]), deque[Path]()
    while folders or links:
        here = folders.popleft() if folders else links.popleft()
        if (real := here.resolve()) in entered:
            if here.is_symlink():
                yield here, "a link to a folder that is entered already"
            continue
        entered.add(real)
        for entry in entries_of(here):
            path = Path(entry.path)
            there = path if entry.is_symlink() else entry  # an entry fails over links in a circle
            if entry.name.startswith(".") or entry.name.lower() in OF_SYSTEMS:
                yield from ((image, "hidden or a system's") for image in images_within(path))
            elif there.is_dir():
                (links if entry.is_symlink() else folders).append(path)
            elif there.is_file():
                yield path, None
            elif not entry.is_symlink():
                yield path, "neither a file nor a folder"
            else:  # broken; one to an image is a fault of that image, and is reported with others
                yield path, None if is_like_an_image(path) else "a broken link"


def entries_of(folder: Path) -> list[os.DirEntry[str]]:
    """List what is in a folder, by name. Raises DataError where that is not allowed."""
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"{quote(folder)}: can't be read ({error.strerror})") from None


def images_within(path: Path) -> list[Path]:
    """List what looks like an image in a folder, links not followed; or the path itself."""
    if path.is_symlink() or not path.is_dir():
        return [path] if is_like_an_image(path) else []
    return sorted(Path(top, name) for top, _, names in os.walk(path) for name in names if is_like_an_image(Path(name)))


def is_like_an_image(path: Path) -> bool:
    """Whether a file's name ends as the names of images do."""
    return path.name.lower().endswith(LIKE_IMAGES)


def require_folder(folder: Path, *endings: str) -> None:
    """Raise DataError unless the folder is there: with what it should hold, and what is where it should be."""
    if not folder.is_dir():
        above = next((parent for parent in folder.parents if parent.is_dir()), Path())
        raise DataError(
            f"{quote(folder)}: no such folder; it should hold files that end in {' or '.join(endings)}, "
            f"but {quote(above)} holds {contents(above)}"
        )


def contents(folder: Path) -> str:
    """Name the first few entries of a folder."""
    names = sorted(entry.name for entry in entries_of(folder) if not entry.name.startswith("."))
    return listed(list(map(quote, names)), NAMES_SHOWN) or "nothing"
