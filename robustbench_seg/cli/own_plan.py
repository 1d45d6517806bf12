"""The plan of a run in its folder, into which other runs may write their plans meanwhile."""

from pathlib import Path

from ..measure.listener import Listener
from ..measure.plan import Job
from ..store.folder import Store

__all__ = ["OwnPlan"]


class OwnPlan(Listener):
    """Keeps which cells a run measures: its plan is the last one of its suite that has them all."""

    def __init__(self, out: Path, suite: str) -> None:
        self.store, self.suite = Store(out), suite
        self.keys: set[str] = set()

    def planned(self, done: int, waiting: list[Job]) -> None:
        self.keys = {job.record.key for job in waiting}

    def missing(self) -> int:
        """Count the cells of the plan that are neither stored nor noted as failed."""
        plan = self.store.plan_of(self.suite, self.keys)
        failed = {failure.record.key for failure in self.store.failures().values()}
        return sum(not self.store.has(cell.kind, cell.slug, cell.key) and cell.key not in failed for cell in plan.cells)
