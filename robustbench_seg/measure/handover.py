"""Send values from a worker process to its main process: large arrays in shared memory, all else through their pipe.

An array is copied once, into a segment that both processes have mapped. The worker uses a segment again once no array
in the main process lies in it. A segment is anonymous memory of Linux (`memfd_create`): it has no name, so nothing is
left after a kill; its size is reserved, so that a write can't fail; and the size of /dev/shm is no limit. Where there
is no such memory, or no more of it, an array goes through the pipe.
"""

import mmap
import os
import pickle
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MachineError

__all__ = ["Receiver", "Sender", "segments_of_each"]

SMALL = 2**16  # bytes of an array for which a segment is not worth its system calls
MOST, LEAST = 1024, 64  # segments of all workers together, and of a worker; a GPU has five batches under way
SHARE_OF_FILES = 4  # an open file in so many may be a segment of the main process

Places = Sequence[tuple[int, int]]  # the segment of each array, and the array's bytes


def segments_of_each(workers: int) -> int:
    """Count the segments that each worker may have; 0 without such memory.

    Each is an open file of the main process, whose soft limit is raised where it would not allow so many.
    """
    if not hasattr(os, "memfd_create") or not hasattr(mmap, "MAP_POPULATE"):
        return 0
    import resource

    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = max(LEAST, MOST // workers)
    enough = number * SHARE_OF_FILES * workers
    if files == resource.RLIM_INFINITY or files >= enough:
        return number
    with suppress(OSError, ValueError):  # then there are fewer segments, and some images take the slower pipe
        more = enough if most == resource.RLIM_INFINITY else min(enough, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (more, most))
        files = more
    return min(number, files // (SHARE_OF_FILES * workers))


@dataclass(eq=False)
class Sender:
    """The end of a worker process. most: segments. idle: numbers of the segments without an array.

    descriptors: of the segments that the main process lacks. dropped: numbers of those that it need not keep.
    """

    connection: Connection
    most: int
    segments: dict[int, mmap.mmap] = field(default_factory=dict)
    idle: set[int] = field(default_factory=set)
    descriptors: dict[int, int] = field(default_factory=dict)
    dropped: list[int] = field(default_factory=list)
    made: int = 0

    def take_back(self) -> None:
        """Receive what `give_back` sends."""
        self.idle.update(pickle.loads(self.connection.recv_bytes()))

    def pack(self, value: object) -> tuple[bytes, Places]:
        """Pickle a value, with its large arrays in segments. Raises what pickle raises."""
        places: list[tuple[int, int]] = []

        def stays(buffer: pickle.PickleBuffer) -> bool:
            """Whether an array stays in the pickled value; else it is in a segment."""
            array = buffer.raw()
            number = self.segment(array.nbytes) if array.nbytes > SMALL else None
            if number is None:
                return True
            self.segments[number][: array.nbytes] = array
            places.append((number, array.nbytes))
            return False

        try:
            return pickle.dumps(value, protocol=5, buffer_callback=stays), places
        except BaseException:
            self.idle.update(number for number, _ in places)
            raise

    def send(self, pickled: bytes, places: Places) -> None:
        """Send what `pack` has returned."""
        new = [(number, len(self.segments[number])) for number in self.descriptors]
        self.connection.send_bytes(pickle.dumps((places, new, self.dropped)))
        for number, _ in new:
            send_handle(self.connection, self.descriptors[number], None)
            os.close(self.descriptors.pop(number))
        self.dropped = []
        self.connection.send_bytes(pickled)

    def segment(self, size: int) -> int | None:
        """Take an idle segment for so many bytes, and at most half empty, or a new one; None where there is none."""
        for number in self.idle:
            if size <= len(self.segments[number]) < 2 * size:
                self.idle.remove(number)
                return number
        return self.new_segment(size)

    def new_segment(self, size: int) -> int | None:
        """Make a segment: in the place of an idle one, of another size, if there are enough."""
        if len(self.segments) >= self.most:
            if not self.idle:
                return None
            self.drop(self.idle.pop())
        with suppress(OSError):
            descriptor = os.memfd_create("robustbench-seg")
            try:
                os.posix_fallocate(descriptor, 0, size)
                memory = mmap.mmap(descriptor, size, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
            except OSError:
                os.close(descriptor)
                raise
            self.made += 1
            self.segments[self.made], self.descriptors[self.made] = memory, descriptor
            return self.made
        return None

    def drop(self, number: int) -> None:
        """Give a segment's memory back to the system; the main process does so with the next value."""
        self.segments.pop(number).close()
        if number in self.descriptors:
            os.close(self.descriptors.pop(number))
        else:
            self.dropped.append(number)


@dataclass(eq=False)
class Receiver:
    """The end of the main process. returned: numbers of the segments in which no array lies any more."""

    connection: Connection
    segments: dict[int, mmap.mmap] = field(default_factory=dict)
    returned: list[int] = field(default_factory=list)

    def receive(self) -> Any:
        """Receive a value; only from this process's own child. Its arrays are the caller's to keep.

        A process that is forked meanwhile shares their memory, and sees what follows in it. Raises MachineError where
        this process has no memory or open files left.
        """
        places, new, dropped = pickle.loads(self.connection.recv_bytes())
        for number in dropped:
            del self.segments[number]
        for number, size in new:
            try:
                descriptor = recv_handle(self.connection)
                try:
                    self.segments[number] = mmap.mmap(descriptor, size, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
                finally:
                    os.close(descriptor)
            except (OSError, RuntimeError) as error:  # no memory or, from recv_handle, no free descriptor
                raise MachineError(
                    f"the memory of a worker process can't be mapped ({error}): use fewer --workers, or raise the "
                    "limit of open files (ulimit -n)"
                ) from None
        return pickle.loads(self.connection.recv_bytes(), buffers=[self.lease(*place) for place in places])

    def lease(self, number: int, size: int) -> NDArray[np.uint8]:
        """Lend the begin of a segment until no array lies in it."""
        memory = np.frombuffer(self.segments[number], np.uint8, size)
        weakref.finalize(memory, self.returned.append, number).atexit = False
        return memory

    def give_back(self) -> None:
        """Send the numbers in `returned`, to which another thread may add meanwhile."""
        numbers = self.returned[:]
        self.connection.send_bytes(pickle.dumps(numbers))
        del self.returned[: len(numbers)]
