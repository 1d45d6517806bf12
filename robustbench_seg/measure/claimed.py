"""What a process measures of a run whose folder other processes share: what it can claim, and what they leave."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ..errors import StoreError
from ..stopping import end_if_asked
from ..store.claims import POLL_S, Claim, Claims
from ..store.folder import Stamp, Store, read_failure
from ..wording import listed
from .listener import Listener
from .plan import Job
from .sweep import Speed, Sweep

__all__ = ["ElsewhereError", "Shared", "claimed"]

Unit = TypeVar("Unit", Sweep, Speed)
MOST = 4  # names in a line


class ElsewhereError(Exception):
    """Why a cell failed in another process, in the words of its note."""


@dataclass(frozen=True)
class Shared:
    """A folder that processes share. notes: the failures that were there before the run. failed: see `Context`."""

    store: Store
    claims: Claims
    listener: Listener
    notes: Mapping[str, Stamp]
    failed: list[Job] = field(default_factory=list)

    def lacking(self, unit: Unit) -> Unit | None:
        """Return a unit without the cells that another process has stored, or has seen fail since the run began.

        None if there is no other cell. The listener hears of each.
        """
        left = []
        for job in unit.jobs:
            error = None
            if not self.store.holds(job.record) and (error := self.failure(job)) is None:
                left.append(job)
                continue
            if error is not None:
                self.failed.append(job)
            self.listener.elsewhere(job, error)
        if len(left) == len(unit.jobs):
            return unit
        return replace(unit, jobs=tuple(left)) if left else None

    def failure(self, job: Job) -> ElsewhereError | None:
        """The failure of a cell that another process has noted since the run began; this one does not try it again."""
        stamp = self.store.failure_stamp(job.record)
        if stamp in (None, self.notes.get(job.record.key)):
            return None
        try:
            return ElsewhereError(read_failure(self.store.failure_path(job.record)).message)
        except StoreError:  # it is gone again, since a process has measured the cell
            return None


def claimed(
    shared: Shared, units: Sequence[Unit], sleep: Callable[[float], None] = time.sleep, ahead: int = 0
) -> Iterator[Unit]:
    """Yield what this process has claimed, with the cells that the store lacks by then, until all cells are done.

    The claim is held until the next one is asked for. ahead: until so many later ones are asked for; the last ones are
    held until `shared.claims` ends. What other processes hold is waited for, since it is this process's own if they
    end: so at the end all cells are stored, or have failed.
    """
    left, line, claims = list(units), "", deque[Claim]()
    while left:
        others: list[Unit] = []
        for unit in left:
            end_if_asked()
            if (rest := shared.lacking(unit)) is None:
                continue
            if (claim := shared.claims.take(rest.name, str(rest))) is None:
                others.append(rest)
                continue
            claims.append(claim)
            if (rest := shared.lacking(rest)) is not None:  # it may have been stored before the claim
                yield rest
                if claim.lost:
                    shared.listener.waits(f"{claim.what}: another process took this over while this one was paused")
            while len(claims) > ahead:
                shared.claims.release(claims.popleft())
        if len(others) == len(left):
            holders = [text for unit in others if (text := shared.claims.holder(unit.name))]
            if holders and (news := f"waiting for {listed(holders, MOST)}") != line:
                shared.listener.waits(line := news)
            sleep(POLL_S)
        left = others
