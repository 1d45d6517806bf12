"""What a data set is to the suite: ids, and for each id an image with its label map.

Label maps hold trainIds: 0 .. len(class_names) - 1, and IGNORE for pixels that enter neither loss nor score.
"""

import hashlib
import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..files import digest
from ..own_code import source_hash

__all__ = [
    "IGNORE",
    "Dataset",
    "FileDataset",
    "Image",
    "InMemory",
    "LabelMap",
    "Sample",
    "label_table",
    "png",
    "spaced",
    "webp",
]

IGNORE = 255
# Of these the files alone are hashed: what is made of them is part of this program, and tests hold it to its source.
FIXED = tuple(f"{__package__}.{name}" for name in ("ade20k", "camvid", "cityscapes", "cocostuff"))
MAX_WEBP_SIDE_PX = 16383
# Labels are drawn on the pixels as they are stored, so what EXIF says of turning a photograph is passed over.
RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
Item = TypeVar("Item")
Image = NDArray[np.uint8]
LabelMap = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sample:
    """image: uint8 (H, W, 3) RGB. label: uint8 (H, W) of trainIds, IGNORE where there is none."""

    image_id: str
    image: Image
    label: LabelMap


class Dataset(ABC):
    """A split of a data set. It is small and picklable: images are read when asked for, in whichever process.

    name: as on the command line. split: one of the data set's own, such as "val". class_names and palette (RGB, 0-255):
    one per trainId. shows_images: whether its licence lets a report show the images themselves. ids: sorted, unique.
    """

    name: str
    split: str
    class_names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    shows_images: bool = True
    synthetic: bool = False

    @property
    @abstractmethod
    def ids(self) -> tuple[str, ...]:
        """All image ids, sorted."""

    @property
    def total(self) -> int:
        """How many images the split has, of which a folder may hold a part."""
        return len(self.ids)

    @abstractmethod
    def load(self, image_id: str) -> Sample:
        """Read or make one sample. Raises DataError that names the file and what was expected."""

    @abstractmethod
    def fingerprint(self, ids: Sequence[str]) -> str:
        """Hash what decides the pixels and labels of these ids, without decoding them."""

    @staticmethod
    def blocks(ids: Sequence[str]) -> tuple[str, ...]:
        """Name the block of each id, from the id alone: images of one block resemble each other (as the frames of a
        video do), those of two blocks do not. Statistics draw blocks, not images. By default each image is its own.
        """
        return tuple(ids)


class FileDataset(Dataset):
    """Pairs of image and label files; a table of 256 entries turns stored label values into trainIds.

    options: what `open_dataset` was given. version: for a class without a source file, as in a notebook: another one
    with every edit.
    """

    options: Mapping[str, object] = MappingProxyType({})
    version: str = ""

    def __init__(self, pairs: Mapping[str, tuple[Path, Path]], table: NDArray[np.int16]) -> None:
        self.pairs = dict(sorted(pairs.items()))
        self.table = table

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self.pairs)

    def load(self, image_id: str) -> Sample:
        image_file, label_file = self.pairs[image_id]
        image = read_image(image_file, RGB)
        stored = read_image(label_file, cv2.IMREAD_UNCHANGED)
        if stored.ndim != 2 or stored.dtype != np.uint8:
            raise DataError(f"{label_file}: expected one 8-bit channel, got {stored.dtype} of shape {stored.shape}")
        if stored.shape != image.shape[:2]:
            raise DataError(
                f"{label_file}: its size {stored.shape[1]}x{stored.shape[0]} differs from its image's "
                f"{image.shape[1]}x{image.shape[0]}"
            )
        label = self.table[stored]
        if label.min() < 0:
            allowed = ", ".join(map(str, np.flatnonzero(self.table >= 0)))
            raise DataError(f"{label_file}: label value {stored[label < 0][0]}; allowed are {allowed}")
        return Sample(image_id, image, label.astype(np.uint8))

    def fingerprint(self, ids: Sequence[str]) -> str:
        files = [[image_id, *(file_digest(path) for path in self.pairs[image_id])] for image_id in ids]
        kind = type(self)
        if kind.__module__ in FIXED:
            return digest(files)
        source = "" if kind is FileDataset else source_hash(kind, self.version)
        options = sorted((name, repr(value)) for name, value in self.options.items())
        return digest([files, list(self.class_names), self.table.tolist(), options, source])


