"""The images in a data set's folder, the label of each, and a word on what is left out or missing."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import DataError
from ..wording import counted, is_utf8, listed, quote
from .tree import contents, is_like_an_image, require_folder, walk

__all__ = [
    "Listing",
    "Pairs",
    "and_more",
    "both",
    "by_id",
    "in_another_format",
    "list_images",
    "names_of",
    "notes_of",
    "pair",
    "without_label",
    "without_labels_of",
]

EXAMPLES = 3


@dataclass(frozen=True)
class Listing:
    """The files of one kind in a folder.

    files: by id, which is the name without its ending, in Unicode's form NFC. left_out: what looks like an image and is
    not among them, by the reason. depth: if it is given, an id begins with the folders below that many.
    """

    folder: Path
    files: dict[str, Path]
    left_out: dict[str, list[Path]]
    depth: int | None = None

    def only(self, ids: Iterable[str]) -> "Listing":
        """Keep these ids."""
        return replace(self, files={image_id: self.files[image_id] for image_id in ids})

    @property
    def notes(self) -> tuple[str, ...]:
        """One line that names what is left out, if anything is."""
        if not self.left_out:
            return ()
        parts = (f"{why}: {names_of(self.folder, paths)}" for why, paths in self.left_out.items())
        return (f"{quote(self.folder)}: left out: {'; '.join(parts)}",)


@dataclass(frozen=True)
class Pairs:
    """Image and label by id. ending: of the labels' names. notes: a line on images left out, and on labels."""

    files: dict[str, tuple[Path, Path]]
    ending: str
    notes: tuple[str, ...]


def list_images(folder: Path, *endings: str, but: Sequence[str] = (), depth: int | None = None) -> Listing:
    """List the images of a folder as `list_files` does. Raises DataError if there is none, too."""
    listing = list_files(folder, endings, but, depth)
    if not listing.files:
        raise DataError(f"{quote(folder)}: no file ends in {' or '.join(endings)}; it holds {contents(folder)}")
    return listing


def pair(images: Listing, folder: Path, *endings: str, but: Sequence[str] = ()) -> Pairs:
    """Pair each image with the label of its id in a folder: all with the first of `endings` that has one for each.

    but: endings of other files there. Raises DataError for a missing folder and for an image without a label.
    """
    require_folder(folder, *endings)
    for ending in endings:
        labels = list_files(folder, (ending,), but, images.depth)
        lacking = without_label(images, labels)
        if not lacking:
            return Pairs(both(images, labels), ending, notes_of(images, labels))
    image = images.files[lacking[0]]
    expected = folder / image.parent.relative_to(images.folder) / f"{lacking[0].rpartition('/')[2]}{ending}"
    others = "".join(f" or ...{other}" for other in endings[:-1])
    hint = in_another_format(labels, expected)
    raise DataError(f"{quote(image)}: has no label; expected {quote(expected)}{others}{hint}{and_more(lacking)}")


def in_another_format(labels: Listing, expected: Path) -> str:
    """Name a file with the name of an expected label and the ending of another format; "" where there is none."""
    paths = (path for some in labels.left_out.values() for path in some)
    other = next((path for path in paths if path.with_suffix("") == expected.with_suffix("")), None)
    return f", but {quote(other.name)} is there; labels are read from {expected.suffix} alone" if other else ""


def without_label(images: Listing, labels: Listing) -> list[str]:
    """The ids of images without a label."""
    return [name for name in images.files if name not in labels.files]


def both(images: Listing, labels: Listing) -> dict[str, tuple[Path, Path]]:
    """Image and label by id."""
    return {name: (path, labels.files[name]) for name, path in images.files.items()}


def notes_of(images: Listing, labels: Listing) -> tuple[str, ...]:
    """A line on images left out, and one on labels without an image."""
    alone = [path for name, path in labels.files.items() if name not in images.files]
    note = f"{quote(labels.folder)}: {counted(len(alone), 'label')} without an image: {names_of(labels.folder, alone)}"
    return without_labels_of(images, labels).notes + ((note,) if alone else ())


def without_labels_of(images: Listing, labels: Listing) -> Listing:
    """Leave labels that lie among the images out of what is left out: they are used."""
    used = set(labels.files.values())
    rest = {why: [path for path in paths if path not in used] for why, paths in images.left_out.items()}
    return replace(images, left_out={why: paths for why, paths in rest.items() if paths})


def and_more(lacking: Sequence[str]) -> str:
    """Count the images after the first that lack a label, too; nothing where it is one."""
    more = len(lacking) - 1
    return f" ({counted(more, 'other image')} {'has' if more == 1 else 'have'} none either)" if more else ""


def list_files(folder: Path, endings: Sequence[str], but: Sequence[str] = (), depth: int | None = None) -> Listing:
    """List the files of a folder and its subfolders whose names end in one of `endings`, in any case.

    Links are followed. but: endings of files that are passed over. depth: of `Listing`. Raises DataError for a missing
    folder, for two files of one id, such as a PNG and a WebP, and for a name that is not UTF-8.
    """
    require_folder(folder, *endings)
    pairs: list[tuple[Path, str]] = []
    left_out: dict[str, list[Path]] = {}
    for path, why_not in walk(folder):
        name = path.name.lower()
        ending = next((ending for ending in endings if name.endswith(ending.lower())), None)
        if why_not is None and name.endswith(tuple(other.lower() for other in but)):
            continue
        if why_not is None and ending is not None:
            before = () if depth is None else path.relative_to(folder).parts[depth:-1]
            pairs.append((path, "/".join([*before, path.name[: -len(ending)]])))
        elif why_not is not None or is_like_an_image(path):
            left_out.setdefault(why_not or f"not ending in {' or '.join(endings)}", []).append(path)
    return Listing(folder, by_id(pairs), left_out, depth)


def by_id(pairs: Iterable[tuple[Path, str]]) -> dict[str, Path]:
    """Files with their ids, by id in Unicode's form NFC. Raises DataError for an id of two, or that is not UTF-8."""
    files: dict[str, Path] = {}
    for path, stem in sorted(pairs):
        if not is_utf8(stem):
            raise DataError(f"{quote(path)}: its name is not UTF-8; rename it")
        other = files.setdefault(unicodedata.normalize("NFC", stem), path)
        if other != path:
            forms = "" if stem.isascii() else " (names that look alike may differ in the form of Unicode, NFC or NFD)"
            raise DataError(f"{quote(path)}: has the same id as {quote(other)}; remove one of them{forms}")
    return files


def names_of(folder: Path, paths: Sequence[Path]) -> str:
    """Name the first few of some paths below a folder."""
    return listed([quote(path.relative_to(folder)) for path in paths], EXAMPLES)
