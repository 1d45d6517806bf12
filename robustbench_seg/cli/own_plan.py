"""The plan of a run in its folder, into which other runs may write their plans meanwhile."""

from pathlib import Path

from ..measure.listener import Listener
from ..store.folder import Store
from ..store.plan import Plan

__all__ = ["OwnPlan"]


class OwnPlan(Listener):
    """Keeps the plan of a run."""

    def __init__(self, out: Path) -> None:
        self.store = Store(out)
        self.plan: Plan | None = None

    def written(self, plan: Plan) -> None:
        self.plan = plan

    def missing(self) -> int:
        """Count the cells of the plan that are neither stored nor noted as failed."""
        assert self.plan is not None
        failed = {failure.record.key for failure in self.store.failures().values()}
        there = self.store.has
        return sum(not there(one.kind, one.slug, one.key) and one.key not in failed for one in self.plan.cells)
