"""Claims: which process measures what, where several processes and machines share a folder.

    DIR/.claims/<name>.<number>     a claim: its owner as a line of JSON, then a dot per beat

A claim is a file that only one process can create (O_CREAT | O_EXCL). Its owner locks it, and appends a byte to it
every BEAT_S seconds. The claim with the highest number counts. Where its owner has ended, any process may create the
next number. On the owner's machine the lock shows at once that it has ended. From another machine, or where files have
no locks, it has ended if no byte comes for LEFT_S seconds, as this process counts them: no clock or time of a file is
compared, and a jump of the clock, or a pause of this process, counts as one short wait.

A claim that is lost, or held twice, costs time and never a number: the files of cells are atomic, and their counts
follow from their keys.
"""

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..files import writing
from ..stopping import ENDINGS
from ..temporary_files import boot

try:
    import fcntl
except ImportError:  # not POSIX
    fcntl = None  # type: ignore[assignment]

__all__ = ["Claim", "Claims"]

BEAT_S = 10.0
LEFT_S = 90.0
POLL_S = 1.0  # between two looks at the claims of others


@dataclass
class Sighting:
    """A claim of another process as it was last seen. still_s: for how long it has not changed.

    A look adds 2 * POLL_S to it at most.
    """

    content: bytes
    at: float
    still_s: float = 0.0


class Claim:
    """A claim that this process holds. what: in words."""

    def __init__(self, path: Path, what: str) -> None:
        """Create the file. Raises FileExistsError where another process has it."""
        self.path, self.what = path, what
        self.lock = threading.Lock()  # else a beat could go to a file that gets the descriptor after the release
        self.handle: int | None = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
        owner = {"host": socket.gethostname(), "process": os.getpid(), "boot": boot(), "token": secrets.token_hex(8)}
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks: then others judge by the beats
                fcntl.flock(self.handle, fcntl.LOCK_EX)
        with suppress(OSError):  # a full disk
            self.append(json.dumps({"what": what, **owner}).encode() + b"\n")

    def append(self, content: bytes) -> None:
        assert self.handle is not None
        os.write(self.handle, content)
        os.fsync(self.handle)

    def beat(self) -> None:
        """Show others that this process is at work."""
        with self.lock, suppress(OSError):
            if self.handle is not None:
                self.append(b".")

    @property
    def lost(self) -> bool:
        """Whether another process has taken it over, because this one was paused or could not write."""
        with self.lock:
            if self.handle is None:  # given up
                return False
            return not self.is_own() or latest(self.path.parent, name_of(self.path)) != self.path

    def is_own(self) -> bool:
        """Whether the file at its path is still the one that this process created."""
        try:
            return self.handle is not None and os.path.samestat(self.path.stat(), os.fstat(self.handle))
        except OSError:
            return False

    def release(self) -> None:
        """Remove it, and what processes that have ended left of the same name."""
        with self.lock:
            if self.handle is None:
                return
            own = self.is_own()
            older = [path for path in generations(self.path.parent, name_of(self.path)) if path != self.path]
            for path in older if own else ():
                if number_of(path) < number_of(self.path):
                    remove(path)
            if own:
                remove(self.path)
            os.close(self.handle)
            self.handle = None
            if own and os.name == "nt":  # an open file can't be removed there
                remove(self.path)


class Claims:
    """The claims of this process in a folder, as a context manager whose end releases them.

    clock: seconds; it may jump.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder, self.clock = folder / ".claims", clock
        self.own: set[Claim] = set()
        self.sightings: dict[Path, Sighting] = {}
        self.ended = threading.Event()

    def __enter__(self) -> Self:
        ENDINGS.add(self.end)
        threading.Thread(target=self.beat, name="claims", daemon=True).start()
        return self

    def __exit__(self, *details: object) -> None:
        self.end()
        ENDINGS.discard(self.end)

    def beat(self) -> None:
        while not self.ended.wait(BEAT_S):
            for claim in tuple(self.own):
                claim.beat()

    def end(self, at_once: bool = False) -> None:
        """Release all claims, so that other processes take what is left without delay."""
        self.ended.set()
        for claim in tuple(self.own):
            claim.release()

    def take(self, name: str, what: str) -> Claim | None:
        """Claim a name, unless another process holds it. what: in words. Raises MachineError where nothing can be
        written.
        """
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            last = latest(self.folder, name)
            if last is not None and not self.is_left(last):
                return None
            number = 0 if last is None else number_of(last) + 1
            try:
                claim = Claim(self.folder / f"{name}.{number}", what)
            except FileExistsError:
                return None
            self.own.add(claim)
            return claim

    @contextmanager
    def holding(self, claim: Claim) -> Iterator[Claim]:
        """Release a claim after a block."""
        try:
            yield claim
        finally:
            self.release(claim)

    def release(self, claim: Claim) -> None:
        """Give a claim up."""
        self.own.discard(claim)
        claim.release()

    def is_left(self, path: Path) -> bool:
        """Whether the owner of a claim has ended, as far as this process can know by now; look again, and often."""
        try:
            with path.open("rb") as file:
                content = file.read()
                if is_unlocked(file.fileno(), content):
                    return True
        except OSError:  # it was released meanwhile
            self.sightings.pop(path, None)
            return False
        now, seen = self.clock(), self.sightings.get(path)
        if seen is None or seen.content != content:
            self.sightings[path] = Sighting(content, now)
            return False
        seen.still_s += min(max(0.0, now - seen.at), 2 * POLL_S)  # a clock that jumps, and a pause, count as one look
        seen.at = now
        return seen.still_s >= LEFT_S

    def holder(self, name: str) -> str:
        """Name the process that holds a claim, and what it has claimed; "" if none does."""
        last = latest(self.folder, name)
        try:
            owner = owner_of(last.read_bytes()) if last else {}
        except OSError:
            owner = {}
        return "{what} (process {process} on {host})".format_map(owner) if owner else ""


def is_unlocked(descriptor: int, content: bytes) -> bool:
    """Whether the owner of a claim has ended on this machine, in any container: nothing locks its file."""
    if fcntl is None or not boot() or owner_of(content).get("boot") != boot():
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def owner_of(content: bytes) -> dict[str, Any]:
    """Read the first line of a claim; empty while it is not written."""
    try:
        owner = json.loads(content.partition(b"\n")[0])
        return {name: owner[name] for name in ("what", "host", "process", "boot")}
    except (ValueError, KeyError, TypeError):
        return {}


def generations(folder: Path, name: str) -> list[Path]:
    """List the claims of a name, the one that counts at the end."""
    try:
        paths = [Path(entry) for entry in os.scandir(folder)]
    except FileNotFoundError:
        return []
    return sorted((path for path in paths if name_of(path) == name and path.suffix[1:].isdecimal()), key=number_of)


def latest(folder: Path, name: str) -> Path | None:
    return next(reversed(generations(folder, name)), None)


def name_of(path: Path) -> str:
    return path.name.rpartition(".")[0]


def number_of(path: Path) -> int:
    return int(path.name.rpartition(".")[2])


def remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
