"""What data sets of streets share that are labelled with Cityscapes' 19 classes: one trainId is the same in all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from ..wording import quote
from .base import IGNORE
from .cityscapes import CLASS_NAMES, FROM_LABEL_IDS, PALETTE
from .file_dataset import FileDataset, label_table
from .folders import Listing, pair

__all__ = ["FROM_LABEL_IDS", "FROM_TRAIN_IDS", "Driving", "Part", "from_names"]

FROM_TRAIN_IDS = {value: value for value in range(len(CLASS_NAMES))} | {IGNORE: IGNORE}


@dataclass(frozen=True)
class Part:
    """Images of one condition ("" for none), and the folder of their labels; tables: by the ending of labels."""

    condition: str
    images: Listing
    labels: Path
    tables: Mapping[str, Mapping[int, int]]


class Driving(FileDataset):
    """19 classes; the licences of such sets do not let reports show their images."""

    class_names: tuple[str, ...] = CLASS_NAMES
    palette: tuple[tuple[int, int, int], ...] = PALETTE
    shows_images = False

    def gather(self, parts: Sequence[Part]) -> None:
        """Pair the images of all parts with labels of one kind, each id behind its condition.

        Raises DataError for an image without a label, for two images of one id, and where the labels of two parts are
        of different kinds.
        """
        pairs: dict[str, tuple[Path, Path]] = {}
        notes: list[str] = []
        tables = []
        for part in parts:
            matches = pair(part.images, part.labels, *part.tables)
            tables.append(part.tables[matches.ending])
            if tables[-1] != tables[0]:
                raise DataError(
                    f"{quote(part.labels)}: has labels ...{matches.ending}, of another kind than the others"
                )
            before = f"{part.condition}/" if part.condition else ""
            own = {f"{before}{image_id}": files for image_id, files in matches.files.items()}
            if twice := sorted(own.keys() & pairs.keys()):
                one, other = (quote(files[twice[0]][0]) for files in (pairs, own))
                raise DataError(f"{other}: has the id {twice[0]!r}, as {one} has; rename one of the two and its label")
            pairs |= own
            notes += matches.notes
        FileDataset.__init__(self, pairs, label_table(tables[0]), tuple(notes))


def from_names(names: Sequence[str], to: Mapping[str, Sequence[str]]) -> dict[int, int]:
    """Turn the values 0, 1, ... of `names` into trainIds: `to` lists names for each class, the rest is ignored."""
    trainids = {name: CLASS_NAMES.index(target) for target, some in to.items() for name in some}
    if unknown := set(trainids) - set(names):
        raise ValueError(f"{sorted(unknown)[0]!r} is none of the names")
    return {value: trainids.get(name, IGNORE) for value, name in enumerate(names)}
