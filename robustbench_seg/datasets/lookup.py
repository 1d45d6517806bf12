"""Which image a line of a user's list, or a name in a JSON file, stands for: an id, a path, or the end of a path."""

import re
import unicodedata
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path, PurePosixPath

from ..errors import DataError
from ..wording import listed, quote
from .folders import Listing

__all__ = ["Lookup"]

EXAMPLES = 3
SPLIT = re.compile(r"(train|val|test)(ing|id|idation)?[-_]?\d*", re.IGNORECASE)  # usual names of splits


class Lookup:
    """The ids of a listing by all that may name them. Endings of files may be left out.

    An id or a path from the images' folder comes first. The end of a path, such as a file's name, counts where it is
    the end of one path alone. A path may begin with folders that are not here, as in a list made elsewhere; what
    follows them must be a path from the images' folder. It may not begin with another folder of the data set, nor with
    the name of another split: there the same names stand for other images.

    root: the folder of the data set. split, splits: the split of the images and all splits, where the folders of the
    images are named after them.
    """

    def __init__(self, images: Listing, root: Path, split: str = "", splits: Collection[str] = ()) -> None:
        self.files, self.folder = images.files, images.folder
        self.split, self.splits = split, splits
        depth = len(self.folder.relative_to(root).parts) if self.folder.is_relative_to(root) else 1
        # The folders from the images' one up to the root: the name of each, and the folder that it lies in.
        self.places = [*zip(map(normal, reversed(self.folder.parts)), self.folder.parents, strict=False)][:depth]
        self.whole: dict[str, set[str]] = {}  # ids and paths from the images' folder
        self.ends: dict[str, set[str]] = {}
        for image_id, file in images.files.items():
            path = PurePosixPath(normal(file.relative_to(images.folder).as_posix()))
            for name in (image_id, str(path), str(path.with_suffix(""))):
                self.whole.setdefault(name, set()).add(image_id)
            for parts in (path.parts, path.with_suffix("").parts, (image_id,)):
                for k in range(len(parts)):
                    self.ends.setdefault("/".join(parts[k:]), set()).add(image_id)

    def find(self, name: str) -> str | None:
        """Find the id of the image that is called so; None where none is. Raises DataError where several are."""
        parts = [part for part in PurePosixPath(normal(name)).parts if part not in ("/", "..")]
        tails = [(parts[:k], "/".join(parts[k:])) for k in range(len(parts))]
        exact = (self.whole[tail] for before, tail in tails if tail in self.whole and self.follows(before))
        alike = (
            self.ends[tail]
            for before, tail in tails
            if tail in (self.whole if before else self.ends) and not self.is_elsewhere(before)
        )
        ids = sorted(next(exact, set()) or next(alike, set()))
        if len(ids) > 1:
            raise DataError(
                f"{quote(name)} may be {listed(list(map(quote, ids)), EXAMPLES, ' or ')}; "
                f"give the id, or the path from {quote(self.folder)}"
            )
        return ids[0] if ids else None

    def follows(self, before: list[str]) -> bool:
        """Whether these folders are the last ones of the path of the images' folder."""
        return not before or list(self.folder.parts[-len(before) :]) == before

    def is_elsewhere(self, before: list[str]) -> bool:
        """Whether these folders lead to another folder of the data set than the images' one, or to another split."""
        places = self.places
        for name in reversed(before):
            if not places or name == self.split:
                return False
            if name == places[0][0]:
                places = places[1:]
            elif self.is_other_split(name) or any(is_folder(above / name) for _, above in places):
                return True
        return False

    def is_other_split(self, name: str) -> bool:
        """Whether a folder has the name of another split, or a usual name of one: train2017 where the split is val."""
        if not self.split or name in self.splits:
            return bool(self.split)
        usual, own = SPLIT.fullmatch(name), SPLIT.fullmatch(self.split)
        return usual is not None and own is not None and usual[1].lower() != own[1].lower()


def is_folder(path: Path) -> bool:
    with suppress(OSError):  # a name too long for a file
        return path.is_dir()
    return False


def normal(text: str) -> str:
    """In Unicode's form NFC, as ids are."""
    return unicodedata.normalize("NFC", text)