class InMemory(Dataset):
    """Another data set whose samples are read or made once and then kept, in each process that uses it."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.samples: dict[str, Sample] = {}
        self.name, self.split = dataset.name, dataset.split
        self.class_names, self.palette = dataset.class_names, dataset.palette
        self.shows_images, self.synthetic = dataset.shows_images, dataset.synthetic

    @property
    def ids(self) -> tuple[str, ...]:
        return self.dataset.ids

    @property
    def total(self) -> int:
        return self.dataset.total

    def load(self, image_id: str) -> Sample:
        if image_id not in self.samples:
            self.samples[image_id] = self.dataset.load(image_id)
        return self.samples[image_id]

    def fingerprint(self, ids: Sequence[str]) -> str:
        return self.dataset.fingerprint(ids)


def label_table(mapping: Mapping[int, int]) -> NDArray[np.int16]:
    """Make the table of 256 entries from stored value to trainId; values that are not in the mapping become -1."""
    table = np.full(256, -1, np.int16)
    table[list(mapping)] = list(mapping.values())
    return table


def read_image(path: Path, flags: int) -> NDArray[np.uint8]:
    """Decode a PNG, WebP or JPEG file. Raises DataError for a truncated one, of which OpenCV would make the rest up."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: can't be read ({error.strerror})") from None
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if is_whole(content) else None
    if decoded is None:
        raise DataError(f"{path}: not a complete {path.suffix[1:].upper()} file")
    return np.asarray(decoded)


def is_whole(content: bytes) -> bool:
    """Whether a file goes on to the end that its format states.

    PNG by its last chunk, WebP by its stated length, JPEG by the end marker after its last scan: a thumbnail, which has
    an end marker too, comes before the scans, and cameras append what is none of the image's.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return len(content) >= 8 + int.from_bytes(content[4:8], "little")
    if content[:2] == b"\xff\xd8":
        return content.rfind(b"\xff\xd9") > content.rfind(b"\xff\xda")
    return content[-8:-4] == b"IEND"


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode RGB (H, W, 3) or one channel (H, W) as PNG. Raises ValueError where OpenCV fails to."""
    done, encoded = cv2.imencode(".png", pixels[:, :, ::-1] if pixels.ndim == 3 else pixels)
    if not done:
        raise ValueError(f"OpenCV can't encode an image of {pixels.shape[0]}x{pixels.shape[1]} px as PNG")
    return encoded.tobytes()


def webp(pixels: Image) -> bytes:
    """Encode RGB (H, W, 3) as lossless WebP, with little effort. Raises ValueError for a side beyond 16383 px."""
    from PIL import Image as Pillow

    if max(pixels.shape) > MAX_WEBP_SIDE_PX:
        raise ValueError(f"an image of {pixels.shape[0]}x{pixels.shape[1]} px; WebP ends at {MAX_WEBP_SIDE_PX}")
    encoded = io.BytesIO()
    Pillow.fromarray(pixels).save(encoded, "WEBP", lossless=True, quality=0, method=1)
    return encoded.getvalue()


def file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise DataError(f"{path}: can't be read ({error.strerror})") from None


def spaced(ids: Sequence[Item], limit: int | None) -> tuple[Item, ...]:
    """Take `limit` of the ids, evenly spaced over their order; all of them for None or a limit beyond their number."""
    if limit is None or limit >= len(ids):
        return tuple(ids)
    return tuple(ids[(2 * k + 1) * len(ids) // (2 * limit)] for k in range(limit))
