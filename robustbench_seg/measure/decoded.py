"""Images and labels as they were decoded, kept while a run lasts, so that each file is decoded once for all conditions.

They lie in a private folder, and each process of the run maps them into its memory: one mechanism for any number of
workers. What was read or written lately stays in the system's cache of files, which gives way when memory is needed.
The next run removes the folder of a run that was killed.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..datasets.base import Dataset, Sample, files_of, loaded
from ..datasets.wrapper import Wrapper
from ..environment import free_memory
from ..errors import DataError, MachineError
from ..files import digest
from ..private_folders import private_folder, remove_left
from ..wording import quote

__all__ = ["Decoded", "decoding", "stamps_of"]

SHARE_OF_MEMORY, SHARE_OF_DISK = 0.5, 0.9
UNIT = 2**16  # bytes in which room is counted

Stamp = tuple[int, int] | None  # what changes with a file's content: its size and its time
Stamps = Mapping[str, tuple[Stamp, ...]]  # of the files of an image, by its id


class Decoded(Wrapper):
    """Another data set, whose samples are kept in a folder after they were loaded, as long as there is room.

    folder: None to keep nothing. room: bytes. stamps: as returned by `stamps_of` before the images were read for the
    fingerprint. An image that is not in stamps is loaded again each time.
    """

    def __init__(self, dataset: Dataset, stamps: Stamps, folder: Path | None, room: int) -> None:
        super().__init__(dataset)
        self.stamps, self.folder, self.room = stamps, folder, room

    def unkept(self) -> "Decoded":
        """The same data set, with nothing kept."""
        return Decoded(self.dataset, self.stamps, None, 0)

    def load(self, image_id: str) -> Sample:
        """Load one sample, or map it. Raises DataError for files that have changed since the stamps were taken."""
        self.expect_unchanged(image_id)
        places = self.places(image_id)
        if places and all(place.exists() for place in places):
            image, label = (np.asarray(np.load(place, mmap_mode="c")) for place in places)  # c: the file stays
            return Sample(image_id, image, label)
        sample = loaded(self.dataset, image_id)
        self.expect_unchanged(image_id)  # else a part of what was read may be of another image
        if places and self.reserve(sample.image.nbytes + sample.label.nbytes):
            for place, values in zip(places, (sample.image, sample.label), strict=True):
                keep(place, values)
        return sample

    def places(self, image_id: str) -> tuple[Path, ...]:
        """Where an image and its label are kept, if they are."""
        if self.folder is None or image_id not in self.stamps:
            return ()
        return tuple(self.folder / f"{digest(image_id)}-{what}.npy" for what in ("image", "label"))

    def expect_unchanged(self, image_id: str) -> None:
        """Raise DataError if a file of an image is another one than at the start of the run."""
        if image_id not in self.stamps:
            return
        files = files_of(self.dataset, image_id) or ()
        for path, before in zip(files, self.stamps[image_id], strict=True):
            if stamp(path) != before:
                raise DataError(f"{quote(path)}: changed during the run; run again when nothing writes there")

    def reserve(self, size: int) -> bool:
        """Take room for so many bytes, among all processes of the run; False if there is not enough left."""
        assert self.folder is not None
        with suppress(OSError), (self.folder / "reserved").open("ab") as file:
            file.write(bytes(-(-size // UNIT)))
            file.flush()
            return file.tell() * UNIT <= self.room  # the end of what this process has appended
        return False


def keep(place: Path, values: NDArray[np.uint8]) -> None:
    """Write an array, whole or not at all; not where the system refuses, since it can be loaded again."""
    part = place.with_suffix(f".{os.getpid()}")
    try:
        with part.open("wb") as file:
            np.save(file, values)
        part.replace(place)
    except OSError:
        with suppress(OSError):
            part.unlink()


def stamps_of(dataset: Dataset, ids: Iterable[str]) -> Stamps:
    """Stamp the files of images, of those whose files the data set names."""
    files_at, load_at = (defined_in(type(dataset), method) for method in ("files", "load"))
    if files_at > load_at:  # `load` is a subclass's, and may read other files than those that its base class names
        return {}
    files = {image_id: files_of(dataset, image_id) for image_id in ids}
    return {image_id: tuple(map(stamp, paths)) for image_id, paths in files.items() if paths is not None}


def defined_in(kind: type, method: str) -> int:
    """How far up in the order of base classes a method is defined."""
    return next(place for place, base in enumerate(kind.__mro__) if method in vars(base))


def stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


@contextmanager
def decoding(dataset: Dataset | None, stamps: Stamps, cache: Path | None, sweeps: int) -> Iterator[Dataset | None]:
    """Hold a block to a data set whose samples are kept, if there are several sweeps that load them.

    cache: where they are kept, beyond what fits into memory; None for the folder of temporary files, where that can be
    written. Raises MachineError where `cache` can't be written.
    """
    with ExitStack() as stack:
        folder, room = None, 0
        with suppress(*((OSError, MachineError) if cache is None else ())):
            place = cache or Path(tempfile.gettempdir())
            if sweeps > 1 and stamps:
                folder = stack.enter_context(private_folder(place))
                room = room_in(folder, memory=cache is None)
            else:
                remove_left(place)  # of a run that was killed in its last sweep
        yield None if dataset is None else Decoded(dataset, stamps, folder, room)


def room_in(folder: Path, *, memory: bool) -> int:
    """How many bytes may be kept in a folder: most of its free disk; memory: and half of the free memory at most."""
    room = round(SHARE_OF_DISK * shutil.disk_usage(folder).free)
    return min(room, round(SHARE_OF_MEMORY * free_memory())) if memory else room
