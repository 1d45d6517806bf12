"""Which image a line of a user's list, or a name in a JSON file, stands for: an id, a path, or the end of a path."""

import unicodedata
from pathlib import PurePosixPath

from ..errors import DataError
from ..wording import listed, quote
from .folders import Listing

__all__ = ["Lookup"]

EXAMPLES = 3


class Lookup:
    """The ids of a listing by all that may name them. Endings of files may be left out.

    An id or a path from the images' folder comes first. The end of a path, such as a file's name, counts where it is
    the end of one path alone. A path may begin with folders that are not here, as in a list made elsewhere; what
    follows them must be a path from the images' folder.
    """

    def __init__(self, images: Listing) -> None:
        self.folder = images.folder
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
        alike = (self.ends[tail] for before, tail in tails if tail in (self.whole if before else self.ends))
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


def normal(text: str) -> str:
    """In Unicode's form NFC, as ids are."""
    return unicodedata.normalize("NFC", text)
