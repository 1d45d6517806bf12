"""What a process measures of a run whose folder other processes share: what it can claim, and what they leave."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ..errors import StoreError
from ..locks import measuring
from ..stopping import end_if_asked, is_asked_to_end
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

    def done(self, unit: Unit) -> bool:
        """Whether each cell of a unit is stored, or has failed since the run began."""
        return all(self.store.holds(job.record) or self.failure(job) is not None for job in unit.jobs)

    def release(self, claim: Claim) -> None:
        """Give a claim up; the listener hears of one that was lost."""
        if claim.lost:
            self.listener.waits(f"{claim.what}: another process took this over while this one was paused")
        self.claims.release(claim)


def claimed(shared: Shared, units: Sequence[Unit]) -> Iterator[Unit | None]:
    """Yield what this process has claimed, with the cells that the store lacks by then, until all cells are done.

    None stands where all that came before must be finished: before this process waits for others, which may wait for
    it, before it ends because it was asked to, and at the end. A claim, and the lock on the machine, are held until the
    cells are done, as far as that is seen when the next unit is asked for, and of a speed cell until then: else its own
    lock would keep the next one waiting. What other processes hold is waited for, since it is this process's own if
    they end: so at the end all cells are stored, or have failed.
    """
    left, line = list(units), ""
    begun: list[tuple[Unit, ExitStack]] = []
    try:
        while left:
            others: list[Unit] = []
            for unit in left:
                if is_asked_to_end():
                    yield None
                    end_if_asked()
                if (rest := shared.lacking(unit)) is None:
                    continue
                if (claim := shared.claims.take(rest.name, str(rest))) is None:
                    others.append(rest)
                    continue
                begun.append((rest, hold := ExitStack()))
                hold.callback(shared.release, claim)
                alone = isinstance(unit, Speed)
                if (rest := shared.lacking(rest)) is not None:  # it may have been stored before the claim
                    hold.enter_context(measuring(shared.store.folder, alone=alone, wait=shared.listener.waits))
                    others = [some for one in others if (some := shared.lacking(one)) is not None]  # the listener hears
                    yield rest
                begun = let_go(begun) if alone else let_go(begun, shared.done)
            if len(others) == len(left):
                yield None
                begun = let_go(begun)
                holders = [text for unit in others if (text := shared.claims.holder(unit.name))]
                if holders and (news := f"waiting for {listed(holders, MOST)}") != line:
                    shared.listener.waits(line := news)
                time.sleep(POLL_S)
            left = others
        yield None
    finally:
        let_go(begun)


def let_go(
    begun: Sequence[tuple[Unit, ExitStack]], when: Callable[[Unit], bool] = lambda unit: True
) -> list[tuple[Unit, ExitStack]]:
    """Release what is held for the units that are done; return the others."""
    left = []
    for unit, hold in begun:
        if when(unit):
            hold.close()
        else:
            left.append((unit, hold))
    return left
