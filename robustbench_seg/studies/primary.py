"""The primary comparisons of a plan, also of one that was stored before plans had any."""

from importlib.resources import files

import yaml

from ..store.cell import CLEAN
from ..store.plan import Comparison, Plan

__all__ = ["late_naming", "primary_of"]


def late_naming(plan: Plan) -> tuple[str, ...]:
    """State that the primary comparisons are younger than the plan of the runs; nothing if the plan has them."""
    if plan.primary or not primary_of(plan):
        return ()
    return (
        "The suite named its primary comparisons after these runs were planned: for these runs, they are less than a "
        "test.",
    )


def primary_of(plan: Plan) -> tuple[Comparison, ...]:
    """Return the primary comparisons of a plan, or if it has none, of the shipped suite with its name.

    So a store keeps its primary comparisons if its suite is shipped. The suite's file is read as plain YAML: the schema
    would load pydantic, and with it half a second of imports, for every report.
    """
    if plan.primary:
        return plan.primary
    path = files(__package__.rpartition(".")[0]).joinpath("suites", f"{plan.suite}.yaml")
    if not path.is_file():
        return ()
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if content.get("protocol", CLEAN) != plan.protocol:
        return ()  # options changed it, so its quantities are others
    return tuple(
        Comparison(arms=(first, second), quantity=each["quantity"], view=each.get("view", ""))
        for each in content.get("primary", ())
        for first, second in [each["arms"]]
    )
