"""Where the sweeps of a run are measured: by this process, or by the nodes of a Ray cluster.

The code that shows images to models and counts is the same (`evaluate.show`), so counts, keys and records are too. The
process of the run alone writes the store: an engine reports to its `Keeper`. This module imports no torch, so that
tasks on the nodes, which corrupt images, start fast.
"""

from typing import TYPE_CHECKING

from .interface import AHEAD, Engine, Keeper, Measured

if TYPE_CHECKING:
    from ...suites import Suite
    from ..evaluate import Screening
    from ..plan import Options

__all__ = ["AHEAD", "Engine", "Keeper", "Measured", "open_engine"]


def open_engine(suite: "Suite", options: "Options", screening: "Screening", keeper: Keeper) -> Engine:
    """Make the engine that the options name, a context manager. Raises MachineError where it lacks something."""
    if options.engine == "local":
        from .local import Local

        return Local(screening, keeper)
    from .ray import Ray

    return Ray(suite, options, screening, keeper)
