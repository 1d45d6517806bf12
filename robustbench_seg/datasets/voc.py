"""PASCAL VOC 2012's segmentation task (VOCtrainval_11-May-2012.tar; the root is its folder VOCdevkit/VOC2012).

    <root>/JPEGImages/<name>.jpg
    <root>/SegmentationClass/<name>.png                              palette; 255 is the rim of objects, ignored
    <root>/ImageSets/Segmentation/{train,val,trainval}.txt           a name per line

Source: Everingham et al., "The PASCAL Visual Object Classes Challenge: A Retrospective", IJCV 2015. 21 classes with the
background; 1,464 training and 1,449 validation images. The images are Flickr's, so reports do not show them.
"""

from pathlib import Path

from ..errors import DataError
from ..wording import quote
from .base import IGNORE
from .file_dataset import FileDataset, label_table
from .folders import list_images, pair
from .lookup import Lookup

__all__ = ["VOC", "colour_of", "read_list"]


def colour_of(number: int) -> tuple[int, int, int]:
    """Give a number of 0 .. 255 its colour in PASCAL VOC's map, where no two are equal.

    Bits 0, 3 and 6 of the number are the three highest bits of red, the highest first; green has the next bits up, and
    blue those after them.
    """
    red, green, blue = (
        sum((number >> (3 * place + channel) & 1) << (7 - place) for place in range(3)) for channel in range(3)
    )
    return red, green, blue


class VOC(FileDataset):
    """21 classes, background among them; label value 255 is ignored."""

    name = "voc"
    splits = ("train", "val", "trainval")
    shows_images = False
    class_names = (
        "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
        "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa", "train", "tv/monitor",
    )  # fmt: skip
    palette = tuple(map(colour_of, range(21)))

    def __init__(self, root: Path, split: str = "val") -> None:
        self.choose(split)
        images = list_images(root / "JPEGImages", ".jpg", ".jpeg")
        ids = read_list(root / "ImageSets" / "Segmentation" / f"{split}.txt", Lookup(images, root))
        pairs = pair(images.only(ids), root / "SegmentationClass", ".png")
        # Most images have no label for segmentation, and other splits' labels lie there, too: neither is worth a note.
        super().__init__(pairs.files, label_table({k: k for k in range(21)} | {255: IGNORE}), images.notes)


def read_list(path: Path, lookup: Lookup) -> list[str]:
    """Read ids, or names or paths of image files, one per line, of a split; the lookup finds what each line names.

    After an id, separated by a space, there may be more, such as its label's path. Raises DataError for a line that
    names no image, or that may name several.
    """
    try:
        lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{quote(path)}: can't be read as a list of images ({error})") from None
    ids = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            image_id = lookup.find(line) or lookup.find(line.split(" ")[0])
        except DataError as error:
            raise DataError(f"{quote(path)}: line {number}: {error}") from None
        if image_id is None:
            raise DataError(f"{quote(path)}: line {number}: no image is called {quote(line)}")
        ids.append(image_id)
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise DataError(f"{quote(path)}: {quote(twice)} comes twice")
    return sorted(ids)
